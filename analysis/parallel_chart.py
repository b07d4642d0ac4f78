"""Draws parallel coordinates as SVG for a page, and what its script needs to draw all lines and move them."""

import json
from typing import Final

import numpy as np

from analysis.canvas import tick_text
from analysis.parallel import FATES, Parallel, Upright
from analysis.wording import escaped, shortened

GAP: Final = 118.0
LEFT: Final = 78.0
RIGHT: Final = 56.0
TOP: Final = 52.0
INSIDE: Final = 300.0
ABSENT: Final = 34.0
"""How far below its axis a line goes where it has no value."""
BOTTOM: Final = 56.0
LEAST: Final = 260.0
"""Width that the name of a single axis needs."""
NAME_MOST: Final = 24
"""Letters of a name; those of every second axis are on one line, so each has the room of two gaps."""
LETTER: Final = 7.6
TICK_MOST: Final = 9
STILL: Final = 200
"""Lines that a page without scripts shows."""


def width_of(drawn: Parallel) -> float:
    """Returns how wide the drawing is, in SVG units, which are pixels where the page has the room."""
    return max(LEAST, LEFT + GAP * (len(drawn.axes) - 1) + RIGHT)


def height_at(height: float) -> float:
    """Returns where a height on an axis lies from the top, in SVG units; NaN lies below the axis."""
    return TOP + INSIDE + ABSENT if np.isnan(height) else TOP + INSIDE * (1 - height)


def parallel_chart(drawn: Parallel) -> str:
    """Returns the SVG: axes, and the lines of the front and of some others."""
    width = width_of(drawn)
    parts = [
        f'<svg viewBox="0 0 {width:g} {TOP + INSIDE + BOTTOM:g}" width="{width:g}" role="img" '
        'aria-label="A line for each trial through its options and objectives"><g class="threads">'
    ]
    for row in drawn.sample(STILL):
        corners = " ".join(
            f"{LEFT + GAP * place:.0f},{height_at(height):.1f}" for place, height in enumerate(drawn.heights[row])
        )
        parts.append(f'<polyline class="thread {drawn.fates[row]}" points="{corners}"/>')
    parts.append("</g>")
    missing = drawn.missing
    for place, one in enumerate(drawn.axes):
        x = LEFT + GAP * place
        parts.append(f'<path class="upright" d="M{x:g} {TOP:g}v{INSIDE:g}"/>')
        parts.append(_name(one, x, TOP - (18 if place % 2 == 0 else 34), width))
        for tick, text in zip(one.axis.ticks, one.axis.written, strict=True):
            y = height_at(one.up(one.axis.share(tick)))
            parts.append(f'<path class="upright" d="M{x - 4:g} {y:.1f}h4"/>')
            parts.append(tick_text(x - 8, y + 4, text, TICK_MOST, anchor="end"))
        if missing[place]:
            parts.append(tick_text(x - 8, TOP + INSIDE + ABSENT + 4, "none", anchor="end"))
    return "".join([*parts, "</svg>"])


def _name(one: Upright, x: float, y: float, width: float) -> str:
    """The name over an axis, in its middle where it does not reach over the drawing's edge."""
    full = one.axis.label + (f" ({one.objective})" if one.objective else "")
    name = shortened(one.axis.label, NAME_MOST)
    title = f"<title>{escaped(full)}</title>" if one.objective or name != one.axis.label else ""
    half = len(name) * LETTER / 2
    x, anchor = (0.0, "start") if half > x else (width, "end") if x + half > width else (x, "middle")
    return f'<text class="axis" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{title}{escaped(name)}</text>'


def plan(drawn: Parallel) -> str:
    """Returns the element that tells the script where each value lies; the values stand in the page's record."""
    known = {
        "left": LEFT,
        "gap": GAP,
        "top": TOP,
        "inside": INSIDE,
        "absent": ABSENT,
        "width": width_of(drawn),
        "height": TOP + INSIDE + BOTTOM,
        "fates": "".join(str(list(FATES).index(fate)) for fate in drawn.fates),
        "names": list(FATES.values()),
        "axes": [
            {
                "column": one.column,
                "title": one.axis.label,
                "scale": one.scale,
                "low": one.axis.low,
                "high": one.axis.high,
                "flipped": one.flipped,
                "known": [[value, place] for value, place in one.known.items()],
            }
            for one in drawn.axes
        ],
    }
    text = json.dumps(known, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c").replace(">", "\\u003e")
    return f'<script type="application/json" id="parallel-plan">{text}</script>'
