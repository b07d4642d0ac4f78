"""Draws errors under corruptions for print: no number is computed here."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.bar_figure import colours_of, draw_bars
from analysis.bars import Bars
from analysis.corruption import Errors, error_charts, marks_of, ratio_chart
from analysis.printing import INK, head, legend_below, save, settings, sheet

WIDTH: Final = 7.6  # inches
ROW_HEIGHT: Final = 2.5
ROW_MOST: Final = 11
"""Names side by side; five bars of each can still be told apart."""
LETTERS: Final = 88  # across a whole row


def save_errors(errors: Errors, title: str, out: Path, suffix: str = "") -> dict[str, Path]:
    """Writes corruption-errors and corruption-ratios of a trial as PNG, SVG and PDF; returns the paths by file name."""
    told = f"{title}: trial {errors.trial}"
    raw = draw_errors(error_charts(errors), told, marks_of(errors))
    ratios = draw_ratios(ratio_chart(errors), told)
    return {**save(raw, out, f"corruption-errors{suffix}"), **save(ratios, out, f"corruption-ratios{suffix}")}


def draw_errors(charts: Sequence[Bars], title: str, marks: Sequence[str]) -> Figure:
    """Returns a figure of the errors under each corruption by severity, group beside group, all on the same axis."""
    rows = _rows(charts)
    with settings():
        figure = sheet(WIDTH, ROW_HEIGHT * len(rows) + 1.1)
        head(figure, title)
        for part, row in zip(figure.subfigures(len(rows), squeeze=False).flatten(), rows, strict=True):
            ratios = [len(one.groups) + 0.6 for one in row]
            places = part.subplots(1, len(row), squeeze=False, gridspec_kw={"width_ratios": ratios}).flatten()
            for place, (axes, one) in enumerate(zip(places, row, strict=True)):
                draw_bars(axes, one, titled=True, letters=int(LETTERS * ratios[place] / sum(ratios)))
                if place:
                    axes.set_ylabel("")
                    axes.tick_params(labelleft=False)
        _legend(figure, charts[0], True, marks)
    return figure


def draw_ratios(chart: Bars, title: str) -> Figure:
    """Returns a figure of the errors over the baseline's, for each group of corruptions by severity."""
    with settings():
        figure = sheet(WIDTH * 0.8, 3.4)
        head(figure, title)
        draw_bars(figure.subplots(), chart)
        _legend(figure, chart, False, ())
    return figure


def _rows(charts: Sequence[Bars]) -> list[list[Bars]]:
    rows: list[list[Bars]] = [[]]
    for one in charts:
        if rows[-1] and sum(len(other.groups) for other in rows[-1]) + len(one.groups) > ROW_MOST:
            rows.append([])
        rows[-1].append(one)
    return rows


def _legend(figure: Figure, bars: Bars, dashes: bool, marks: Sequence[str]) -> None:
    keys: list[Any] = [
        Patch(color=colour, label=name) for colour, name in zip(colours_of(bars), bars.series, strict=True)
    ]
    if dashes:
        keys.append(Line2D([], [], color=INK, linewidth=1.3, label="baseline"))
    else:
        keys.append(Line2D([], [], color=INK, linewidth=0.9, linestyle=(0, (4, 3)), label="the baseline"))
    legend_below(figure, keys, len(keys), "\n".join(marks), handlelength=1.2, columnspacing=1.2)
