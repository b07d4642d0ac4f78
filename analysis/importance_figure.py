"""Draws importance and partial dependence for print: no number is computed here."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.bar_figure import bar_legend, draw_bars
from analysis.colours import NAMED
from analysis.importance import Importances, trust
from analysis.importance_bars import NOTE, importance_bars
from analysis.importance_section import PARTIAL_NOTE
from analysis.partial_panels import Dependence
from analysis.printing import INK, QUIET, draw_axes, head, settings, sheet
from analysis.wording import readable, shortened

ACROSS: Final = 4
LETTERS: Final = 125
NAME_MOST: Final = 14


def draw_importance(found: Importances, title: str) -> Figure:
    """Returns a figure with a row of bars for each objective, and beside each how far to trust it."""
    bars = importance_bars(found)
    with settings():
        figure = sheet(8.6, 0.9 + 2.6 * max(1, len(found.judged)))
        head(figure, title)
        for axes, one in zip(
            figure.subplots(max(1, len(found.judged)), 1, squeeze=False)[:, 0], found.judged, strict=False
        ):
            if one.metric in bars:
                draw_bars(axes, bars[one.metric], letters=120)
            else:
                axes.set_axis_off()
            told = "\n".join([readable(one.metric), *textwrap.wrap(trust(one), LETTERS)])
            axes.set_title(told, loc="left", fontsize=8.5, color=INK)
        if bars:
            bar_legend(figure, next(iter(bars.values())).series, "\n".join(textwrap.wrap(NOTE, LETTERS)))
    return figure


def draw_partial(panels: Mapping[str, Sequence[Dependence]], title: str) -> Figure:
    """Returns a figure with the panels of each objective in rows, the option that matters most first."""
    rows = [
        (objective, shown[start : start + ACROSS])
        for objective, shown in panels.items()
        for start in range(0, len(shown), ACROSS)
    ]
    with settings():
        figure = sheet(3.0 * ACROSS, 0.8 + 2.5 * max(1, len(rows)))
        head(figure, title)
        grid = figure.subplots(max(1, len(rows)), ACROSS, squeeze=False)
        for axes in grid.flatten():
            axes.set_axis_off()
        for line, (objective, shown) in zip(grid, rows, strict=False):
            for axes, panel in zip(line, shown, strict=False):
                axes.set_axis_on()
                _draw(axes, panel)
            told = f"{readable(objective)} ({shown[0].y.label})"
            line[0].set_title(told, loc="left", fontsize=9.5, color=INK)
        below = PARTIAL_NOTE if rows else "Too few trials, or no variance: nothing can be said of any option."
        figure.supxlabel("\n".join(textwrap.wrap(below, 130)), x=0.01, ha="left", fontsize=8, color=QUIET)
    return figure


def _draw(axes: Axes, panel: Dependence) -> None:
    draw_axes(axes, panel.x, panel.y)
    axes.set_ylabel("")
    x = [spot.x for spot in panel.spots]
    mean = [spot.mean for spot in panel.spots]
    low, high = [spot.low for spot in panel.spots], [spot.high for spot in panel.spots]
    least, greatest = [spot.least for spot in panel.spots], [spot.greatest for spot in panel.spots]
    if panel.joined:
        axes.fill_between(x, low, high, color=NAMED[0], alpha=0.14, linewidth=0)
        axes.fill_between(x, least, greatest, color=NAMED[0], alpha=0.3, linewidth=0)
        axes.plot(x, mean, color=NAMED[0], linewidth=1.4)
        return
    axes.vlines(x, low, high, color=NAMED[0], alpha=0.18, linewidth=9)
    axes.vlines(x, least, greatest, color=INK, linewidth=1.1)
    axes.plot(x, mean, color=NAMED[0], marker="o", markersize=4, linestyle="none")
    names = [shortened(text, NAME_MOST) for text in panel.x.written]
    slanted = sum(len(text) + 2 for text in names) > 30
    axes.set_xticks(panel.x.ticks, names, rotation=30 if slanted else 0, ha="right" if slanted else "center")
    axes.set_xlabel(panel.x.label, color=INK, fontsize=9.5)
