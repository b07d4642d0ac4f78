"""Draws panels as a figure for print: no number is computed here."""

from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from analysis.panels import Axis, Kind, Panel, label_places, panels
from analysis.placement import Box
from analysis.wording import visible
from search_spaces.study import Study

INK: Final = "#1d2733"
ACCENT: Final = "#b3361b"
QUIET: Final = "#7b8794"
LABEL_POINTS: Final = 8.0
LOOKS: Final[dict[Kind, dict[str, Any]]] = {
    "stopped": {"s": 20, "facecolors": "none", "edgecolors": QUIET, "linewidths": 0.8, "alpha": 0.6},
    "infeasible": {"s": 22, "c": QUIET, "marker": "x", "linewidths": 0.9, "alpha": 0.7},
    "complete": {"s": 24, "c": QUIET, "edgecolors": "none", "alpha": 0.75},
    "front": {"s": 44, "c": ACCENT, "edgecolors": "white", "linewidths": 0.8},
}
LEGEND: Final[dict[Kind, str]] = {
    "front": "front",
    "complete": "complete",
    "infeasible": "breaks a constraint",
    "stopped": "stopped early",
}
_SETTINGS: Final[Any] = {
    "svg.hashsalt": "robustune",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "text.parse_math": False,
}


def draw_front(trials: pa.Table, front: pa.Table, study: Study) -> Figure:
    """Returns a figure of all finished trials, the front with its attained edge, and the region up to the reference."""
    shown = panels(trials, front, study)
    with mpl.rc_context(_SETTINGS):
        width = 6.6 if len(shown) == 1 else 4.9 * len(shown)
        figure = Figure(figsize=(width, 4.6), dpi=200, layout="constrained")
        canvas: Any = FigureCanvasAgg(figure)
        every = figure.subplots(1, len(shown), squeeze=False)[0]
        for axes, panel in zip(every, shown, strict=True):
            _draw_panel(axes, panel)
        figure.suptitle(
            visible(study.description or study.name), x=0.01, ha="left", fontsize=10.5, color=INK, wrap=True
        )
        _legend(figure, shown)
        canvas.draw()  # settles the layout: labels are placed in pixels
        figure.set_layout_engine("none")
        for axes, panel in zip(every, shown, strict=True):
            _label(axes, panel)
    return figure


def save(figure: Figure, folder: Path) -> dict[str, Path]:
    """Writes `front.png` and `front.svg` into the folder, the same bytes for the same trials; returns the paths."""
    paths = {}
    for kind, metadata in (("png", {"Software": None}), ("svg", {"Date": None, "Creator": None})):
        path = folder / f"front.{kind}"
        aside = path.with_name(f".{path.name}.aside")
        with mpl.rc_context(_SETTINGS):
            figure.savefig(aside, format=kind, metadata=metadata, dpi=200)
        aside.replace(path)
        paths[path.name] = path
    return paths


def _draw_panel(axes: Axes, panel: Panel) -> None:
    axes.set_xlim(panel.x.low, panel.x.high)
    axes.set_ylim(panel.y.low, panel.y.high)
    axes.set_xticks(panel.x.ticks, panel.x.written)
    axes.set_yticks(panel.y.ticks, panel.y.written)
    axes.set_xlabel(panel.x.label, color=INK, fontsize=9.5)
    axes.set_ylabel(panel.y.label, color=INK, fontsize=9.5)
    axes.tick_params(colors=INK, labelsize=8.5, length=3, width=0.6)
    axes.grid(color="#e4e8ec", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set(color=QUIET, linewidth=0.7)
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
    if panel.corner is not None:
        axes.fill([*x, panel.corner[0]], [*y, panel.corner[1]], color=ACCENT, alpha=0.07, linewidth=0, zorder=1)
    for axis, draw in ((panel.x, axes.axvline), (panel.y, axes.axhline)):
        _draw_reference(axis, draw)


def _draw_reference(axis: Axis, draw: Any) -> None:
    if axis.reference is not None:
        draw(axis.reference, color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)


def _legend(figure: Figure, shown: tuple[Panel, ...]) -> None:
    there = {point.kind for panel in shown for point in panel.points}
    handles: list[Any] = [
        figure.axes[0].scatter([], [], label=name, **LOOKS[kind]) for kind, name in LEGEND.items() if kind in there
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
