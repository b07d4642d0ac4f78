"""Places pairs of values on an SVG canvas, and draws the axes around them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from analysis.panels import Axis
from analysis.placement import Position
from analysis.wording import escaped, shortened

LETTER: Final = 8.6  # width of a letter at a tick
NAME_MOST: Final = 20


class Axes(Protocol):
    """Whatever has an x and a y axis."""

    @property
    def x(self) -> Axis:
        """The axis to the right."""

    @property
    def y(self) -> Axis:
        """The axis upwards."""


@dataclass(frozen=True)
class Canvas:
    """A drawing's size and the margins around what its axes enclose, in SVG units."""

    width: float
    height: float
    left: float = 84.0
    right: float = 18.0
    top: float = 16.0
    bottom: float = 64.0

    def at(self, axes: Axes, x: float, y: float) -> Position:
        """Returns where a pair of values lies."""
        across = self.left + axes.x.share(x) * (self.width - self.left - self.right)
        return across, self.height - self.bottom - axes.y.share(y) * (self.height - self.top - self.bottom)


def opening(canvas: Canvas, title: str, name: str) -> str:
    """Returns the start of an SVG that is called `title`; `name` names the clip path of what the axes enclose."""
    inside = (
        f'<rect x="{canvas.left:g}" y="{canvas.top:g}" width="{canvas.width - canvas.left - canvas.right:g}" '
        f'height="{canvas.height - canvas.top - canvas.bottom:g}"/>'
    )
    return (
        f'<svg viewBox="0 0 {canvas.width:g} {canvas.height:g}" role="group" aria-label="{escaped(title)}">'
        f'<defs><clipPath id="{name}">{inside}</clipPath></defs>'
    )


def grid(canvas: Canvas, axes: Axes) -> str:
    """Returns ticks, grid lines and the labels of both axes."""
    parts = []
    bottom, right = canvas.height - canvas.bottom, canvas.width - canvas.right
    for tick, written in zip(axes.x.ticks, axes.x.written, strict=True):
        x, _ = canvas.at(axes, tick, axes.y.low)
        parts.append(f'<path class="grid" d="M{x:.1f} {canvas.top:g}V{bottom:g}"/>')
        parts.append(tick_text(x, bottom + 21, written))
    for tick, written in zip(axes.y.ticks, axes.y.written, strict=True):
        _, y = canvas.at(axes, axes.x.low, tick)
        parts.append(f'<path class="grid" d="M{canvas.left:g} {y:.1f}H{right:g}"/>')
        parts.append(tick_text(canvas.left - 8, y + 4, written, anchor="end"))
    return "".join([*parts, titles(canvas, axes.x.label, axes.y.label)])


def titles(canvas: Canvas, x: str, y: str) -> str:
    """Returns what stands below and beside the axes."""
    across = (canvas.left + canvas.width - canvas.right) / 2
    up = (canvas.top + canvas.height - canvas.bottom) / 2
    below = axis_title(f'x="{across:g}" y="{canvas.height - 12:g}"', x)
    return below + axis_title(f'transform="translate(20 {up:g}) rotate(-90)"', y)


def axis_title(place: str, text: str, most: int = 60) -> str:
    """Returns an axis title at a place that is written as attributes, cut as a tick's text is; "" for none."""
    if not text:
        return ""
    return f'<text class="axis" {place} text-anchor="middle">{_cut(text, most)}</text>'


def tick_text(x: float, y: float, text: str, most: int = 40, anchor: str = "middle") -> str:
    """Returns what stands at a tick; what is longer than `most` letters is cut, and whole where it is pointed at."""
    return f'<text class="tick" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{_cut(text, most)}</text>'


def names(places: Sequence[float], y: float, texts: Sequence[str], room: float) -> str:
    """Returns the texts below an axis, slanted where one takes more than its room."""
    if max(len(text) for text in texts) * LETTER <= room:
        return "".join(tick_text(x, y, text) for x, text in zip(places, texts, strict=True))
    return "".join(
        f'<text class="tick" transform="translate({x + 5:.1f} {y - 6:.1f}) rotate(-32)" text-anchor="end">'
        f"{_cut(text, NAME_MOST)}</text>"
        for x, text in zip(places, texts, strict=True)
    )


def room_for_names(texts: Sequence[str], room: float) -> float:
    """Returns how much higher the margin below must be, since names are slanted."""
    longest = min(NAME_MOST, max(len(text) for text in texts)) * LETTER
    return 0.0 if max(len(text) for text in texts) * LETTER <= room else longest * 0.55 - 8


def room_before(texts: Sequence[str], room: float, left: float) -> float:
    """Returns how wide the margin to the left must be, `left` at least, since slanted names begin there."""
    if max(len(text) for text in texts) * LETTER <= room:
        return left
    ends = (min(NAME_MOST, len(text)) * LETTER - room * (place + 0.5) for place, text in enumerate(texts))
    return max(left, *ends)


def _cut(text: str, most: int) -> str:
    full = f"<title>{escaped(text)}</title>" if len(text) > most else ""
    return full + escaped(shortened(text, most))


def path(canvas: Canvas, axes: Axes, corners: Sequence[Position]) -> str:
    """Returns corners as the points of an SVG line."""
    placed = [canvas.at(axes, x, y) for x, y in corners]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)


def broken_at(canvas: Canvas, axes: Axes, epoch: int) -> str:
    """Returns an upright line before the epoch from which on scores are measured in another way."""
    x, _ = canvas.at(axes, epoch - 0.5, axes.y.low)
    return f'<path class="reference" d="M{x:.1f} {canvas.top:g}V{canvas.height - canvas.bottom:g}"/>'
