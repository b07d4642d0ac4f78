"""Draws partial dependence as SVG for a page: nothing is computed here but places."""

from analysis.canvas import Canvas, grid, names, opening, path, room_before, room_for_names, tick_text, titles
from analysis.option_axes import NamedAxis
from analysis.partial_panels import Dependence, Spot
from analysis.wording import escaped, readable, shown, within

WIDTH = 480.0


def partial_chart(panel: Dependence, name: str) -> str:
    """Returns the SVG of one option: the mean, the band of the models, and the paler one of the trials.

    Args:
        panel: what is drawn.
        name: of the clip path.
    """
    texts = panel.x.written
    room = (WIDTH - 84 - 18) / max(1, len(texts))
    slanted = isinstance(panel.x, NamedAxis) and not panel.joined
    left = room_before(texts, room, 84) if slanted else 84
    bottom = 64 + (room_for_names(texts, room) if slanted else 0)
    canvas = Canvas(WIDTH, 236 + bottom, left=left, bottom=bottom)
    said = f"{readable(panel.objective)} by {within(panel.option)}"
    parts = [opening(canvas, said, name), _axes(canvas, panel, slanted, room)]
    if panel.joined:
        parts += [_band(canvas, panel, "low", "high"), _band(canvas, panel, "least", "greatest")]
        corners = [(spot.x, spot.mean) for spot in panel.spots]
        parts.append(f'<polyline class="value n0" points="{path(canvas, panel, corners)}"/>')
    parts += [_spot(canvas, panel, spot, not panel.joined) for spot in panel.spots]
    return "".join([*parts, "</svg>"])


def _axes(canvas: Canvas, panel: Dependence, slanted: bool, room: float) -> str:
    if not slanted:
        return grid(canvas, panel)
    parts = []
    for tick, text in zip(panel.y.ticks, panel.y.written, strict=True):
        _, y = canvas.at(panel, panel.x.low, tick)
        parts.append(f'<path class="grid" d="M{canvas.left:g} {y:.1f}H{canvas.width - canvas.right:g}"/>')
        parts.append(tick_text(canvas.left - 8, y + 4, text, anchor="end"))
    places = [canvas.at(panel, tick, panel.y.low)[0] for tick in panel.x.ticks]
    below = names(places, canvas.height - canvas.bottom + 22, panel.x.written, room)
    return "".join([*parts, below, titles(canvas, panel.x.label, panel.y.label)])


def _band(canvas: Canvas, panel: Dependence, low: str, high: str) -> str:
    there = [(spot.x, getattr(spot, high)) for spot in panel.spots]
    back = [(spot.x, getattr(spot, low)) for spot in reversed(panel.spots)]
    return f'<polygon class="spread n0" points="{path(canvas, panel, [*there, *back])}"/>'


def _spot(canvas: Canvas, panel: Dependence, spot: Spot, whiskers: bool) -> str:
    x, y = canvas.at(panel, spot.x, spot.mean)
    found = ""
    if whiskers:
        low, high = (canvas.at(panel, spot.x, end)[1] for end in (spot.low, spot.high))
        least, greatest = (canvas.at(panel, spot.x, end)[1] for end in (spot.least, spot.greatest))
        found = f'<rect class="spread n0" x="{x - 9:.1f}" y="{high:.1f}" width="18" height="{low - high:.1f}"/>'
        found += f'<path class="whisker" d="M{x:.1f} {least:.1f}V{greatest:.1f}"/>'
    told = f"{shown(spot.mean)}; trials {shown(spot.low)} to {shown(spot.high)}, models {shown(spot.least)} to "
    title = f"<title>{escaped(told + shown(spot.greatest))}</title>"
    return f'{found}<circle class="spot n0" cx="{x:.1f}" cy="{y:.1f}" r="3.4">{title}</circle>'
