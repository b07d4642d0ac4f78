"""Draws heat maps for print: no number is computed here."""

import math
import textwrap
from collections.abc import Sequence
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis.colours import heat, ink_on
from analysis.heat_maps import Cell, HeatMap, best_legend
from analysis.printing import ACCENT, INK, head, settings, sheet
from analysis.wording import shortened
from search_spaces.study import Study

WIDEST: Final = 13.5  # inches
TICK_MOST: Final = 16
LETTER: Final = 5.6  # points across a letter of an axis title
CELL: Final = (0.66, 0.46)  # inches; holds "0.9025" and "no trial"
_UNFILLED: Final[dict[str, dict[str, Any]]] = {
    "failed": {"facecolor": "#f3f4f6", "hatch": "////"},
    "stopped": {"facecolor": "#f3f4f6"},
}


def draw_grid(maps: Sequence[HeatMap], study: Study) -> Figure:
    """Returns a figure of the maps, side by side: scores in their cells, the best outlined, what has none marked."""
    first = maps[0]
    one_width = CELL[0] * len(first.x.values) + 0.09 * _longest(first.y.written) + 0.9
    columns = max(1, min(3, len(maps), int(WIDEST / one_width)))
    lines = math.ceil(len(maps) / columns)
    width, height = columns * one_width, lines * (CELL[1] * len(first.y.values) + 0.95) + 0.7
    with settings():
        figure = sheet(max(width, 4.4), height)
        every = figure.subplots(lines, columns, squeeze=False).flatten()
        for axes, one in zip(every, maps, strict=False):
            _draw_map(axes, one)
        for axes in every[len(maps) :]:
            axes.set_axis_off()
        head(figure, study.description or study.name)
        if any(cell.best for cell in first.cells):
            outline = Rectangle((0, 0), 1, 1, fill=False, edgecolor=ACCENT, linewidth=2, label=best_legend(study))
            figure.legend(handles=[outline], loc="outside lower left", frameon=False, fontsize=8, labelcolor=INK)
    return figure


def _draw_map(axes: Axes, one: HeatMap) -> None:
    axes.set_xlim(-0.5, len(one.x.values) - 0.5)
    axes.set_ylim(-0.5, len(one.y.values) - 0.5)
    axes.set_aspect(CELL[1] / CELL[0])
    slanted = max(len(text) for text in one.x.written) > 8
    axes.set_xticks(
        range(len(one.x.values)),
        [shortened(text, TICK_MOST) for text in one.x.written],
        rotation=30 if slanted else 0,
        ha="right" if slanted else "center",
        rotation_mode="anchor" if slanted else "default",
    )
    axes.set_yticks(range(len(one.y.values)), [shortened(text, TICK_MOST) for text in one.y.written])
    axes.set_xlabel(one.x.label, color=INK, fontsize=9.5)
    room = int(CELL[1] * 72 * len(one.y.values) / LETTER)
    axes.set_ylabel("\n".join(textwrap.wrap(shortened(one.y.label, 3 * room), room)), color=INK, fontsize=9.5)
    axes.set_title(one.title, loc="left", fontsize=9.5, color=INK)
    axes.tick_params(colors=INK, labelsize=8.5, length=0)
    axes.spines[:].set_visible(False)
    for cell in sorted(one.cells, key=lambda cell: cell.best):
        _draw_cell(axes, cell)


def _draw_cell(axes: Axes, cell: Cell) -> None:
    if cell.state == "outside":
        return
    corner, centre = (cell.across - 0.5, cell.up - 0.5), (cell.across, cell.up)
    if cell.share is None:
        looks: dict[str, Any] = {"facecolor": "white", "linestyle": (0, (2, 2)), **_UNFILLED.get(cell.state, {})}
        inside = (corner[0] + 0.03, corner[1] + 0.04)
        axes.add_patch(Rectangle(inside, 0.94, 0.92, edgecolor="#b4bcc5", linewidth=0.7, **looks))
        box = {"facecolor": looks["facecolor"], "edgecolor": "none", "pad": 1.2}
        axes.text(*centre, cell.written, ha="center", va="center", fontsize=6.8, color="#5d6875", bbox=box)
        return
    colour = heat(cell.share)
    axes.add_patch(Rectangle(corner, 1, 1, facecolor=colour, edgecolor="white", linewidth=1.2))
    axes.text(*centre, cell.written, ha="center", va="center", fontsize=8.2, color=ink_on(colour))
    if cell.best:
        axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor="white", linewidth=4.2, clip_on=False, zorder=4))
        axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=ACCENT, linewidth=2, clip_on=False, zorder=5))


def _longest(texts: Sequence[str]) -> int:
    return min(TICK_MOST, max(len(text) for text in texts))
