"""Draws CKA maps between networks for print: no number is computed here."""

import math
from typing import Any, Final

import matplotlib as mpl
import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.printing import INK, head, settings, sheet
from analysis.wording import shortened, visible

SIDE: Final = 3.3  # inches of a map
ACROSS: Final = 3
NAMED_MOST: Final = 24
"""Layers that are all named; of more, equally spaced ones."""
NAME_LETTERS: Final = 24

Row = dict[str, Any]


def draw_cka(table: pa.Table, title: str) -> Figure:
    """Returns a figure with a map for each pair of nets: the first net's layers upwards, the second's to the right.

    Args:
        table: of `analysis.explained.CKA_SCHEMA`.
        title: of the figure.
    """
    pairs: dict[tuple[str, str], list[Row]] = {}
    for row in table.to_pylist():
        pairs.setdefault((row["net"], row["other"]), []).append(row)
    columns = min(ACROSS, len(pairs))
    lines = math.ceil(len(pairs) / columns)
    scale = ScalarMappable(Normalize(0, 1), mpl.colormaps["viridis"])
    with settings():
        figure = sheet(max(5.2, (SIDE + 0.9) * columns + 0.8), (SIDE + 1.2) * lines + 0.5)
        every = figure.subplots(lines, columns, squeeze=False).flatten()
        for axes in every[len(pairs) :]:
            axes.set_axis_off()
        for axes, ((net, other), rows) in zip(every, pairs.items(), strict=False):
            _draw_map(axes, net, other, rows)
        bar = figure.colorbar(scale, ax=list(every), shrink=min(1.0, 0.8 / lines + 0.2), pad=0.015, aspect=28)
        bar.set_label("CKA", color=INK, fontsize=8.5)
        bar.ax.tick_params(colors=INK, labelsize=7.5, length=2)
        bar.outline.set_visible(False)
        head(figure, title)
    return figure


def matrix(rows: list[Row]) -> tuple[NDArray[np.float64], list[str], list[str]]:
    """Returns the values of a pair of nets, by the layers of the first and of the second, and the names of both."""
    up = {row["place"]: row["layer"] for row in rows}
    across = {row["other_place"]: row["other_layer"] for row in rows}
    values = np.full((len(up), len(across)), np.nan)
    for row in rows:
        values[row["place"], row["other_place"]] = row["cka"]
    return values, [up[place] for place in sorted(up)], [across[place] for place in sorted(across)]


def _draw_map(axes: Axes, net: str, other: str, rows: list[Row]) -> None:
    values, up, across = matrix(rows)
    axes.imshow(values, cmap="viridis", vmin=0, vmax=1, origin="lower", interpolation="none", aspect="auto")
    axes.set_box_aspect(1)
    same = "with itself" if net == other else f"and {visible(other)}"
    axes.set_title(f"{visible(net)} {same}", loc="left", fontsize=9, color=INK)
    for names, put in ((across, axes.set_xticks), (up, axes.set_yticks)):
        chosen = _named(len(names))
        put(chosen, [shortened(visible(names[place]), NAME_LETTERS) for place in chosen])
    axes.tick_params(colors=INK, labelsize=5, length=1.5, width=0.4, pad=1.5)
    for text in axes.get_xticklabels():
        text.set(rotation=90)
    axes.spines[:].set_visible(False)


def _named(count: int) -> list[int]:
    step = max(1, math.ceil(count / NAMED_MOST))
    return list(range(0, count, step))
