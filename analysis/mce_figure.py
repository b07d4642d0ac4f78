"""Draws mCE by training recipe for print: no number is computed here."""

import textwrap
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.colours import NAMED
from analysis.mce_bars import Mean, RecipeChart
from analysis.panels import Axis
from analysis.printing import FAINT, INK, head, legend_below, quiet_frame, settings, sheet
from analysis.wording import aligned, shortened

WIDTH: Final = 7.6  # inches
ROW: Final = 0.25
LABEL_MOST: Final = 72
ROOMY: Final = 36  # letters of a label that the width has room for
LETTER: Final = 0.075  # inches
REMARK_MOST: Final = 110
THICK: Final = 0.66
BAR, OTHER, CLEAN = NAMED[4], NAMED[5], NAMED[3]


def draw_recipes(chart: RecipeChart) -> Figure:
    """Returns a figure with a row for each recipe: its mCE against the baseline's 1, and its clean error beside."""
    rows = len(chart.bars)
    clean = any(bar.clean_error for bar in chart.bars)
    with settings():
        longest = min(LABEL_MOST, max(len(bar.label) for bar in chart.bars))
        figure = sheet(WIDTH + LETTER * max(0, longest - ROOMY), ROW * rows + 1.7 + 0.15 * len(chart.remarks))
        head(figure, chart.title)
        parts = figure.subplots(1, 2 if clean else 1, sharey=True, squeeze=False, gridspec_kw=_ratios(clean))[0]
        _draw_means(
            parts[0], chart.mce, [bar.mce for bar in chart.bars], BAR, [bar.without_overlap for bar in chart.bars]
        )
        if clean:
            _draw_means(parts[1], chart.clean_error, [bar.clean_error for bar in chart.bars], CLEAN, [None] * rows)
        parts[0].set_yticks(range(rows), [shortened(bar.label, LABEL_MOST) for bar in chart.bars])
        parts[0].set_ylim(rows - 0.4, -0.6)
        _legend(figure, chart, clean)
    return figure


def _ratios(clean: bool) -> dict[str, Any]:
    return {"width_ratios": [2, 1]} if clean else {}


def _draw_means(axes: Axes, axis: Axis, means: list[Mean | None], colour: str, others: list[Mean | None]) -> None:
    axes.set_xlim(axis.low, axis.high)
    axes.set_xticks(axis.ticks, axis.written)
    axes.set_xlabel(axis.label, color=INK, fontsize=9.5)
    axes.grid(color=FAINT, linewidth=0.6, axis="x")
    quiet_frame(axes)
    axes.tick_params(axis="y", length=0)
    if axis.reference is not None:
        axes.axvline(axis.reference, color="white", linewidth=2.4, zorder=2.5)
        axes.axvline(axis.reference, color=INK, linewidth=0.9, linestyle=(0, (4, 3)), zorder=3)
    texts = iter(aligned([mean.value for mean in means if mean]))
    for row, (mean, other) in enumerate(zip(means, others, strict=True)):
        if mean is None:
            continue
        axes.barh(row, axis.nearest(mean.value), THICK, color=colour, zorder=2)
        if mean.low < mean.high:
            axes.plot([axis.nearest(mean.low), axis.nearest(mean.high)], [row, row], color=INK, linewidth=1, zorder=4)
        if other is not None:
            axes.plot(axis.nearest(other.value), row, zorder=5, **_OTHER)
        axes.annotate(
            next(texts),
            (1, row),
            (4, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
            fontsize=7.5,
            color=INK,
            annotation_clip=False,
        )


_OTHER: Final[dict[str, Any]] = {
    "marker": "D",
    "markersize": 5,
    "color": OTHER,
    "markeredgecolor": "white",
    "markeredgewidth": 0.8,
    "linestyle": "none",
}


def _legend(figure: Figure, chart: RecipeChart, clean: bool) -> None:
    keys: list[Any] = [Patch(color=BAR, label="mCE")]
    if any(bar.without_overlap for bar in chart.bars):
        keys.append(Line2D([], [], label="mCE without overlap", **_OTHER))
    keys.append(Line2D([], [], color=INK, linewidth=0.9, linestyle=(0, (4, 3)), label="the baseline"))
    if clean:
        keys.append(Patch(color=CLEAN, label="clean error"))
    told = "\n".join(line for remark in chart.remarks for line in textwrap.wrap(remark, REMARK_MOST))
    legend_below(figure, keys, len(keys), told)
