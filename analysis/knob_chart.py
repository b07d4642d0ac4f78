"""Draws lines of a knob's values, and groups of bars, as SVG for a page: nothing is computed here but places."""

from collections.abc import Sequence
from typing import Final

from analysis.bars import Bar, Bars
from analysis.breaks import pieces
from analysis.canvas import (
    Canvas,
    broken_at,
    grid,
    names,
    opening,
    path,
    room_before,
    room_for_names,
    tick_text,
    titles,
)
from analysis.colours import steps
from analysis.lines import LinePanel, Series
from analysis.placement import Position, spread, thinned
from analysis.wording import escaped, shortened, shown, within

LABEL_MOST: Final = 12
LABEL_GAP: Final = 18.0
LETTER: Final = 9.6
FILLED: Final = 0.82
UNLABELLED: Final = 26.0  # that a label below the axis takes


def marks(series: Series) -> tuple[str, ...]:
    """Returns the class that gives each series of lines its colour."""
    letter = "r" if series.ordered else "n"
    return tuple(f"{letter}{step}" for step in steps(len(series.written), series.ordered))


def looks_of(bars: Bars) -> tuple[str, ...]:
    """Returns the class that gives each series of the bars its colour."""
    letter = "r" if bars.ordered else "n"
    return tuple(f"{letter}{step}" for step in steps(len(bars.series), bars.ordered))


def line_chart(panel: LinePanel, series: Series, name: str, rings: Sequence[tuple[int, Position]] = ()) -> str:
    """Returns the SVG of a metric's lines, such as over the epochs, each with its series' text beside its end.

    Args:
        panel: what is drawn.
        series: that its lines belong to.
        name: of the clip path.
        rings: places that are marked on lines, each with its series.
    """
    written = [shortened(text, LABEL_MOST) for text in series.written]
    canvas = Canvas(480, 300, left=84, right=34 + LETTER * max(len(text) for text in written))
    parts = [opening(canvas, f"{panel.title} by {within(panel.x.label).lower()}", name), grid(canvas, panel)]
    parts += [broken_at(canvas, panel, first) for first, _ in panel.breaks]
    for line in panel.lines:
        look = marks(series)[line.value]
        for piece in pieces(line.spread, panel.breaks):
            there = [(epoch, high) for epoch, _, high in piece]
            back = [(epoch, low) for epoch, low, _ in reversed(piece)]
            parts.append(f'<polygon class="spread {look}" points="{path(canvas, panel, [*there, *back])}"/>')
        for course in pieces(line.corners, panel.breaks):
            parts.append(f'<polyline class="value {look}" points="{path(canvas, panel, course)}"/>')
            for corner in course[: 1 if panel.x.high > 12 else None]:
                x, y = canvas.at(panel, *corner)
                parts.append(f'<circle class="spot {look}" cx="{x:.1f}" cy="{y:.1f}" r="2.6"/>')
    for value, place in rings:
        x, y = canvas.at(panel, *place)
        parts.append(f'<circle class="ring {marks(series)[value]}" cx="{x:.1f}" cy="{y:.1f}" r="6"/>')
    return "".join([*parts, *_labels(canvas, panel, series, written), "</svg>"])


def bar_chart(bars: Bars, name: str, width: float = 1140.0) -> str:
    """Returns the SVG of groups of bars; each bar says its series, its group and its value."""
    left = room_before(bars.groups, (width - 70 - 18) / len(bars.groups), 70)
    group_width = (width - left - 18) / len(bars.groups)
    more = room_for_names(bars.groups, group_width)
    below = 64 + more - (0 if bars.label else UNLABELLED)
    canvas = Canvas(width, 276 + below, left=left, right=18, bottom=below)
    parts = [opening(canvas, bars.title or "Scores at the last epoch", name), _bar_axes(canvas, bars, group_width)]
    for bar in bars.bars:
        parts.append(_bar(canvas, bars, bar, group_width))
    if bars.y.reference is not None:
        y = _up(canvas, bars, bars.y.reference)
        parts.append(f'<path class="reference" d="M{canvas.left:g} {y:.1f}H{canvas.width - canvas.right:g}"/>')
    for group, note in enumerate(bars.notes):
        if note:
            top = max((bar.high for bar in bars.bars if bar.group == group), default=0.0)
            x, y = canvas.left + group_width * (group + 0.5), _up(canvas, bars, top) - 7
            parts.append(f'<text class="note" x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{escaped(note)}</text>')
    return "".join([*parts, "</svg>"])


def series_legend(bars: Bars) -> str:
    """Returns the list that says what each colour of the bars means."""
    return colour_legend(looks_of(bars), bars.series)


def colour_legend(looks: Sequence[str], names: Sequence[str]) -> str:
    """Returns the list that says what each colour means, given as its class."""
    keys = (
        f'<li><svg viewBox="0 0 16 16" aria-hidden="true"><rect class="bar {look}" x="1" y="1" '
        f'width="14" height="14"/></svg>{escaped(name)}</li>'
        for look, name in zip(looks, names, strict=True)
    )
    return f'<ul class="legend">{"".join(keys)}</ul>'


def _labels(canvas: Canvas, panel: LinePanel, series: Series, written: list[str]) -> list[str]:
    """Each value beside the end of its line, moved where labels would cover each other, with a lead to it."""
    low, high = canvas.height - canvas.bottom, canvas.top
    kept = thinned(len(panel.lines), int((low - high) / LABEL_GAP) + 1)
    lines = [panel.lines[place] for place in kept]
    ends = [canvas.at(panel, line.corners[-1][0], panel.y.nearest(line.corners[-1][1])) for line in lines]
    edge = canvas.width - canvas.right
    found = []
    for line, (x, y), place in zip(lines, ends, spread([y for _, y in ends], LABEL_GAP, high, low), strict=True):
        look = marks(series)[line.value]
        found.append(f'<path class="lead {look}" d="M{x:.1f} {y:.1f}H{edge:.1f}"/>' if x < edge - 1 else "")
        found.append(f'<path class="value {look}" d="M{edge:.1f} {y:.1f}h5L{edge + 17:.1f} {place:.1f}"/>')
        text = escaped(written[line.value])
        found.append(f'<text class="end" x="{edge + 21:.1f}" y="{place + 5:.1f}">{text}</text>')
    return found


def _bar_axes(canvas: Canvas, bars: Bars, group_width: float) -> str:
    parts = []
    right, floor = canvas.width - canvas.right, canvas.height - canvas.bottom
    for tick, text in zip(bars.y.ticks, bars.y.written, strict=True):
        y = _up(canvas, bars, tick)
        parts.append(f'<path class="grid" d="M{canvas.left:g} {y:.1f}H{right:g}"/>')
        parts.append(tick_text(canvas.left - 8, y + 4, text, anchor="end"))
    centres = [canvas.left + group_width * (place + 0.5) for place in range(len(bars.groups))]
    parts.append(names(centres, floor + 22, bars.groups, group_width))
    return "".join([*parts, titles(canvas, bars.label, bars.y.label)])


def _bar(canvas: Canvas, bars: Bars, bar: Bar, group_width: float) -> str:
    width = FILLED * group_width / len(bars.series)
    x = canvas.left + group_width * (bar.group + 0.5 - FILLED / 2) + width * bar.series
    top, foot = sorted([_up(canvas, bars, bar.value), _up(canvas, bars, 0.0)])
    ends = f" ({shown(bar.low)} to {shown(bar.high)})" if bar.low < bar.high else ""
    group = f"{bars.label} {bars.groups[bar.group]}".lstrip()
    against = "" if bar.against is None else f", baseline {shown(bar.against)}"
    said = f"{bars.series[bar.series]}, {group}: {shown(bar.value)}{ends}{against}"
    look = f"bar {looks_of(bars)[bar.series]}"
    found = (
        f'<rect class="{look}" x="{x + width * 0.04:.1f}" y="{top:.1f}" width="{width * 0.92:.1f}" '
        f'height="{foot - top:.1f}"><title>{escaped(said)}</title></rect>'
    )
    if bar.low < bar.high:
        low, high = _up(canvas, bars, bar.low), _up(canvas, bars, bar.high)
        found += f'<path class="whisker" d="M{x + width / 2:.1f} {low:.1f}V{high:.1f}"/>'
    if bar.against is not None:
        dash = f'd="M{x:.1f} {_up(canvas, bars, bar.against):.1f}h{width:.1f}"'
        found += f'<path class="dash-casing" {dash}/><path class="dash" {dash}/>'
    return found


def _up(canvas: Canvas, bars: Bars, value: float) -> float:
    return (
        canvas.height
        - canvas.bottom
        - bars.y.share(bars.y.nearest(value)) * (canvas.height - canvas.top - canvas.bottom)
    )
