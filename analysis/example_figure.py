"""Draws examples of perturbed images: no number is computed here."""

import math
from collections.abc import Sequence
from typing import Final

from matplotlib.figure import Figure

from analysis.perturbed_images import Example, Examples, Pixels
from analysis.printing import DPI, INK, QUIET, blank, put, say, settings
from analysis.wording import shortened, written

SIDE: Final = 200  # pixels of a drawn image at least, so that a small one is enlarged by a whole number
GAP: Final = 14
BETWEEN: Final = 70
MARGIN: Final = 36
TOP: Final = 88
BELOW: Final = 56
ABOVE: Final = 56
NARROWEST: Final = 1_100  # pixels, which hold most titles
LETTER: Final = {8.5: 12.5, 10.5: 15.5}  # pixels across a letter of so many points


def draw_examples(shown: Examples) -> Figure:
    """Returns a figure with clean image, perturbation or style, and perturbed image of each, two examples in a row."""
    size = _size(shown)
    triple = 3 * size[0] + 2 * GAP
    across = min(2, len(shown.examples))
    rows = math.ceil(len(shown.examples) / across)
    height = TOP + rows * (ABOVE + size[1] + BELOW) + MARGIN
    with settings():
        figure = _sheet(2 * MARGIN + across * triple + (across - 1) * BETWEEN, height, shown.title)
        for place, example in enumerate(shown.examples):
            left = MARGIN + place % across * (triple + BETWEEN)
            top = TOP + place // across * (ABOVE + size[1] + BELOW)
            say(figure, left, top + 22, shortened(example.verdict, int(triple / LETTER[8.5])), 8.5, INK)
            for column, (image, name) in enumerate(example.pictures):
                put(figure, image, left + column * (size[0] + GAP), top + ABOVE, size)
                say(figure, left + column * (size[0] + GAP), top + ABOVE - 7, name, 6.5, QUIET)
            say(figure, left, top + ABOVE + size[1] + 24, example.facts, 6.5, QUIET)
    return figure


def draw_steps(shown: Examples) -> Figure | None:
    """Returns a figure with a row for each example: the clean image, what was added after some steps, the outcome.

    None where there are no steps to be shown: stylised images have none.
    """
    examples = [example for example in shown.examples if isinstance(example, Example)]
    if not examples:
        return None
    size = _size(shown)
    across = max(len(example.frames) for example in examples) + 2
    height = TOP + len(examples) * (ABOVE + size[1] + BELOW) + MARGIN
    with settings():
        figure = _sheet(2 * MARGIN + across * size[0] + (across - 1) * GAP, height, f"{shown.title}: step by step")
        for row, example in enumerate(examples):
            top = TOP + row * (ABOVE + size[1] + BELOW)
            say(figure, MARGIN, top + 22, f"{example.verdict}; perturbation ×{written(example.factor)}", 8.5, INK)
            for column, (image, name) in enumerate(_row(example)):
                left = MARGIN + column * (size[0] + GAP)
                put(figure, image, left, top + ABOVE, size)
                say(figure, left, top + ABOVE - 7, name, 6.5, QUIET)
    return figure


def _row(example: Example) -> Sequence[tuple[Pixels, str]]:
    grown = [(image, f"step {step}") for image, step in zip(example.frames, example.steps, strict=True)]
    return [(example.clean, "clean"), *grown, (example.perturbed, "perturbed")]


def _size(shown: Examples) -> tuple[int, int]:
    """Width and height of a drawn image in pixels: a whole multiple of its own."""
    height, width, _ = shown.examples[0].clean.shape
    times = max(1, math.ceil(SIDE / max(height, width)))
    return width * times, height * times


def _sheet(width: int, height: int, title: str) -> Figure:
    width = max(width, NARROWEST)
    figure = blank(width / DPI, height / DPI)
    say(figure, MARGIN, 56, shortened(title, int((width - 2 * MARGIN) / LETTER[10.5])), 10.5, INK)
    return figure
