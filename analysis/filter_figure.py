"""Draws filters and feature maps as blocks of small pictures for print: no number is computed here."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
from matplotlib.figure import Figure

from analysis.explained import PERTURBED
from analysis.printing import DPI, INK, QUIET, blank, put, say, settings
from analysis.tiles import Pixels, coloured, plane, signed, squared
from analysis.wording import readable, shortened, visible

SIDE: Final = 64  # pixels of a tile, as all lengths here
BETWEEN: Final = 4
ACROSS: Final = 8
APART: Final = 48
MARGIN: Final = 36
TOP: Final = 90
ABOVE: Final = 92
LINE: Final = 40  # from one line of a title to the next
LETTER: Final = {6.5: 9.8, 10.5: 15.5}
BLOCK: Final = ACROSS * (SIDE + BETWEEN) - BETWEEN
DEPTHS: Final = {"first": "first layer", "deep": "deep layer"}

Row = dict[str, Any]
Block = tuple[str, str, Pixels]
"""Heading, what stands below it, and the block."""


def draw_filters(table: pa.Table, title: str) -> Figure:
    """Returns a figure with a block for each net: filters of the first convolution, below them deep ones.

    Args:
        table: of `analysis.explained.FILTERS_SCHEMA`; a net may lack deep filters.
        title: of the figure.
    """
    rows: list[Row] = table.to_pylist()
    nets = list(dict.fromkeys(row["net"] for row in rows))
    lines = []
    for depth, name in DEPTHS.items():
        there = [[row for row in rows if row["net"] == net and row["depth"] == depth] for net in nets]
        if any(there):
            lines.append([_filters(net, name, found) for net, found in zip(nets, there, strict=True) if found])
    return _figure(lines, title, "each filter has its own scale; grey is 0")


def draw_feature_maps(table: pa.Table, title: str) -> Iterator[Figure]:
    """Yields a figure for each chosen layer: of each net the chosen channels under the perturbed image.

    Args:
        table: of `analysis.explained.FEATURE_MAPS_SCHEMA`.
        title: of the figures.
    """
    rows: list[Row] = [row for row in table.to_pylist() if row["image"] == PERTURBED]
    nets = list(dict.fromkeys(row["net"] for row in rows))
    for place in sorted({row["place"] for row in rows}):
        there = [[row for row in rows if row["net"] == net and row["place"] == place] for net in nets]
        blocks = [_maps(net, found) for net, found in zip(nets, there, strict=True) if found]
        note = "dark is low, light is high; each net's layer has one scale"
        layer = there[0][0]["layer"] if there[0] else ""
        yield _figure([blocks], f"{title}: feature maps of {visible(layer)}, perturbed image", note)


def _filters(net: str, name: str, rows: Sequence[Row]) -> Block:
    pictures = [signed(plane(row)) for row in rows]
    size = f"{rows[0]['width']} × {rows[0]['height']}"
    return net, f"{name}: {len(rows)} of {rows[0]['layer']}, {size}", squared(pictures, SIDE, ACROSS, BETWEEN)


def _maps(net: str, rows: Sequence[Row]) -> Block:
    maps = [plane(row) for row in rows]
    low, high = min(float(one.min()) for one in maps), max(float(one.max()) for one in maps)
    pictures = [coloured(one, low, high) for one in maps]
    told = f"{len(rows)} of {rows[0]['channels']} channels, {rows[0]['width']} × {rows[0]['height']}"
    return net, readable(told), squared(pictures, SIDE, ACROSS, BETWEEN)


def _figure(lines: Sequence[Sequence[Block]], title: str, note: str) -> Figure:
    width = 2 * MARGIN + max(max(len(line) for line in lines) * (BLOCK + APART) - APART, BLOCK + APART)
    heights = [ABOVE + max(block.shape[0] for _, _, block in line) for line in lines]
    titles = _wrapped(title, width - 2 * MARGIN, 10.5)
    top = TOP + (len(titles) - 1) * LINE
    height = top + sum(heights) + 2 * MARGIN
    with settings():
        figure = blank(width / DPI, height / DPI)
        for place, line in enumerate(titles):
            say(figure, MARGIN, 54 + place * LINE, line, 10.5, INK)
        for blocks, tall in zip(lines, heights, strict=True):
            for place, (heading, told, block) in enumerate(blocks):
                left = MARGIN + place * (BLOCK + APART)
                say(figure, left, top + 34, shortened(visible(heading), 30), 8.5, INK)
                say(figure, left, top + 64, shortened(visible(told), int(BLOCK / LETTER[6.5])), 6.5, QUIET)
                put(figure, block, left, top + ABOVE - 12, (block.shape[1], block.shape[0]))
                figure.axes[-1].spines[:].set_visible(False)
            top += tall
        say(figure, MARGIN, height - MARGIN + 10, note, 6.5, QUIET)
    return figure


def _wrapped(text: str, width: int, points: float) -> list[str]:
    """The lines of a text that has so many pixels."""
    return textwrap.wrap(visible(text), int(width / LETTER[points])) or [""]
