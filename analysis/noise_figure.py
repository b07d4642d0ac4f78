"""Draws scores over weight noise for print: no number is computed here."""

import textwrap
from pathlib import Path
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.line_figure import draw_lines, label_ends, looks_of
from analysis.noise_chart import NoiseChart
from analysis.noise_points import table_of
from analysis.printing import head, legend_below, save, settings, sheet
from analysis.records import write_parquet

WIDE: Final = (6.4, 3.4)  # inches of a single panel
PANEL: Final = (4.4, 3.2)
KEY_LETTERS: Final = 13.0  # to an inch
REMARK_MOST: Final = 15.0
LINE: Final = 0.14  # inches


def save_noise(chart: NoiseChart, out: Path, name: str) -> dict[str, Path]:
    """Writes `name`.png, .svg, .pdf and -points.parquet into a folder; returns the paths by file name."""
    table = table_of(chart.points, chart.arms, chart.metric, chart.split)
    file = f"{name}-points.parquet"
    return {**save(draw_noise(chart), out, name), file: write_parquet(table, out / file)}


def draw_noise(chart: NoiseChart) -> Figure:
    """Returns a figure with a panel, or several on the same axes, its legend and its remarks below."""
    count = len(chart.panels)
    width, height = WIDE if count == 1 else (PANEL[0] * count, PANEL[1])
    with settings():
        figure = sheet(width, height + 0.5 + LINE * (len(chart.remarks) + len(chart.legend)))
        head(figure, chart.title)
        every = figure.subplots(1, count, squeeze=False, sharey=True)[0]
        room = [draw_lines(axes, panel, chart.series) for axes, panel in zip(every, chart.panels, strict=True)]
        for axes in every[1:]:
            axes.set_ylabel("")
        for axes, rings in zip(every, chart.rings, strict=True):
            _draw_rings(axes, chart, rings)
        _legend(figure, chart, width)
        figure.draw_without_rendering()  # settles the layout: labels are placed in pixels
        figure.set_layout_engine("none")
        for text, axes, panel in zip(room, every, chart.panels, strict=True):
            text.remove()
            label_ends(axes, panel, chart.series)
    return figure


def _draw_rings(axes: Axes, chart: NoiseChart, rings: Any) -> None:
    for series, (x, y) in rings:
        look = {"color": looks_of(chart.series)[series], "markerfacecolor": "white", "markeredgewidth": 1.5}
        axes.plot(x, y, "o", markersize=7, clip_on=False, zorder=4, **look)


def _legend(figure: Figure, chart: NoiseChart, width: float) -> None:
    keys = [
        Line2D([], [], color=colour, linewidth=1.6, marker="o", markersize=3, label=text)
        for colour, text in zip(looks_of(chart.series), chart.legend, strict=True)
    ]
    room, lengths = KEY_LETTERS * width, [len(text) + 6 for text in chart.legend]
    told = "\n".join(line for remark in chart.remarks for line in textwrap.wrap(remark, int(REMARK_MOST * width)))
    columns = len(keys) if sum(lengths) <= room else max(1, int(room / max(lengths)))
    legend_below(figure, keys, columns, told)
