"""Draws when trials ended and of what, for print: no number is computed here."""

import textwrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from analysis.colours import NAMED
from analysis.endings import CALLED, OUTCOMES, Endings, Stacks
from analysis.printing import FAINT, INK, head, legend_below, quiet_frame, settings, sheet
from analysis.wording import shortened, visible

COLOURS = {"complete": NAMED[4], "stopped": NAMED[1], "failed": NAMED[5]}
FAILURES = 6


def draw_endings(found: Endings, title: str) -> Figure:
    """Returns a figure of both overviews, with the rule and the most frequent failures below them."""
    with settings():
        told = textwrap.wrap(found.rule, 120)
        failures = [f"{len(one.trials):,} failed: {one.code} {one.reason}" for one in found.failures[:FAILURES]]
        if len(found.failures) > FAILURES:
            failures.append(f"and {len(found.failures) - FAILURES} other reasons")
        told += [shortened(visible(line), 120) for line in failures]
        figure = sheet(9.0, 3.4 + 0.17 * len(told))
        head(figure, title)
        for axes, stacks in zip(figure.subplots(1, 2), (found.by_epoch, found.over_search), strict=True):
            _draw(axes, stacks)
        keys = [Patch(color=COLOURS[name], label=CALLED[name]) for name in found.outcomes]
        legend_below(figure, keys, 3, "\n".join(told))
    return figure


def _draw(axes: Axes, stacks: Stacks) -> None:
    places = range(len(stacks.groups))
    foot = [0] * len(stacks.groups)
    for outcome, name in enumerate(OUTCOMES):
        counts = [group.counts[outcome] for group in stacks.groups]
        axes.bar(places, counts, 0.88, bottom=foot, color=COLOURS[name], zorder=2)
        foot = [low + count for low, count in zip(foot, counts, strict=True)]
    axes.set_xticks([place - 0.5 for place, _ in stacks.marks], [str(number) for _, number in stacks.marks])
    axes.set_ylim(stacks.y.low, stacks.y.high)
    axes.set_yticks(stacks.y.ticks, stacks.y.written)
    axes.set_xlabel(stacks.label, color=INK, fontsize=9.5)
    axes.set_ylabel(stacks.y.label, color=INK, fontsize=9.5)
    axes.grid(color=FAINT, linewidth=0.6, axis="y")
    axes.set_title(stacks.title, loc="left", fontsize=9.5, color=INK)
    quiet_frame(axes)
