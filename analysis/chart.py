"""Draws panels and curves as SVG for a page: no number is computed here beyond its place on the canvas."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from analysis.curves import Curves
from analysis.panels import Panel, Point, label_places
from analysis.placement import Box, Position
from analysis.wording import escaped, shown

RADIUS: Final = 5.5
TARGET: Final = 12.0
LETTER: Final = 12.5


@dataclass(frozen=True)
class Canvas:
    """The drawing's size and the margins around what its axes enclose, in SVG units."""

    width: float
    height: float
    left: float = 84.0
    right: float = 18.0
    top: float = 16.0
    bottom: float = 64.0

    def at(self, axes: "Panel | Curves", x: float, y: float) -> Position:
        """Returns where a pair of values lies."""
        across = self.left + axes.x.share(x) * (self.width - self.left - self.right)
        return across, self.height - self.bottom - axes.y.share(y) * (self.height - self.top - self.bottom)


def front_chart(panel: Panel, name: str) -> str:
    """Returns the SVG of a panel; each point is a link to its trial's row and says its scores."""
    canvas = Canvas(720, 460)
    parts = [_opening(canvas, "Front", name), _grid(canvas, panel), _edge(canvas, panel, name)]
    parts += [_mark(canvas, panel, point) for point in panel.points]
    parts += [_labels(canvas, panel), "</svg>"]
    return "".join(parts)


def curve_chart(curves: Curves, name: str) -> str:
    """Returns the SVG of curves, those of the front in colour."""
    canvas = Canvas(480, 300, left=70)
    parts = [_opening(canvas, curves.title, name), _grid(canvas, curves), f'<g clip-path="url(#{name})">']
    for line in curves.lines:
        known = "" if line.trial is None else f' data-trial="{line.trial}"'
        look = "line best" if line.on_front else "line"
        parts.append(f'<polyline class="{look}"{known} points="{_path(canvas, curves, line.corners)}"/>')
    return "".join([*parts, "</g></svg>"])


def _opening(canvas: Canvas, title: str, name: str) -> str:
    inside = (
        f'<rect x="{canvas.left:g}" y="{canvas.top:g}" width="{canvas.width - canvas.left - canvas.right:g}" '
        f'height="{canvas.height - canvas.top - canvas.bottom:g}"/>'
    )
    return (
        f'<svg viewBox="0 0 {canvas.width:g} {canvas.height:g}" role="group" aria-label="{escaped(title)}">'
        f'<defs><clipPath id="{name}">{inside}</clipPath></defs>'
    )


def _grid(canvas: Canvas, axes: Panel | Curves) -> str:
    parts = []
    bottom, right = canvas.height - canvas.bottom, canvas.width - canvas.right
    for tick, written in zip(axes.x.ticks, axes.x.written, strict=True):
        x, _ = canvas.at(axes, tick, axes.y.low)
        parts.append(f'<path class="grid" d="M{x:.1f} {canvas.top:g}V{bottom:g}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{bottom + 21:g}" text-anchor="middle">{written}</text>')
    for tick, written in zip(axes.y.ticks, axes.y.written, strict=True):
        _, y = canvas.at(axes, axes.x.low, tick)
        parts.append(f'<path class="grid" d="M{canvas.left:g} {y:.1f}H{right:g}"/>')
        parts.append(f'<text class="tick" x="{canvas.left - 8:g}" y="{y + 4:.1f}" text-anchor="end">{written}</text>')
    across, up = (canvas.left + right) / 2, (canvas.top + bottom) / 2
    places = (f'x="{across:g}" y="{canvas.height - 12:g}"', f'transform="translate(20 {up:g}) rotate(-90)"')
    for place, axis in zip(places, (axes.x, axes.y), strict=True):
        parts.append(f'<text class="axis" {place} text-anchor="middle">{escaped(axis.label)}</text>')
    return "".join(parts)


def _edge(canvas: Canvas, panel: Panel, name: str) -> str:
    parts = [f'<g clip-path="url(#{name})">']
    if panel.corner is not None:
        parts.append(f'<polygon class="attained" points="{_path(canvas, panel, [*panel.edge, panel.corner])}"/>')
    if panel.edge:
        parts.append(f'<polyline class="edge" points="{_path(canvas, panel, panel.edge)}"/>')
    if panel.x.reference is not None:
        x, _ = canvas.at(panel, panel.x.reference, panel.y.low)
        parts.append(f'<path class="reference" d="M{x:.1f} {canvas.top:g}V{canvas.height - canvas.bottom:g}"/>')
    if panel.y.reference is not None:
        _, y = canvas.at(panel, panel.x.low, panel.y.reference)
        parts.append(f'<path class="reference" d="M{canvas.left:g} {y:.1f}H{canvas.width - canvas.right:g}"/>')
    return "".join([*parts, "</g>"])


def _mark(canvas: Canvas, panel: Panel, point: Point) -> str:
    x, y = canvas.at(panel, point.x, point.y)
    reachable = 0 if point.kind == "front" else -1
    said = f"Trial {point.trial}, {point.kind}: {panel.x.label} {shown(point.x)}, {panel.y.label} {shown(point.y)}"
    shape = f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS:g}"/>'
    if point.kind == "infeasible":
        shape = f'<path class="dot" d="M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8"/>'
    return (
        f'<a class="point {point.kind}" href="#trial-{point.trial}" data-trial="{point.trial}" tabindex="{reachable}" '
        f'aria-label="{escaped(said)}"><circle class="target" cx="{x:.1f}" cy="{y:.1f}" r="{TARGET:g}"/>{shape}</a>'
    )


def _labels(canvas: Canvas, panel: Panel) -> str:
    frame = Box(0, 0, canvas.width - canvas.left - canvas.right, canvas.height - canvas.top - canvas.bottom)
    best = [point for point in panel.points if point.kind == "front"]
    sizes = [((0.62 * len(str(point.trial)) + 0.3) * LETTER, 1.1 * LETTER) for point in best]
    parts = []
    for point, centre in zip(best, label_places(panel, frame, RADIUS + 2, sizes), strict=True):
        if centre is not None:
            x, y = canvas.left + centre[0], canvas.height - canvas.bottom - centre[1] + 0.35 * LETTER
            parts.append(f'<text class="number" x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{point.trial}</text>')
    return "".join(parts)


def _path(canvas: Canvas, axes: Panel | Curves, corners: Sequence[Position]) -> str:
    placed = [canvas.at(axes, x, y) for x, y in corners]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
