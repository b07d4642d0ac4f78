"""Draws promise and confirmation over two objectives as SVG for a page; no number is computed here."""

from collections.abc import Sequence
from typing import Final

from analysis.canvas import Canvas, grid, opening, path
from analysis.confirmation_panels import STANDINGS
from analysis.confirmation_planes import Plane, Way
from analysis.placement import Position
from analysis.wording import escaped, shown

LOOKS: Final = {"confirmed": "on-front", "fell": "fell", "other": "beside"}
RADIUS: Final = 4.5


def plane_chart(plane: Plane, name: str) -> str:
    """Returns the SVG of a plane: for each trial a hollow promise, a line to its confirmed mean, and both intervals.

    Args:
        plane: to be drawn.
        name: of the clip path, its own on the page.
    """
    canvas = Canvas(720, 460)
    parts = [
        opening(canvas, f"{plane.y.label} by {plane.x.label}, promised and confirmed", name),
        grid(canvas, plane),
        f'<g clip-path="url(#{name})">',
        _edge(canvas, plane, plane.searched, "reference"),
        _edge(canvas, plane, plane.confirmed, "edge pale"),
        "</g>",
    ]
    return "".join([*parts, *(_way(canvas, plane, way) for way in plane.ways), "</svg>"])


def _edge(canvas: Canvas, plane: Plane, corners: Sequence[Position], look: str) -> str:
    return f'<polyline class="{look}" points="{path(canvas, plane, corners)}"/>' if corners else ""


def _way(canvas: Canvas, plane: Plane, way: Way) -> str:
    x, y = canvas.at(plane, way.x.mean, way.y.mean)
    (left, top), (right, low) = (
        canvas.at(plane, way.x.low, way.y.high),
        canvas.at(plane, way.x.high, way.y.low),
    )
    parts = [f'<a class="{LOOKS[way.x.standing]}" href="#trial-{way.trial}" aria-label="{escaped(_said(way))}">']
    if way.promised is not None:
        before = canvas.at(plane, *way.promised)
        parts.append(f'<path class="way" d="M{before[0]:.1f} {before[1]:.1f}L{x:.1f} {y:.1f}"/>')
        parts.append(f'<circle class="promise" cx="{before[0]:.1f}" cy="{before[1]:.1f}" r="{RADIUS}"/>')
    parts.append(f'<path class="whisker" d="M{left:.1f} {y:.1f}H{right:.1f}M{x:.1f} {top:.1f}V{low:.1f}"/>')
    parts.append(f'<circle class="mean" cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS}"/>')
    parts.append(f'<text x="{x + 8:.1f}" y="{y - 8:.1f}">{way.trial}</text><title>{escaped(_said(way))}</title></a>')
    return "".join(parts)


def _said(way: Way) -> str:
    promised = "no scores" if way.promised is None else " and ".join(shown(value) for value in way.promised)
    return (
        f"Trial {way.trial}, {STANDINGS[way.x.standing]}: promised {promised}, "
        f"confirmed {shown(way.x.mean)} and {shown(way.y.mean)}"
    )
