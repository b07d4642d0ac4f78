"""Draws panels and curves as SVG for a page: no number is computed here beyond its place on the canvas."""

from typing import Final

from analysis.canvas import Canvas, broken_at, grid, opening, path
from analysis.curves import Curves
from analysis.panels import Panel, Point, kind_name, label_places
from analysis.placement import Box
from analysis.wording import escaped, shown
from search_spaces.study import Study

RADIUS: Final = 5.5
TARGET: Final = 12.0
LETTER: Final = 12.5
TICK_LETTER: Final = 9.6
TITLED: Final = 36.0
"""Room that a curve's upright axis title takes, up to its ticks."""


def front_chart(panel: Panel, name: str, study: Study) -> str:
    """Returns the SVG of a panel; each point is a link to its trial's row and says its scores."""
    canvas = Canvas(720, 460)
    parts = [
        opening(canvas, f"{panel.y.label} by {panel.x.label}", name),
        grid(canvas, panel),
        _edge(canvas, panel, name),
    ]
    first = max(panel.points, key=lambda point: point.kind == "front", default=None)
    parts += [_mark(canvas, panel, point, kind_name(point.kind, study), point is first) for point in panel.points]
    parts += [_labels(canvas, panel), "</svg>"]
    return "".join(parts)


def curve_chart(curves: Curves, name: str) -> str:
    """Returns the SVG of curves, those of the front in colour."""
    left = TITLED + TICK_LETTER * max((len(text) for text in curves.y.written), default=0)
    canvas = Canvas(480, 300, left=max(70.0, left))
    parts = [opening(canvas, curves.title, name), grid(canvas, curves), f'<g clip-path="url(#{name})">']
    parts += [broken_at(canvas, curves, first) for first in curves.breaks]
    alone = []  # drawn over the clip path, which would halve what lies at the last epoch
    for line in curves.lines:
        known = "" if line.trial is None else f' data-trial="{line.trial}"'
        look = "line best" if line.on_front else "line"
        for piece in line.pieces:
            if len(piece) > 1:
                parts.append(f'<polyline class="{look}"{known} points="{path(canvas, curves, piece)}"/>')
            elif len(line.pieces) > 1 and curves.y.has(piece[0][1]):
                x, y = canvas.at(curves, *piece[0])
                alone.append(f'<circle class="{look} alone"{known} cx="{x:.1f}" cy="{y:.1f}" r="2.6"/>')
    return "".join([*parts, "</g>", *alone, "</svg>"])


def _edge(canvas: Canvas, panel: Panel, name: str) -> str:
    parts = [f'<g clip-path="url(#{name})">']
    if panel.attained:
        parts.append(f'<polygon class="attained" points="{path(canvas, panel, panel.attained)}"/>')
    if panel.edge:
        parts.append(f'<polyline class="edge" points="{path(canvas, panel, panel.edge)}"/>')
    if panel.x.reference is not None:
        x, _ = canvas.at(panel, panel.x.reference, panel.y.low)
        parts.append(f'<path class="reference" d="M{x:.1f} {canvas.top:g}V{canvas.height - canvas.bottom:g}"/>')
    if panel.y.reference is not None:
        _, y = canvas.at(panel, panel.x.low, panel.y.reference)
        parts.append(f'<path class="reference" d="M{canvas.left:g} {y:.1f}H{canvas.width - canvas.right:g}"/>')
    return "".join([*parts, "</g>"])


def _mark(canvas: Canvas, panel: Panel, point: Point, known_as: str, first: bool) -> str:
    """One trial; the keyboard reaches the first one, and from there the others."""
    x, y = canvas.at(panel, point.x, point.y)
    said = f"Trial {point.trial}, {known_as}: {panel.x.label} {shown(point.x)}, {panel.y.label} {shown(point.y)}"
    shape = f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS:g}"/>'
    if point.kind == "infeasible":
        shape = f'<path class="dot" d="M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8"/>'
    return (
        f'<a class="point {point.kind}" href="#trial-{point.trial}" data-trial="{point.trial}" '
        f'tabindex="{0 if first else -1}" aria-label="{escaped(said)}">'
        f'<circle class="target" cx="{x:.1f}" cy="{y:.1f}" r="{TARGET:g}"/>{shape}</a>'
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
