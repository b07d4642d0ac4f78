"""Draws images with their masks and predictions for print: no number is computed here."""

from dataclasses import dataclass
from typing import Final

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis.mask_pictures import drawn_size, image_picture, is_outlined, mask_picture
from analysis.masks import Masked, Sheet
from analysis.printing import DPI, INK, QUIET, blank, put, say, settings
from analysis.voc_palette import hex_colour
from analysis.wording import shortened, visible

GAP: Final = 14  # pixels, as all lengths here
BETWEEN: Final = 40
MARGIN: Final = 36
TOP: Final = 74
HEADS: Final = 62
CAPTION: Final = 34
KEY_WIDTH: Final = 250
KEY_HEIGHT: Final = 32
KEY_LETTERS: Final = 19
KEYS_MOST: Final = 32
"""Classes that a legend names; of more, those with the most pixels."""
LETTER: Final = {7.0: 10.5, 8.5: 12.5, 10.5: 15.5}
"""Pixels across a letter of so many points."""
LINES: Final = "white lines: where true classes meet"
NOISE: Final = "under noise: the first draw of the scored noise"


@dataclass(frozen=True)
class _Place:
    """Where a column of pictures begins, and how wide and high its cells are."""

    lefts: tuple[int, ...]
    width: int
    height: int


def draw_masks(sheet: Sheet, title: str) -> Figure:
    """Returns a figure with a line for each image: image, truth, and of each trial its prediction, clean and noisy."""
    sizes = [drawn_size(*one.truth.shape) for one in sheet.images]
    place = _columns(len(sheet.trials), max(size[1] for size in sizes), max(size[0] for size in sizes))
    right = max(place.lefts[-1] + place.width, MARGIN + 4 * KEY_WIDTH)
    keys, left_out = _keys(sheet)
    across = (right - MARGIN) // KEY_WIDTH
    top = TOP + HEADS
    lines = [top + number * (place.height + CAPTION) for number in range(len(sheet.images))]
    foot = lines[-1] + place.height + CAPTION + 18
    height = foot + KEY_HEIGHT * (-(-len(keys) // across) + 1 + bool(left_out)) + MARGIN
    with settings():
        figure = blank((right + MARGIN) / DPI, height / DPI)
        told = shortened(visible(title), int((right - MARGIN) / LETTER[10.5]))
        say(figure, MARGIN, 50, told, 10.5, INK)
        _draw_heads(figure, sheet, place)
        for line, one in zip(lines, sheet.images, strict=True):
            _draw_line(figure, one, place, line)
        _draw_key(figure, sheet, keys, foot, across)
        base = height - MARGIN
        if left_out:
            say(figure, MARGIN, base - KEY_HEIGHT, f"{left_out} more classes, of fewer pixels", 7.0, QUIET)
        say(figure, MARGIN, base, "; ".join(remarks_of(sheet)), 7.0, QUIET)
    return figure


def remarks_of(sheet: Sheet) -> tuple[str, ...]:
    """Returns what must be known to read the pictures."""
    return (LINES, NOISE) if any(is_outlined(*one.truth.shape) for one in sheet.images) else (NOISE,)


def _columns(trials: int, width: int, height: int) -> _Place:
    lefts = [MARGIN, MARGIN + width + GAP]
    for _ in range(trials):
        first = lefts[-1] + width + BETWEEN
        lefts += [first, first + width + GAP]
    return _Place(tuple(lefts), width, height)


def _keys(sheet: Sheet) -> tuple[list[int], int]:
    """The classes that the legend names, and how many it does not."""
    kept = {number for number, _ in sheet.pixels.most_common(KEYS_MOST)}
    return [number for number in sheet.occurring if number in kept], len(sheet.occurring) - len(kept)


def _draw_heads(figure: Figure, sheet: Sheet, place: _Place) -> None:
    base = TOP + HEADS - 12
    for left, text in zip(
        place.lefts, ("image", "truth", *("prediction", "under noise") * len(sheet.trials)), strict=True
    ):
        say(figure, left, base, text, 7.0, QUIET)
    for left, trial in zip(place.lefts[2::2], sheet.trials, strict=True):
        say(figure, left, base - 28, f"trial {trial}", 8.5, INK)


def _draw_line(figure: Figure, one: Masked, place: _Place, top: int) -> None:
    pictures = [image_picture(one.image), *(mask_picture(mask, one.truth) for mask in one.masks)]
    captions = [f"image {one.row}", ""]
    for said in one.said:
        captions += [_written(said.miou), _written(said.noisy_miou)]
    for left, picture, caption in zip(place.lefts, pictures, captions, strict=True):
        put(figure, picture, left, top, (picture.shape[1], picture.shape[0]))
        say(figure, left, top + picture.shape[0] + 20, caption, 7.0, INK)


def _written(score: float | None) -> str:
    return "no class is told" if score is None else f"mIoU {score:.3f}"


def _draw_key(figure: Figure, sheet: Sheet, keys: list[int], top: int, across: int) -> None:
    for place, number in enumerate(keys):
        left, upper = MARGIN + place % across * KEY_WIDTH, top + place // across * KEY_HEIGHT
        width, height = figure.get_size_inches() * DPI
        swatch = Rectangle(
            (left / width, 1 - (upper + 20) / height),
            20 / width,
            20 / height,
            transform=figure.transFigure,
            facecolor=hex_colour(number),
            edgecolor=QUIET,
            linewidth=0.4,
        )
        figure.add_artist(swatch)
        say(figure, left + 28, upper + 17, shortened(sheet.name(number), KEY_LETTERS), 7.0, INK)
