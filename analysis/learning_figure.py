"""Draws the learning curves of trials for print: no number is computed here."""

import math
import textwrap
from typing import Final

from matplotlib.figure import Figure

from analysis.learning_curves import Learning
from analysis.line_figure import draw_lines, label_ends
from analysis.printing import INK, head, settings, sheet

ACROSS: Final = 3
NOTE_MOST: Final = 66
"""Letters below each column of panels."""


def draw_learning(drawn: Learning, title: str) -> Figure:
    """Returns a figure with a panel for each metric: the trials' scores after each epoch."""
    columns = min(ACROSS, len(drawn.panels))
    lines = math.ceil(len(drawn.panels) / columns)
    with settings():
        figure = sheet(3.7 * columns + 0.4, 2.8 * lines + 0.4)
        every = figure.subplots(lines, columns, squeeze=False).flatten()
        for axes in every[len(drawn.panels) :]:
            axes.set_axis_off()
        head(figure, title)
        if notes := dict.fromkeys(f"{panel.title}, {panel.note}" for panel in drawn.panels if panel.note):
            told = "\n".join(line for note in notes for line in textwrap.wrap(note, NOTE_MOST * columns))
            figure.supxlabel(told, x=0.01, ha="left", fontsize=7.5, color=INK)
        room = [draw_lines(axes, panel, drawn.trials) for axes, panel in zip(every, drawn.panels, strict=False)]
        figure.draw_without_rendering()  # settles the layout: labels are placed in pixels
        figure.set_layout_engine("none")
        for axes, panel, held in zip(every, drawn.panels, room, strict=False):
            held.remove()
            label_ends(axes, panel, drawn.trials)
    return figure
