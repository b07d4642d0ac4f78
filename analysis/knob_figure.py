"""Draws what one knob does, for print: lines over the epochs and bars for each value. No number is computed here."""

import textwrap
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.bar_figure import TITLE_MOST, bar_legend, draw_bars
from analysis.line_figure import draw_lines, label_ends
from analysis.printing import INK, head, settings, sheet
from analysis.sweep import Sweep

NOTE_MOST: Final = 88

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
        room = [draw_lines(axes, panel, drawn.knob) for axes, panel in placed]
        for column, row in zip(drawn.columns, panels, strict=True):
            if column.title:
                told = textwrap.wrap(column.title, TITLE_MOST)[:2]
                row[0].set_title("\n".join([*told, column.panels[0].title]), loc="left", fontsize=9.5, color=INK)
        bar_legend(figure, drawn.columns[0].bars.series, _means(drawn))
        figure.draw_without_rendering()  # settles the layout: labels are placed in pixels
        figure.set_layout_engine("none")
        for text, (axes, panel) in zip(room, placed, strict=True):
            text.remove()
            label_ends(axes, panel, drawn.knob)
    return figure


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


def _means(drawn: Sweep) -> str:
    labels = f"lines end at their value of {drawn.knob.label[:1].lower() + drawn.knob.label[1:]}"
    means = labels if drawn.trials < 2 else f"{labels}; mean of up to {drawn.trials} trials, with their range"
    notes = dict.fromkeys(
        f"{panel.title}, {panel.note}" for column in drawn.columns for panel in column.panels if panel.note
    )
    return "\n".join([means, *(line for note in notes for line in textwrap.wrap(note, NOTE_MOST))])
