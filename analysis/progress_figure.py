"""Draws how far a search had come, for print: no number is computed here."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from analysis.curves import Curves
from analysis.printing import ACCENT, draw_axes, head, settings, sheet


def draw_progress(charts: Sequence[Curves], title: str) -> Figure:
    """Returns a figure of the curves side by side; a blank one that says so where there are none."""
    with settings():
        figure = sheet(3.5 * max(1, len(charts)) + 0.4, 3.1)
        head(figure, title)
        for axes, chart in zip(figure.subplots(1, max(1, len(charts)), squeeze=False)[0], charts, strict=False):
            draw_axes(axes, chart.x, chart.y)
            axes.set_title(chart.title, loc="left", fontsize=9.5)
            for line in chart.lines:
                for piece in line.pieces:
                    axes.plot(*zip(*piece, strict=True), color=ACCENT, linewidth=1.5, solid_joinstyle="miter")
        if not charts:
            figure.axes[0].set_axis_off()
            figure.axes[0].text(0.5, 0.5, "no trial has completed yet", ha="center", va="center", fontsize=9.5)
    return figure
