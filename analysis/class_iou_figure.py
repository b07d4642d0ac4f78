"""Draws IoU per class for print: no number is computed here."""

from collections.abc import Sequence
from typing import Final

from matplotlib.figure import Figure

from analysis.bar_figure import bar_legend, draw_bars
from analysis.class_iou import SERIES, SPLITS, ClassIoU, class_charts
from analysis.printing import head, settings, sheet

WIDTH_LEAST: Final = 6.0  # inches
GROUP: Final = 0.42
ROW: Final = 2.7


def draw_class_iou(every: Sequence[ClassIoU], title: str) -> Figure:
    """Returns a figure with the bars of each trial below each other, all on the same axis."""
    charts = [chart for one in every for chart in class_charts(one)]
    widest = max(len(chart.groups) for chart in charts)
    with settings():
        figure = sheet(max(WIDTH_LEAST, GROUP * widest + 1.0), ROW * len(charts) + 0.9)
        head(figure, f"{title}: IoU per class on {SPLITS[every[0].split]} images")
        for axes, chart in zip(figure.subplots(len(charts), squeeze=False).flatten(), charts, strict=True):
            draw_bars(axes, chart, titled=True, letters=int(11 * max(WIDTH_LEAST, GROUP * widest)))
        bar_legend(figure, SERIES, "under noise: the mean over draws; no pixel: none of the class is told or predicted")
    return figure
