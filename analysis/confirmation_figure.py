"""Draws promise beside confirmation for print: no number is computed here."""

import textwrap
from collections.abc import Sequence
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.confirmation_panels import STANDINGS, Forest
from analysis.printing import ACCENT, FAINT, INK, QUIET, head, legend_below, quiet_frame, settings, sheet

COLOURS: Final = {"confirmed": ACCENT, "fell": INK, "other": QUIET}
LETTERS: Final = 110


def draw_confirmation(drawn: Sequence[Forest], sentences: Sequence[str], title: str) -> Figure:
    """Returns a figure with a column for each objective, and below it what was confirmed in sentences."""
    rows = max((len(forest.points) for forest in drawn), default=0)
    with settings():
        lines = [line for text in sentences for line in textwrap.wrap(text, LETTERS)]
        figure = sheet(max(6.6, 3.6 * len(drawn)), 1.6 + 0.2 * max(3, rows) + 0.17 * len(lines))
        head(figure, title)
        for axes, forest in zip(figure.subplots(1, len(drawn), squeeze=False)[0], drawn, strict=True):
            _draw(axes, forest)
        looks: dict[str, Any] = {"marker": "o", "linestyle": "none", "markersize": 5}
        keys = [Line2D([], [], **looks, color=COLOURS[name], label=text) for name, text in STANDINGS.items()]
        keys.append(Line2D([], [], **looks, color=QUIET, markerfacecolor="white", label="promised by the search"))
        legend_below(figure, keys, 4, "\n".join(lines))
    return figure


def _draw(axes: Axes, forest: Forest) -> None:
    for place, one in enumerate(forest.points):
        colour = COLOURS[one.standing]
        axes.plot([one.low, one.high], [place, place], color=colour, linewidth=1.2, zorder=2)
        axes.plot(one.mean, place, "o", color=colour, markersize=4.5, zorder=4)
        if one.promised is not None:
            axes.plot(one.promised, place, "o", color=colour, markerfacecolor="white", markersize=4.5, zorder=3)
    axes.set_yticks(range(len(forest.points)), [str(one.trial) for one in forest.points])
    axes.set_ylim(max(0.5, len(forest.points) - 0.5), -0.5)
    axes.set_xlim(forest.x.low, forest.x.high)
    axes.set_xticks(forest.x.ticks, forest.x.written)
    axes.set_xlabel(forest.x.label, color=INK, fontsize=9.5)
    axes.set_ylabel("Trial", color=INK, fontsize=9.5)
    axes.grid(color=FAINT, linewidth=0.6, axis="x")
    quiet_frame(axes)
