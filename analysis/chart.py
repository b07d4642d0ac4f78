"""Draws panels and curves as SVG for a page: no number is computed here beyond its place on the canvas."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final

from analysis.canvas import Canvas, broken_at, grid, opening, path
from analysis.curves import Curve, Curves
from analysis.panels import Kind, Panel, Point, kind_name, label_places
from analysis.placement import Box, Position
from analysis.wording import escaped, shown
from search_spaces.study import Study

RADIUS: Final = 5.5
TARGET: Final = 12.0
CROSS: Final = 4.0
ALONE: Final = 2.6
TOGETHER: Final = 64
"""Trials that share a path: an element each for 10,000 would take a browser seconds."""
CROWD: Final = ((150, 1.0), (600, 0.75), (2500, 0.55))
"""Up to how many trials others than the front are drawn at what share of the size; beyond, at SMALLEST."""
SMALLEST: Final = 0.4
LABELLED: Final = 20
"""Members of a front that have their number beside them."""
NEAR: Final = 34.0
LETTER: Final = 12.5
TICK_LETTER: Final = 9.6
TITLED: Final = 36.0
"""Room that a curve's upright axis title takes, up to its ticks."""


def front_chart(panel: Panel, name: str, study: Study) -> str:
    """Returns the SVG of a panel: a point of the front is a link to its trial's row and says its scores.

    All others share a path for each TOGETHER of a kind, which `data-trials` names in the order of its pieces, so that
    a script finds each trial's own.
    """
    canvas = Canvas(720, 460)
    best = [point for point in panel.points if point.kind == "front"]
    parts = [
        opening(canvas, f"{panel.y.label} by {panel.x.label}", name),
        grid(canvas, panel),
        _edge(canvas, panel, name),
        *_crowd(canvas, panel),
    ]
    parts += [_mark(canvas, panel, point, kind_name(point.kind, study), point is best[0]) for point in best]
    parts += [_labels(canvas, panel), "</svg>"]
    return "".join(parts)


def curve_chart(curves: Curves, name: str) -> str:
    """Returns the SVG of curves: those of the front in colour, an element each; others share paths, as points do."""
    left = TITLED + TICK_LETTER * max((len(text) for text in curves.y.written), default=0)
    canvas = Canvas(480, 300, left=max(70.0, left))
    others = [line for line in curves.lines if not line.on_front]
    best = [line for line in curves.lines if line.on_front]
    look = "line many" if len(others) > CROWD[0][0] else "line"
    parts = [opening(canvas, curves.title, name), grid(canvas, curves), f'<g clip-path="url(#{name})">']
    parts += [broken_at(canvas, curves, first) for first in curves.breaks]
    parts += _bundles(look, ((line.trial, _drawn(canvas, curves, line)) for line in others))
    for line in best:
        known = "" if line.trial is None else f' data-trial="{line.trial}"'
        parts.append(f'<path class="{look} best"{known} d="{"".join(_drawn(canvas, curves, line))}"/>')
    # Drawn over the clip path, which would halve what lies at the last epoch.
    parts += ["</g>", *_bundles("line alone", ((line.trial, _alone(canvas, curves, line)) for line in others))]
    for line in best:
        if spots := _alone(canvas, curves, line):
            parts.append(f'<path class="line best alone" data-trial="{line.trial}" d="{"".join(spots)}"/>')
    return "".join([*parts, "</svg>"])


def _drawn(canvas: Canvas, curves: Curves, line: Curve) -> list[str]:
    return [f"M{path(canvas, curves, piece)}" for piece in line.pieces if len(piece) > 1]


def _alone(canvas: Canvas, curves: Curves, line: Curve) -> list[str]:
    """What a line that is broken keeps of a single epoch."""
    spots = [piece[0] for piece in line.pieces if len(piece) == 1 and len(line.pieces) > 1]
    return [_spot(canvas.at(curves, *spot), ALONE) for spot in spots if curves.y.has(spot[1])]


def _bundles(look: str, lines: Iterable[tuple[int | None, Sequence[str]]]) -> list[str]:
    """Paths of the look for the pieces of each trial, many trials to a path."""
    every = [(trial, piece) for trial, pieces in lines for piece in pieces]
    found = []
    for start in range(0, len(every), TOGETHER):
        some = every[start : start + TOGETHER]
        trials = " ".join(str(trial) for trial, _ in some)
        found.append(f'<path class="{look}" data-trials="{trials}" d="{"".join(piece for _, piece in some)}"/>')
    return found


def _crowd(canvas: Canvas, panel: Panel) -> list[str]:
    """Every point that is not on the front, those of a kind together."""
    points = sorted((point for point in panel.points if point.kind != "front"), key=lambda point: point.kind)
    size = next((share for most, share in CROWD if len(points) <= most), SMALLEST)
    found = []
    for kind, some in groupby(points, key=lambda point: point.kind):
        radius = (CROSS if kind == "infeasible" else RADIUS) * size
        pieces = ((point.trial, [_piece(canvas.at(panel, point.x, point.y), kind, radius)]) for point in some)
        look = f'dots dot" data-kind="{kind}" data-radius="{radius:g}'
        found.append(f'<g class="{kind}">{"".join(_bundles(look, pieces))}</g>')
    return found


def _piece(at: Position, kind: Kind, radius: float) -> str:
    if kind != "infeasible":
        return _spot(at, radius)
    (x, y), size = at, 2 * radius
    return f"M{x - radius:.1f} {y - radius:.1f}l{size:g} {size:g}m0 {-size:g}l{-size:g} {size:g}"


def _spot(at: Position, radius: float) -> str:
    """A disc as a piece of a path; an arc cannot end where it begins, so it ends a hundredth beside."""
    return f"M{at[0]:.1f} {at[1] - radius:.1f}a{radius:g} {radius:g} 0 1 0 .01 0z"


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
    """One trial of the front; the keyboard reaches the first one, and from there all others."""
    x, y = canvas.at(panel, point.x, point.y)
    said = f"Trial {point.trial}, {known_as}: {panel.x.label} {shown(point.x)}, {panel.y.label} {shown(point.y)}"
    shape = f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS:g}"/>'
    return (
        f'<a class="point {point.kind}" href="#trial-{point.trial}" data-trial="{point.trial}" '
        f'tabindex="{0 if first else -1}" aria-label="{escaped(said)}">'
        f'<circle class="target" cx="{x:.1f}" cy="{y:.1f}" r="{TARGET:g}"/>{shape}</a>'
    )


def _labels(canvas: Canvas, panel: Panel) -> str:
    """The numbers of the front's members; of many, of LABELLED evenly chosen ones."""
    frame = Box(0, 0, canvas.width - canvas.left - canvas.right, canvas.height - canvas.top - canvas.bottom)
    best = [point for point in panel.points if point.kind == "front"]
    every = max(1, math.ceil(len(best) / LABELLED))
    chosen = best[::every]
    marked = {point.trial for point in chosen}
    points = tuple(
        replace(one, kind="complete") if one.kind == "front" and one.trial not in marked else one
        for one in panel.points
    )
    sizes = [((0.62 * len(str(point.trial)) + 0.3) * LETTER, 1.1 * LETTER) for point in chosen]
    places = label_places(replace(panel, points=points), frame, RADIUS + 2, sizes)
    parts = []
    for point, centre in zip(chosen, places, strict=True):
        if centre is None:
            continue
        x, y = canvas.left + centre[0], canvas.height - canvas.bottom - centre[1]
        if every == 1 or math.dist((x, y), canvas.at(panel, point.x, point.y)) <= NEAR:
            y += 0.35 * LETTER
            parts.append(f'<text class="number" x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{point.trial}</text>')
    return "".join(parts)
