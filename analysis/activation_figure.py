"""Draws mean activations layer by layer for print: no number is computed here beyond the ends of a colour scale."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure

from analysis.explained import CLEAN, PERTURBED
from analysis.printing import DPI, INK, QUIET, blank, put, say, settings
from analysis.tiles import Pixels, coloured, fitted, laid, plane
from analysis.wording import shortened, visible

SIDE: Final = 128  # pixels, as all lengths here; small maps are enlarged by a whole number
GAP: Final = 10
BETWEEN_NETS: Final = 40
MARGIN: Final = 36
NAMES: Final = 330
TOP: Final = 150
LAYERS_MOST: Final = 24
"""Layers of one figure; more go on in the next one."""
LETTER: Final = {6.5: 9.8, 10.5: 15.5}
IMAGES: Final = (CLEAN, PERTURBED)
NOTES: Final = ("mean over channels; dark is low, light is high;", "one scale for both images of each net's layer")

Row = dict[str, Any]


def draw_activations(table: pa.Table, pictures: pa.Table, title: str) -> Iterator[Figure]:
    """Yields figures with a line for each layer: of each net its mean activation, clean beside perturbed.

    Args:
        table: of `analysis.explained.ACTIVATIONS_SCHEMA`.
        pictures: of `PICTURES_SCHEMA`; they stand in the first line.
        title: of the figures.
    """
    rows: list[Row] = table.to_pylist()
    nets = list(dict.fromkeys(row["net"] for row in rows))
    lines: dict[int, dict[tuple[str, str], Row]] = {}
    for row in rows:
        lines.setdefault(row["place"], {})[row["net"], row["image"]] = row
    shown = {row["image"]: row for row in pictures.to_pylist()}
    places = sorted(lines)
    for start in range(0, len(places), LAYERS_MOST):
        chosen = [lines[place] for place in places[start : start + LAYERS_MOST]]
        yield _figure(chosen, nets, shown, title if not start else f"{title} (continued)")


def picture_of(row: Row) -> Pixels:
    """Returns the (H, W, 3) pixels of a row of `PICTURES_SCHEMA`."""
    return np.frombuffer(row["pixels"], np.uint8).reshape(row["height"], row["width"], 3)


def scaled(line: dict[tuple[str, str], Row], net: str) -> dict[str, Pixels]:
    """Returns a layer's maps of one net by image, in colours of one scale, so that both images can be compared."""
    maps = {image: plane(line[net, image]) for image in IMAGES if (net, image) in line}
    low = min(float(np.nanmin(one)) for one in maps.values())
    high = max(float(np.nanmax(one)) for one in maps.values())
    return {image: coloured(one, low, high) for image, one in maps.items()}


def _figure(lines: list[dict[tuple[str, str], Row]], nets: list[str], shown: dict[str, Row], title: str) -> Figure:
    cells: list[list[Pixels | None]] = [[fitted(picture_of(shown[image]), SIDE) for _ in nets for image in IMAGES]]
    for line in lines:
        maps = [scaled(line, net) for net in nets]
        cells.append([fitted(found[image], SIDE) for found in maps for image in IMAGES])
    gaps = [GAP if column % 2 else BETWEEN_NETS for column in range(1, 2 * len(nets))]
    ground = laid(cells, SIDE, gaps, GAP)
    width = MARGIN + NAMES + ground.shape[1] + MARGIN
    captions = [f"{image}: {visible(shown[image]['caption'])}" for image in IMAGES]
    told = [shortened(text, int((width - 2 * MARGIN) / LETTER[6.5])) for text in (*captions, *NOTES)]
    height = TOP + ground.shape[0] + MARGIN + 26 * len(told)
    with settings():
        figure = blank(width / DPI, height / DPI)
        say(figure, MARGIN, 50, shortened(visible(title), int((width - 2 * MARGIN) / LETTER[10.5])), 10.5, INK)
        put(figure, ground, MARGIN + NAMES, TOP, (ground.shape[1], ground.shape[0]))
        figure.axes[0].spines[:].set_visible(False)
        for place, net in enumerate(nets):
            left = MARGIN + NAMES + place * (2 * SIDE + GAP + BETWEEN_NETS)
            say(figure, left, TOP - 40, shortened(visible(net), 24), 8.5, INK)
            for column, image in enumerate(IMAGES):
                say(figure, left + column * (SIDE + GAP), TOP - 12, image, 6.5, QUIET)
        for place, text in enumerate(["image", *(_name(line) for line in lines)]):
            base = TOP + place * (SIDE + GAP) + SIDE // 2
            name, _, shape = text.partition("\n")
            say(figure, MARGIN, base, shortened(visible(name), int(NAMES / LETTER[6.5])), 6.5, INK)
            say(figure, MARGIN, base + 22, shape, 6.5, QUIET)
        for place, note in enumerate(told):
            say(figure, MARGIN, height - MARGIN - 26 * (len(told) - 1 - place), note, 6.5, QUIET)
    return figure


def _name(line: dict[tuple[str, str], Row]) -> str:
    first = next(iter(line.values()))
    return f"{first['layer']}\n{first['shape'].replace('x', ' × ')}"
