"""Draws lines for print, each with its series' text beside its end: no number is computed here."""

from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes

from analysis.breaks import pieces
from analysis.colours import NAMED, RAMP, steps
from analysis.lines import LinePanel, Series
from analysis.placement import spread, thinned
from analysis.printing import INK, QUIET, draw_axes
from analysis.wording import shortened

LABEL_MOST: Final = 14
LABEL_POINTS: Final = 7.5


def looks_of(series: Series) -> tuple[str, ...]:
    """Returns the colour of each series' line: a ramp for sizes, colours of their own for a few names."""
    return tuple((RAMP if series.ordered else NAMED)[step] for step in steps(len(series.written), series.ordered))


def draw_lines(axes: Axes, panel: LinePanel, series: Series) -> Any:
    """Draws the lines, and beside them an invisible label as wide as the widest, so that the layout leaves room.

    Args:
        axes: where.
        panel: what.
        series: that its lines belong to.

    Returns:
        The invisible label, which the caller removes once the layout is settled.
    """
    draw_axes(axes, panel.x, panel.y)
    axes.set_title(panel.title, loc="left", fontsize=9.5, color=INK)
    looks = looks_of(series)
    marker = "o" if panel.x.high <= 12 else None
    for first, _ in panel.breaks:
        axes.axvline(first - 0.5, color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)))
    for line in panel.lines:
        colour = looks[line.value]
        for piece in pieces(line.spread, panel.breaks):
            places, low, high = zip(*piece, strict=True)
            axes.fill_between(places, low, high, color=colour, alpha=0.14, linewidth=0)
        for course in pieces(line.corners, panel.breaks):
            x, y = [corner[0] for corner in course], [panel.y.nearest(corner[1]) for corner in course]
            sign = marker if len(course) > 1 else "o"
            axes.plot(x, y, color=colour, linewidth=1.3, marker=sign, markersize=2.6, clip_on=False, zorder=3)
        axes.plot([x[-1], panel.x.high], [y[-1], y[-1]], color=colour, linewidth=0.8, linestyle=(0, (1, 2)))
    widest = max((shortened(text, LABEL_MOST) for text in series.written), key=len)
    return axes.text(1.05, 0.5, widest, transform=axes.transAxes, fontsize=LABEL_POINTS, alpha=0)


def label_ends(axes: Axes, panel: LinePanel, series: Series) -> None:
    """Writes each series' text beside the end of its line, moved where labels would cover each other."""
    height = axes.get_window_extent().height * 72 / axes.figure.dpi
    ends = [panel.y.share(panel.y.nearest(line.corners[-1][1])) for line in panel.lines]
    gap = LABEL_POINTS * 1.15 / height
    kept = thinned(len(panel.lines), int(1 / gap))
    lines, ends = [panel.lines[place] for place in kept], [ends[place] for place in kept]
    looks = looks_of(series)
    for line, end, place in zip(lines, ends, spread(ends, gap, 0.0, 1.0), strict=True):
        lead = mpl.lines.Line2D(
            [1.0, 1.015, 1.04], [end, end, place], transform=axes.transAxes, color=looks[line.value], linewidth=0.9
        )
        axes.add_line(lead).set_clip_on(False)
        text = shortened(series.written[line.value], LABEL_MOST)
        axes.text(1.05, place, text, transform=axes.transAxes, va="center", fontsize=LABEL_POINTS, color=INK)
