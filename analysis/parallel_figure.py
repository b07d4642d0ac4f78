"""Draws parallel coordinates for print: no number is computed here."""

from typing import Any, Final

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.parallel import FATES, Fate, Parallel
from analysis.printing import ACCENT, INK, QUIET, head, legend_below, settings, sheet
from analysis.wording import shortened

MOST: Final = 1_000
"""Lines that a figure shows; more make a grey field, and a file of many megabytes."""
ABSENT: Final = -0.11
GREY: Final = "#a9b3bd"
LOOKS: Final[dict[Fate, dict[str, Any]]] = {
    "front": {"color": ACCENT, "linewidth": 1.3, "alpha": 0.95},
    "complete": {"color": QUIET, "linewidth": 0.7},
    "infeasible": {"color": QUIET, "linewidth": 0.7, "linestyle": (0, (9, 3))},
    "stopped": {"color": GREY, "linewidth": 0.6, "linestyle": (0, (4, 3))},
    "failed": {"color": INK, "linewidth": 0.7, "linestyle": (0, (1, 2))},
    "running": {"color": GREY, "linewidth": 0.5, "linestyle": (0, (1, 2))},
}


def draw_parallel(drawn: Parallel, title: str) -> Figure:
    """Returns a figure with the front's lines over the others'; where there are too many, of some of them."""
    rows = drawn.sample(MOST)
    there = [fate for fate in FATES if fate in drawn.fates]
    with settings():
        figure = sheet(max(5.0, 1.15 * len(drawn.axes)), 4.4)
        head(figure, title)
        axes = figure.subplots()
        axes.set_axis_off()
        axes.set(xlim=(-0.6, len(drawn.axes) - 0.5), ylim=(ABSENT - 0.05, 1.17))
        heights = np.where(np.isnan(drawn.heights), ABSENT, drawn.heights)
        for rank, fate in enumerate(reversed(FATES)):
            lines = [list(enumerate(heights[row])) for row in rows if drawn.fates[row] == fate]
            faint = {"alpha": max(0.12, min(0.6, 60 / max(1, len(lines))))}
            axes.add_collection(LineCollection(lines, zorder=2 + 0.1 * rank, **{**faint, **LOOKS[fate]}))
        _uprights(axes, drawn)
        keys = [Line2D([], [], **LOOKS[fate], label=f"{FATES[fate]} ({drawn.fates.count(fate):,})") for fate in there]
        left = len(drawn.numbers) - len(rows)
        told = f"{len(rows):,} of {len(drawn.numbers):,} lines, the others drawn at random; " if left else ""
        told += "objectives: better is up"
        if keys:
            legend_below(figure, keys, 4, told)
        else:
            axes.text(0.5, 0.5, "no trial yet", transform=axes.transAxes, ha="center", fontsize=9.5)
    return figure


def _uprights(axes: Any, drawn: Parallel) -> None:
    missing = drawn.missing
    for place, one in enumerate(drawn.axes):
        axes.plot([place, place], [0, 1], color=INK, linewidth=0.9, zorder=4)
        y = 1.04 + 0.06 * (place % 2)
        axes.text(place, y, shortened(one.axis.label, 24), ha="center", fontsize=8.5, color=INK)
        texts = [
            (one.up(one.axis.share(tick)), text) for tick, text in zip(one.axis.ticks, one.axis.written, strict=True)
        ]
        for height, text in [*texts, *([(ABSENT, "none")] if missing[place] else [])]:
            box = {"facecolor": "white", "alpha": 0.95, "linewidth": 0, "pad": 0.6}
            said = shortened(text, 12)
            axes.text(place - 0.04, height, said, ha="right", va="center", fontsize=7, color=INK, zorder=5, bbox=box)
