"""Draws panels as a figure for print: no number is computed here."""

import math
from typing import Any, Final

import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.panels import Axis, Kind, Panel, kind_name, label_places, panels
from analysis.placement import Box
from analysis.printing import ACCENT, INK, QUIET, draw_axes, head, settings, sheet
from search_spaces.study import Study

LABEL_POINTS: Final = 8.0
ACROSS: Final = 3
LOOKS: Final[dict[Kind, dict[str, Any]]] = {
    "stopped": {"s": 20, "facecolors": "none", "edgecolors": QUIET, "linewidths": 0.8, "alpha": 0.6},
    "infeasible": {"s": 22, "c": QUIET, "marker": "x", "linewidths": 0.9, "alpha": 0.7},
    "complete": {"s": 24, "c": QUIET, "edgecolors": "none", "alpha": 0.75},
    "front": {"s": 44, "c": ACCENT, "edgecolors": "white", "linewidths": 0.8},
}
LEGEND: Final[tuple[Kind, ...]] = ("front", "complete", "infeasible", "stopped")


def draw_front(trials: pa.Table, front: pa.Table, study: Study) -> Figure:
    """Returns a figure of all finished trials, the front with its attained edge, and the region up to the reference."""
    shown = panels(trials, front, study)
    with settings():
        columns = min(ACROSS, len(shown))
        lines = math.ceil(len(shown) / columns)
        figure = sheet(6.6 if len(shown) == 1 else 4.9 * columns, 0.3 + 4.3 * lines)
        every = figure.subplots(lines, columns, squeeze=False).flatten()
        for axes in every[len(shown) :]:
            axes.set_axis_off()
        for axes, panel in zip(every, shown, strict=False):
            _draw_panel(axes, panel)
        head(figure, study.description or study.name)
        _legend(figure, shown, study)
        figure.draw_without_rendering()  # settles the layout: labels are placed in pixels
        figure.set_layout_engine("none")
        for axes, panel in zip(every, shown, strict=False):
            _label(axes, panel)
    return figure


def _draw_panel(axes: Axes, panel: Panel) -> None:
    draw_axes(axes, panel.x, panel.y)
    _draw_edge(axes, panel)
    for kind, looks in LOOKS.items():
        points = [point for point in panel.points if point.kind == kind]
        axes.scatter([p.x for p in points], [p.y for p in points], zorder=4 if kind == "front" else 3, **looks)
    if panel.beyond:
        note = f"{panel.beyond} more beyond these axes"
        axes.annotate(note, (1, 1.01), xycoords="axes fraction", ha="right", fontsize=7.5, color=QUIET)


def _draw_edge(axes: Axes, panel: Panel) -> None:
    x, y = [corner[0] for corner in panel.edge], [corner[1] for corner in panel.edge]
    axes.plot(x, y, color=ACCENT, linewidth=1.3, zorder=2, solid_joinstyle="miter")
    if panel.attained:
        across, up = zip(*panel.attained, strict=True)
        axes.fill(across, up, color=ACCENT, alpha=0.07, linewidth=0, zorder=1)
    for axis, draw in ((panel.x, axes.axvline), (panel.y, axes.axhline)):
        _draw_reference(axis, draw)


def _draw_reference(axis: Axis, draw: Any) -> None:
    if axis.reference is not None:
        draw(axis.reference, color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)


def _legend(figure: Figure, shown: tuple[Panel, ...], study: Study) -> None:
    there = {point.kind for panel in shown for point in panel.points}
    handles: list[Any] = [
        figure.axes[0].scatter([], [], label=kind_name(kind, study), **LOOKS[kind]) for kind in LEGEND if kind in there
    ]
    if any(axis.reference is not None for panel in shown for axis in (panel.x, panel.y)):
        handles += figure.axes[0].plot([], [], color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)), label="reference")
    if handles:
        figure.legend(
            handles=handles, loc="outside lower left", ncols=len(handles), frameon=False, fontsize=8, labelcolor=INK
        )


def _label(axes: Axes, panel: Panel) -> None:
    scale = axes.figure.dpi / 72
    inside = axes.get_window_extent()
    frame = Box(0, 0, inside.width, inside.height)
    best = [point for point in panel.points if point.kind == "front"]
    sizes = [
        ((0.68 * len(str(point.trial)) + 0.2) * LABEL_POINTS * scale, 1.1 * LABEL_POINTS * scale) for point in best
    ]
    for point, centre in zip(best, label_places(panel, frame, 4 * scale, sizes), strict=True):
        if centre is not None:
            axes.annotate(
                str(point.trial),
                (centre[0] / inside.width, centre[1] / inside.height),
                xycoords="axes fraction",
                ha="center",
                va="center",
                fontsize=LABEL_POINTS,
                color=INK,
                zorder=5,
            )
