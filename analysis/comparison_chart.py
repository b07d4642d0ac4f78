"""Draws the figures of a comparison as SVG for a page: no number is computed here beyond its place on the canvas."""

from collections.abc import Sequence
from typing import Any, Final

from analysis.canvas import Canvas, grid, opening, path, tick_text, titles
from analysis.compared import Method
from analysis.comparison import Comparison, Standing
from analysis.comparison_panels import DifferencePanel, FrontsPanel, SurfacesPanel, VolumesPanel
from analysis.wording import escaped, shortened, shown

SHAPES: Final = (
    "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0Z",
    "M-4.6 -4.6h9.2v9.2h-9.2Z",
    "M0 -6L5.6 4.4h-11.2Z",
    "M0 -6.2L5.6 0L0 6.2L-5.6 0Z",
    "M0 6L5.6 -4.4h-11.2Z",
    "M-2 -5.6h4v3.6h3.6v4h-3.6v3.6h-4v-3.6h-3.6v-4h3.6Z",
)
"""Of the methods' marks, around (0, 0), so that they are told apart in grey too."""
DASHES: Final = ("", "9 4", "2 3", "9 3 2 3", "14 4", "4 2 1 2 1 2")
STRONGEST: Final = 0.6
NAME_MOST: Final = 58
ROW: Final = 62.0
TITLED: Final = 38.0
LETTER: Final = 11.4  # of a tick on a phone


def fronts_chart(panel: FrontsPanel, told: Sequence[str], name: str) -> str:
    """Returns the SVG of fronts over each other; each mark is a link to its row `#point-N` and says what it is.

    Args:
        panel: what is drawn.
        told: of each row of the table of points, the trial in words.
        name: of the clip path.
    """
    canvas = _canvas(panel)
    parts = _begun(canvas, panel, name)
    parts += [_line(canvas, panel, corners, method, "value") for method, corners in panel.edges]
    parts.append("</g>")
    for place, mark in enumerate(panel.marks):
        x, y = canvas.at(panel, mark.x, mark.y)
        parts.append(
            f'<a class="mark n{mark.method}" href="#point-{mark.row}" data-said="{escaped(told[mark.row])}" '
            f'tabindex="{-1 if place else 0}" aria-label="{escaped(told[mark.row])}">'
            f'<circle class="target" cx="{x:.1f}" cy="{y:.1f}" r="12"/>'
            f'<path class="shape" transform="translate({x:.1f} {y:.1f})" d="{SHAPES[mark.method]}"/></a>'
        )
    return "".join([*parts, "</svg>"])


def surfaces_chart(panel: SurfacesPanel, name: str) -> str:
    """Returns the SVG of what one, half and all searches of each method attain."""
    canvas = _canvas(panel)
    parts = _begun(canvas, panel, name)
    for one in panel.surfaces:
        if band := one.band(panel.reference):
            parts.append(f'<polygon class="spread n{one.method}" points="{path(canvas, panel, band)}"/>')
        parts.append(_line(canvas, panel, one.half, one.method, "value"))
    return "".join([*parts, "</g></svg>"])


def difference_chart(panel: DifferencePanel, name: str) -> str:
    """Returns the SVG of where one of two methods is attained by more of its searches."""
    canvas = _canvas(panel)
    parts = _begun(canvas, panel, name)
    for cell in panel.cells:
        x, y = canvas.at(panel, panel.x.nearest(cell.left), panel.y.nearest(cell.high))
        right, low = canvas.at(panel, panel.x.nearest(cell.right), panel.y.nearest(cell.low))
        if right - x > 0 and low - y > 0:
            method = panel.one if cell.share > 0 else panel.other
            parts.append(
                f'<rect class="more n{method}" x="{x:.2f}" y="{y:.2f}" width="{right - x:.2f}" '
                f'height="{low - y:.2f}" fill-opacity="{STRONGEST * abs(cell.share):.3f}"/>'
            )
    for method, corners in zip((panel.one, panel.other), panel.halves, strict=True):
        parts.append(_line(canvas, panel, corners, method, "value"))
    return "".join([*parts, "</g></svg>"])


def volumes_chart(panel: VolumesPanel, compared: Comparison, name: str) -> str:
    """Returns the SVG of every search's hypervolume, with the mean of each method and its interval."""
    canvas = Canvas(720, 72 + ROW * len(compared.standings), left=18, bottom=64, top=8)
    floor = canvas.height - canvas.bottom
    parts = [opening(canvas, "Hypervolume of every search", name)]
    for tick, written in zip(panel.x.ticks, panel.x.written, strict=True):
        x = _across(canvas, panel, tick)
        parts.append(f'<path class="grid" d="M{x:.1f} {canvas.top:g}V{floor:g}"/>{tick_text(x, floor + 21, written)}')
    for place, one in enumerate(compared.standings):
        parts.append(_volumes_row(canvas, panel, one, place))
    return "".join([*parts, titles(canvas, panel.x.label, ""), "</svg>"])


def _volumes_row(canvas: Canvas, panel: VolumesPanel, one: Standing, place: int) -> str:
    """A method's name, and below it its interval, its mean and its searches."""
    top = canvas.top + ROW * place
    y = top + 42
    low, mean, high = (_across(canvas, panel, value) for value in (one.low, one.mean, one.high))
    told = escaped(f"95 % interval {shown(one.low)} to {shown(one.high)}, over {one.resampled}")
    parts = [
        tick_text(canvas.left, top + 22, shortened(one.method.name, NAME_MOST), NAME_MOST, anchor="start"),
        f'<rect class="spread n{place}" x="{low:.1f}" y="{y - 7:.1f}" width="{high - low:.1f}" height="14">'
        f"<title>{told}</title></rect>",
        f'<path class="value n{place}" d="M{mean:.1f} {y - 12:.1f}v24"/>',
    ]
    for search, volume in zip(one.method.searches, one.volumes, strict=True):
        said = escaped(f"{search.study.name}, seed {search.study.seed}: {shown(volume)}")
        at = f"translate({_across(canvas, panel, volume):.1f} {y:.1f})"
        shape = f'<path class="shape" transform="{at}" d="{SHAPES[place]}"/>'
        parts.append(f'<g class="mark n{place}">{shape}<title>{said}</title></g>')
    return "".join(parts)


def _across(canvas: Canvas, panel: VolumesPanel, value: float) -> float:
    return canvas.left + panel.x.share(value) * (canvas.width - canvas.left - canvas.right)


def legend(every: Sequence[Method], more: str = "") -> str:
    """Returns the list that says which colour, line and mark is whose, with a last remark."""
    keys = "".join(
        f'<li><svg viewBox="0 0 34 16" class="key mark n{place}" aria-hidden="true">'
        f'<path class="value"{_dashed(place)} d="M0 8H34"/>'
        f'<path class="shape" transform="translate(17 8)" d="{SHAPES[place]}"/></svg>'
        f"{escaped(method.name)}{_seeds(method)}</li>"
        for place, method in enumerate(every)
    )
    return f'<ul class="legend">{keys}{f"<li>{escaped(more)}</li>" if more else ""}</ul>'


def _seeds(method: Method) -> str:
    return f" ({len(method.searches)} seeds)" if len(method.searches) > 1 else ""


def _canvas(panel: Any) -> Canvas:
    """Room for the ticks before the axis also where a phone shows them in larger letters."""
    return Canvas(720, 460, left=max(84.0, TITLED + LETTER * max((len(text) for text in panel.y.written), default=0)))


def _begun(canvas: Canvas, panel: Any, name: str) -> list[str]:
    parts = [opening(canvas, f"{panel.y.label} by {panel.x.label}", name), grid(canvas, panel)]
    parts.append(f'<g clip-path="url(#{name})">')
    if panel.x.reference is not None:
        x, _ = canvas.at(panel, panel.x.reference, panel.y.low)
        parts.append(f'<path class="reference" d="M{x:.1f} {canvas.top:g}V{canvas.height - canvas.bottom:g}"/>')
    if panel.y.reference is not None:
        _, y = canvas.at(panel, panel.x.low, panel.y.reference)
        parts.append(f'<path class="reference" d="M{canvas.left:g} {y:.1f}H{canvas.width - canvas.right:g}"/>')
    return parts


def _line(canvas: Canvas, panel: Any, corners: Sequence[tuple[float, float]], method: int, look: str) -> str:
    if not corners:
        return ""
    return f'<polyline class="{look} n{method}"{_dashed(method)} points="{path(canvas, panel, corners)}"/>'


def _dashed(method: int) -> str:
    return f' stroke-dasharray="{DASHES[method]}"' if DASHES[method] else ""
