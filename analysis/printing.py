"""What all figures for print have in common: their inks, their settings, and files of the same bytes each time."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from numpy.typing import NDArray

from analysis.figure_files import KINDS
from analysis.panels import Axis
from analysis.replacing import replacing
from analysis.wording import shortened, visible

INK: Final = "#1d2733"
ACCENT: Final = "#b3361b"
QUIET: Final = "#7b8794"
FAINT: Final = "#e4e8ec"
TITLE_MOST: Final = 160
DPI: Final = 200
# Dates and versions would make the bytes of one drawing differ.
_METADATA: Final[Any] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
_SETTINGS: Final[Any] = {
    "svg.hashsalt": "robustune",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,  # TrueType: publishers refuse Type 3, and text stays text
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "text.parse_math": False,
    "hatch.linewidth": 0.6,
}


@contextmanager
def settings() -> Iterator[None]:
    """Draws with our settings inside the block, whatever the reader's own are, and leaves those alone."""
    with mpl.rc_context(_SETTINGS):
        yield


def sheet(width: float, height: float) -> Figure:
    """Returns an empty figure of so many inches that lays itself out and that no window knows of."""
    figure = blank(width, height)
    figure.set_layout_engine("constrained")
    return figure


def blank(width: float, height: float) -> Figure:
    """Returns an empty figure of so many inches in which everything stays where it is put."""
    figure = Figure(figsize=(width, height), dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def head(figure: Figure, title: str) -> None:
    """Puts a title at the top left of the figure, on as many lines as it takes."""
    told = shortened(visible(title), TITLE_MOST)
    figure.suptitle(told, x=0.01, ha="left", fontsize=10.5, color=INK, wrap=True)


def legend_below(figure: Figure, handles: Sequence[Artist], columns: int, told: str, **more: Any) -> Legend:
    """Puts a legend below the figure, under what has to be known of it, and returns it.

    Args:
        figure: that gets it.
        handles: each with its label.
        columns: beside each other.
        told: lines of text; "" for none.
        more: settings of the legend besides.
    """
    looks = {"loc": "outside lower left", "frameon": False, "fontsize": 8, "labelcolor": INK, **more}
    legend = figure.legend(handles=handles, ncols=columns, title=told or None, **looks)
    legend.set_alignment("left")
    legend.get_title().set(fontsize=8, color=INK)
    return legend


def draw_axes(axes: Axes, x: Axis, y: Axis) -> None:
    """Gives the drawing its ranges, ticks, labels and grid."""
    axes.set_xlim(x.low, x.high)
    axes.set_ylim(y.low, y.high)
    axes.set_xticks(x.ticks, x.written)
    axes.set_yticks(y.ticks, y.written)
    axes.set_xlabel(x.label, color=INK, fontsize=9.5)
    axes.set_ylabel(y.label, color=INK, fontsize=9.5)
    axes.grid(color=FAINT, linewidth=0.6)
    quiet_frame(axes)


def quiet_frame(axes: Axes) -> None:
    """Leaves the left and the lower edge of the frame, and small ticks."""
    axes.tick_params(colors=INK, labelsize=8.5, length=3, width=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set(color=QUIET, linewidth=0.7)


def say(figure: Figure, left: int, base: int, text: str, points: float, colour: str) -> None:
    """Writes text from so many pixels from the left, on a line so many pixels from the top."""
    width, height = figure.get_size_inches() * DPI
    figure.text(left / width, 1 - base / height, text, fontsize=points, color=colour, va="baseline")


def put(figure: Figure, picture: NDArray[np.uint8], left: int, top: int, size: tuple[int, int]) -> None:
    """Shows an (H, W, 3) picture in a thin frame, of so many pixels (width, height) that none of its own is blurred.

    Its upper left corner is so many pixels from the left and the top, which are whole, as the size is a multiple.
    """
    width, height = figure.get_size_inches() * DPI
    axes = figure.add_axes((left / width, 1 - (top + size[1]) / height, size[0] / width, size[1] / height))
    axes.imshow(picture, interpolation="none")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(color=FAINT, linewidth=0.5)  # else the white of an image runs out into the paper


def save(figure: Figure, folder: Path, name: str) -> dict[str, Path]:
    """Writes `name`.png, `name`.svg and `name`.pdf, the same bytes for the same drawing; returns the paths."""
    paths = {}
    for kind in KINDS:
        path = folder / f"{name}.{kind}"
        with replacing(path) as aside, settings():
            figure.savefig(aside, format=kind, metadata=_METADATA[kind], dpi=DPI)
            if kind == "svg":
                aside.write_text(_numbered(aside.read_text("utf-8")), "utf-8")
        paths[path.name] = path
    return paths


def _numbered(drawing: str) -> str:
    """The SVG with its clipping areas called by their number: matplotlib calls them by their sides to the last bit.

    Those bits differ from drawing to drawing, since the solver of layouts orders its sums by addresses in memory.
    """
    for number, name in enumerate(re.findall(r'<clipPath id="(\w+)"', drawing)):
        drawing = drawing.replace(f'<clipPath id="{name}"', f'<clipPath id="clip{number}"')
        drawing = drawing.replace(f"url(#{name})", f"url(#clip{number})")
    return drawing
