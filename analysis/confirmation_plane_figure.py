"""Draws promise and confirmation over two objectives for print: no number is computed here."""

from collections.abc import Sequence
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.confirmation_figure import COLOURS
from analysis.confirmation_panels import STANDINGS
from analysis.confirmation_planes import Plane, Way
from analysis.printing import ACCENT, INK, QUIET, draw_axes, head, legend_below, settings, sheet

ACROSS: Final = 3
DASHES: Final = (0, (4, 3))
CONFIRMED: Final[dict[str, Any]] = {"color": ACCENT, "linewidth": 5, "alpha": 0.22}
"""Broad and pale: intervals run along the same lines."""


def draw_planes(drawn: Sequence[Plane], title: str) -> Figure:
    """Returns a figure with the searched front (dashed, hollow) and the confirmed one (full, with 95 % intervals)."""
    columns = min(ACROSS, len(drawn))
    lines = -(-len(drawn) // columns)
    with settings():
        figure = sheet(6.6 if len(drawn) == 1 else 4.9 * columns, 0.8 + 4.3 * lines)
        every = figure.subplots(lines, columns, squeeze=False).flatten()
        for axes in every[len(drawn) :]:
            axes.set_axis_off()
        for axes, plane in zip(every, drawn, strict=False):
            _draw(axes, plane)
        head(figure, title)
        legend_below(figure, _keys(drawn), 3, "")
    return figure


def _draw(axes: Axes, plane: Plane) -> None:
    draw_axes(axes, plane.x, plane.y)
    axes.plot(*_columns(plane.searched), color=QUIET, linewidth=1.1, linestyle=DASHES, zorder=1)
    axes.plot(*_columns(plane.confirmed), **CONFIRMED, zorder=1, solid_joinstyle="miter")
    for way in plane.ways:
        _draw_way(axes, way)


def _columns(corners: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in corners], [y for _, y in corners]


def _draw_way(axes: Axes, way: Way) -> None:
    colour, x, y = COLOURS[way.x.standing], way.x, way.y
    if way.promised is not None:
        axes.plot(
            [way.promised[0], x.mean], [way.promised[1], y.mean], color=colour, linewidth=0.7, alpha=0.5, zorder=2
        )
        axes.plot(*way.promised, "o", color=colour, markerfacecolor="white", markersize=4.5, zorder=3)
    axes.plot([x.low, x.high], [y.mean, y.mean], color=colour, linewidth=1.2, zorder=3)
    axes.plot([x.mean, x.mean], [y.low, y.high], color=colour, linewidth=1.2, zorder=3)
    axes.plot(x.mean, y.mean, "o", color=colour, markersize=4.5, zorder=4)
    axes.annotate(
        str(way.trial), (x.mean, y.mean), xytext=(5, 5), textcoords="offset points", fontsize=8, color=INK, zorder=5
    )


def _keys(drawn: Sequence[Plane]) -> list[Line2D]:
    looks: dict[str, Any] = {"marker": "o", "linestyle": "none", "markersize": 5}
    there = {way.x.standing for plane in drawn for way in plane.ways}
    keys = [
        Line2D([], [], **looks, color=COLOURS[name], label=text) for name, text in STANDINGS.items() if name in there
    ]
    keys.append(Line2D([], [], **looks, color=QUIET, markerfacecolor="white", label="promised by the search"))
    if any(plane.searched for plane in drawn):
        keys.append(Line2D([], [], color=QUIET, linewidth=1.1, linestyle=DASHES, label="searched front"))
        keys.append(Line2D([], [], **CONFIRMED, label="confirmed front"))
    return keys
