"""Draws the figures of `search-quality` for print: no number is computed here."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.colours import NAMED
from analysis.printing import INK, QUIET, draw_axes, head, legend_below, settings, sheet
from benchmarks.search_quality.charts import AttainmentPanel, Band, HistoryPanel

PANEL: Final = (3.7, 3.0)  # inches
LEGEND: Final = 0.2  # inches a line
MOST_COLUMNS: Final = 3
TINT: Final = 0.16


def draw_histories(panels: Sequence[HistoryPanel], title: str, remark: str) -> Figure:
    """Returns a figure with a panel for each number of workers: medians as lines, quartiles as bands."""
    with settings():
        figure, every = _panels(len(panels), title)
        for axes, panel in zip(every, panels, strict=True):
            axes.set_xscale("log")
            draw_axes(axes, panel.x, panel.y)
            axes.minorticks_off()
            axes.set_title(panel.title, loc="left", fontsize=9.5, color=INK)
            axes.axhline(panel.share, color=QUIET, linewidth=0.8, linestyle=(0, (4, 3)))
            for course in panel.courses:
                colour = NAMED[course.colour]
                axes.fill_between(panel.times, course.low, course.high, color=colour, alpha=TINT, linewidth=0)
            for course in panel.courses:
                axes.plot(panel.times, course.middle, color=NAMED[course.colour], linewidth=1.4)
        for axes in every[1:]:
            axes.set_ylabel("")
        _legend(figure, [(course.colour, course.label) for course in panels[0].courses], remark)
    return figure


def draw_attainment(panels: Sequence[AttainmentPanel], title: str, remark: str) -> Figure:
    """Returns a figure with a panel for each two objectives: the surface of half the seeds, in a band of quarters."""
    with settings():
        figure, every = _panels(len(panels), title)
        for axes, panel in zip(every, panels, strict=True):
            draw_axes(axes, panel.x, panel.y)
            for band in panel.bands:
                outline = np.vstack([band.quarter, band.most[::-1]])
                axes.fill(*outline.T, color=_colour(band), alpha=TINT, linewidth=0)
            for band in panel.bands:
                axes.plot(*band.half.T, color=_colour(band), linewidth=1.4)
        _legend(figure, [(band.colour, band.label) for band in panels[0].bands], remark)
    return figure


def _panels(count: int, title: str) -> tuple[Figure, list[Axes]]:
    figure = sheet(max(PANEL[0] * count, 6.4), PANEL[1] + 0.5 + 3 * LEGEND)
    head(figure, title)
    return figure, list(figure.subplots(1, count, squeeze=False)[0])


def _colour(band: Band) -> str:
    return NAMED[band.colour] if band.colour < len(NAMED) else QUIET


def _legend(figure: Figure, entries: Sequence[tuple[int, str]], remark: str) -> None:
    keys: list[Any] = [
        Line2D([], [], color=NAMED[colour] if colour < len(NAMED) else QUIET, linewidth=1.8, label=label)
        for colour, label in entries
    ]
    for columns in range(min(MOST_COLUMNS, len(keys)), 0, -1):
        legend = legend_below(figure, keys, columns, remark)
        figure.draw_without_rendering()  # places it, in pixels
        if columns == 1 or legend.get_window_extent().x1 <= figure.bbox.x1:
            return
        legend.remove()
