"""Draws histograms of weights and biases for print: no number is computed here beyond shares of counts."""

from typing import Any, Final

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.colours import NAMED
from analysis.printing import FAINT, INK, QUIET, head, quiet_frame, settings, sheet
from analysis.wording import readable, shortened, visible

ROW_HEIGHT: Final = 1.75  # inches
WIDTH: Final = 7.6
PARTS: Final = ("weight", "bias")
TITLES: Final = {
    "first": "first layer",
    "last": "last layer",
    "norm": "norm layers",
    "down-sampling": "down-sampling layers",
}

Row = dict[str, Any]


def draw_weights(table: pa.Table, title: str) -> Figure:
    """Returns a figure with a row for each kind of layers: weights and biases, a line for each net.

    Args:
        table: of `analysis.explained.WEIGHTS_SCHEMA`.
        title: of the figure.
    """
    rows: list[Row] = table.to_pylist()
    nets = list(dict.fromkeys(row["net"] for row in rows))
    roles = [role for role in TITLES if any(row["role"] == role for row in rows)]
    with settings():
        figure = sheet(WIDTH, ROW_HEIGHT * len(roles) + 0.9)
        every = figure.subplots(len(roles), 2, squeeze=False)
        for line, role in zip(every, roles, strict=True):
            for axes, part in zip(line, PARTS, strict=True):
                found = [row for row in rows if row["role"] == role and row["part"] == part]
                if found:
                    _draw(axes, found, nets, role, part)
                else:
                    axes.set_axis_off()
                    axes.text(0, 0.5, f"no {part} there", fontsize=8, color=QUIET, transform=axes.transAxes)
        head(figure, title)
        handles = every[0][0].get_lines()
        figure.legend(
            handles=handles,
            loc="outside lower left",
            ncols=min(6, len(nets)),
            frameon=False,
            fontsize=8,
            labelcolor=INK,
        )
    return figure


def _draw(axes: Axes, rows: list[Row], nets: list[str], role: str, part: str) -> None:
    low, high = rows[0]["low"], rows[0]["high"]
    layers = list(dict.fromkeys(row["layer"] for row in rows))
    for colour, net in zip(NAMED, nets, strict=False):
        own = [row["counts"] for row in rows if row["net"] == net]
        shares = _shares(own)
        edges = np.linspace(low, high, len(shares) + 1)
        axes.step(edges, [*shares, shares[-1]], where="post", color=colour, linewidth=1.1, label=visible(net))
    told = visible(layers[0]) if len(layers) == 1 else f"{len(layers)} layers together"
    kind = "weights" if part == "weight" else "biases"
    axes.set_title(shortened(f"{readable(TITLES[role])}: {kind} ({told})", 52), loc="left", fontsize=8.5, color=INK)
    axes.set_ylim(bottom=0)
    axes.set_xlim(low, high)
    axes.grid(color=FAINT, linewidth=0.6)
    axes.set_ylabel("share", color=INK, fontsize=8)
    quiet_frame(axes)
    axes.tick_params(labelsize=7)


def _shares(counts: list[list[int]]) -> NDArray[np.float64]:
    summed = np.asarray(counts, dtype=np.float64).sum(0)
    shares: NDArray[np.float64] = summed / summed.sum()
    return shares
