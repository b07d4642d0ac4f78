"""Draws groups of bars for print: no number is computed here."""

import textwrap
from collections.abc import Sequence
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from analysis.bars import Bars
from analysis.colours import NAMED, RAMP, steps
from analysis.printing import FAINT, INK, QUIET, head, legend_below, quiet_frame, settings, sheet
from analysis.wording import aligned, shortened

INTERVALS: Final = "whiskers: 95 % interval for as many images, not over seeds"
DEVIATIONS: Final = "whiskers: standard deviation over draws of noise, not over seeds"
FILLED: Final = 0.82
GROUP_MOST: Final = 20
TITLE_MOST: Final = 44
WRITTEN_MOST: Final = 12
"""Bars that have their value written above them; more would cover each other's."""


def draw_evaluation(bars: Bars, title: str, remark: str = INTERVALS) -> Figure:
    """Returns a figure of the scores of trials on each set; the remark says what whiskers are."""
    with settings():
        figure = sheet(min(16.0, max(5.5, 0.4 * len(bars.groups) * len(bars.series) + 1.5)), 3.6)
        draw_bars(figure.subplots(), bars)
        head(figure, title)
        bar_legend(figure, bars.series, remark)
    return figure


def colours_of(bars: Bars) -> tuple[str, ...]:
    """Returns the colour of each series: steps of a ramp for sizes, else colours of their own."""
    ramp = RAMP if bars.ordered else NAMED
    return tuple(ramp[step] for step in steps(len(bars.series), bars.ordered))


def draw_bars(axes: Axes, bars: Bars, titled: bool = False, letters: int = 70) -> None:
    """Draws the groups side by side, each series in its colour; a group's note stands over it.

    Args:
        axes: where.
        bars: what.
        titled: whether their title stands above them, as where several stand beside each other.
        letters: that names of groups may have in a line before they are slanted.
    """
    axes.set_xlim(-0.5, len(bars.groups) - 0.5)
    axes.set_ylim(bars.y.low, bars.y.high)
    axes.set_yticks(bars.y.ticks, bars.y.written)
    axes.set_ylabel(bars.y.label, color=INK, fontsize=9.5)
    axes.set_xlabel(bars.label, color=INK, fontsize=9.5)
    slanted = len(bars.groups) * max(len(text) for text in bars.groups) > letters
    axes.set_xticks(
        range(len(bars.groups)),
        [shortened(text, GROUP_MOST) for text in bars.groups],
        rotation=30 if slanted else 0,
        ha="right" if slanted else "center",
        rotation_mode="anchor" if slanted else "default",
    )
    axes.grid(color=FAINT, linewidth=0.6, axis="y")
    quiet_frame(axes)
    if titled:
        axes.set_title("\n".join(textwrap.wrap(bars.title, TITLE_MOST)[:2]), loc="left", fontsize=9.5, color=INK)
    if bars.y.reference is not None:
        axes.axhline(bars.y.reference, color="white", linewidth=2.4, zorder=2.5)
        axes.axhline(bars.y.reference, color=INK, linewidth=0.9, linestyle=(0, (4, 3)), zorder=3)
    colours = colours_of(bars)
    width = FILLED / len(bars.series)
    tops = [0.0] * len(bars.groups)
    for bar, text in zip(bars.bars, aligned([bar.value for bar in bars.bars]), strict=True):
        x = bar.group - FILLED / 2 + width * (bar.series + 0.5)
        axes.bar(x, bars.y.nearest(bar.value), 0.92 * width, color=colours[bar.series], zorder=2)
        if bar.against is not None:
            dash(axes, x - 0.5 * width, x + 0.5 * width, bars.y.nearest(bar.against))
        if bar.low < bar.high:
            axes.plot([x, x], [bars.y.nearest(bar.low), bars.y.nearest(bar.high)], color=INK, linewidth=0.9, zorder=3)
        tops[bar.group] = max(tops[bar.group], bar.high)
        if len(bars.bars) * (2 if titled else 1) <= WRITTEN_MOST:
            _write(axes, x, bars.y.nearest(max(bar.high, 0.0)), text)
    for group, note in enumerate(bars.notes):
        _write(axes, group, bars.y.nearest(tops[group]), note, rotation=90 if len(bars.groups) > WRITTEN_MOST else 0)


def dash(axes: Axes, left: float, right: float, y: float) -> None:
    """Draws a short line, cased in white so that it is seen on dark bars as well."""
    for colour, thickness in (("white", 2.8), (INK, 1.3)):
        axes.plot([left, right], [y, y], color=colour, linewidth=thickness, solid_capstyle="butt", zorder=3)


def bar_legend(figure: Figure, series: Sequence[str], remark: str) -> None:
    """Says below the figure what each colour means, and the remark."""
    keys: list[Any] = [Patch(color=NAMED[place % len(NAMED)], label=name) for place, name in enumerate(series)]
    columns = len(keys) if len(keys) <= 3 else 3
    legend_below(figure, keys, columns, remark)


def _write(axes: Axes, x: float, y: float, text: str, rotation: float = 0) -> None:
    axes.annotate(
        text,
        (x, y),
        (0, 2),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=7,
        color=QUIET if not text[:1].isdigit() else INK,
        rotation=rotation,
        annotation_clip=False,
    )
