"""Draws what one knob does, for print: lines over the epochs and bars for each value. No number is computed here."""

import textwrap
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.bar_figure import TITLE_MOST, bar_legend, draw_bars
from analysis.breaks import pieces
from analysis.colours import NAMED, RAMP, steps
from analysis.knobs import Knob
from analysis.placement import spread, thinned
from analysis.printing import INK, QUIET, draw_axes, head, settings, sheet
from analysis.sweep import LinePanel, Sweep
from analysis.wording import shortened

LABEL_MOST: Final = 14
NOTE_MOST: Final = 88

LABEL_POINTS: Final = 7.5
PANEL: Final = (3.7, 2.7)  # inches
BARS_HEIGHT: Final = 2.8


def draw_knob(drawn: Sweep, title: str) -> Figure:
    """Returns a figure of a sweep: one arm with its panels in rows, or several as columns, bars below their lines."""
    with settings():
        figure, panels, bars = _places(drawn)
        head(figure, title)
        for column, below in zip(drawn.columns, bars, strict=True):
            draw_bars(below, column.bars, titled=len(drawn.columns) > 1)
        placed = [
            (axes, panel)
            for column, row in zip(drawn.columns, panels, strict=True)
            for axes, panel in zip(row, column.panels, strict=True)
        ]
        room = [_draw_panel(axes, panel, drawn.knob) for axes, panel in placed]
        for column, row in zip(drawn.columns, panels, strict=True):
            if column.title:
                told = textwrap.wrap(column.title, TITLE_MOST)[:2]
                row[0].set_title("\n".join([*told, column.panels[0].title]), loc="left", fontsize=9.5, color=INK)
        bar_legend(figure, drawn.columns[0].bars.series, _means(drawn))
        figure.draw_without_rendering()  # settles the layout: labels are placed in pixels
        figure.set_layout_engine("none")
        for text, (axes, panel) in zip(room, placed, strict=True):
            text.remove()
            _label(axes, panel, drawn.knob)
    return figure


def looks_of(knob: Knob) -> tuple[str, ...]:
    """Returns the colour of each value's line: a ramp for sizes, colours of their own for a few names."""
    return tuple((RAMP if knob.ordered else NAMED)[step] for step in steps(len(knob.values), knob.ordered))


def _places(drawn: Sweep) -> tuple[Figure, list[list[Axes]], list[Axes]]:
    """An empty figure, and for each column the axes of its panels and of its bars."""
    several, count = len(drawn.columns) > 1, len(drawn.columns[0].panels)
    across = len(drawn.columns) if several else min(3, count)
    rows = count if several else -(-count // across)
    groups = len(drawn.knob.values) * len(drawn.columns[0].bars.series)
    width = max(PANEL[0] * across, (0.1 * groups + 0.9) * (across if several else 1), 5.0)
    figure = sheet(width, PANEL[1] * rows + BARS_HEIGHT + 0.9)
    grid = figure.add_gridspec(rows + 1, across, height_ratios=[PANEL[1]] * rows + [BARS_HEIGHT])
    if several:
        panels = [[figure.add_subplot(grid[row, place]) for row in range(rows)] for place in range(across)]
        return figure, panels, [figure.add_subplot(grid[rows, place]) for place in range(across)]
    one = [figure.add_subplot(grid[place // across, place % across]) for place in range(count)]
    return figure, [one], [figure.add_subplot(grid[rows, :])]


def _draw_panel(axes: Axes, panel: LinePanel, knob: Knob) -> Any:
    """Draws the lines, and beside them an invisible label as wide as the widest, so that the layout leaves room."""
    draw_axes(axes, panel.x, panel.y)
    axes.set_title(panel.title, loc="left", fontsize=9.5, color=INK)
    looks = looks_of(knob)
    marker = "o" if panel.x.high <= 12 else None
    for first, _ in panel.breaks:
        axes.axvline(first - 0.5, color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)))
    for line in panel.lines:
        colour = looks[line.value]
        for piece in pieces(line.spread, panel.breaks):
            epochs, low, high = zip(*piece, strict=True)
            axes.fill_between(epochs, low, high, color=colour, alpha=0.14, linewidth=0)
        for course in pieces(line.corners, panel.breaks):
            x, y = [corner[0] for corner in course], [panel.y.nearest(corner[1]) for corner in course]
            sign = marker if len(course) > 1 else "o"
            axes.plot(x, y, color=colour, linewidth=1.3, marker=sign, markersize=2.6, clip_on=False, zorder=3)
        axes.plot([x[-1], panel.x.high], [y[-1], y[-1]], color=colour, linewidth=0.8, linestyle=(0, (1, 2)))
    widest = max((shortened(text, LABEL_MOST) for text in knob.written), key=len)
    return axes.text(1.05, 0.5, widest, transform=axes.transAxes, fontsize=LABEL_POINTS, alpha=0)


def _label(axes: Axes, panel: LinePanel, knob: Knob) -> None:
    """Writes each value beside the end of its line, moved where labels would cover each other."""
    height = axes.get_window_extent().height * 72 / axes.figure.dpi
    ends = [panel.y.share(panel.y.nearest(line.corners[-1][1])) for line in panel.lines]
    gap = LABEL_POINTS * 1.15 / height
    kept = thinned(len(panel.lines), int(1 / gap))
    lines, ends = [panel.lines[place] for place in kept], [ends[place] for place in kept]
    looks = looks_of(knob)
    for line, end, place in zip(lines, ends, spread(ends, gap, 0.0, 1.0), strict=True):
        lead = mpl.lines.Line2D(
            [1.0, 1.015, 1.04], [end, end, place], transform=axes.transAxes, color=looks[line.value], linewidth=0.9
        )
        axes.add_line(lead).set_clip_on(False)
        text = shortened(knob.written[line.value], LABEL_MOST)
        axes.text(1.05, place, text, transform=axes.transAxes, va="center", fontsize=LABEL_POINTS, color=INK)


def _means(drawn: Sweep) -> str:
    labels = f"lines end at their value of {drawn.knob.label[:1].lower() + drawn.knob.label[1:]}"
    means = labels if drawn.trials < 2 else f"{labels}; mean of up to {drawn.trials} trials, with their range"
    notes = dict.fromkeys(
        f"{panel.title}, {panel.note}" for column in drawn.columns for panel in column.panels if panel.note
    )
    return "\n".join([means, *(line for note in notes for line in textwrap.wrap(note, NOTE_MOST))])
