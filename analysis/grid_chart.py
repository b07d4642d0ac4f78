"""Draws heat maps as SVG for a page: no number is computed here beyond its place on the canvas."""

from typing import Final

from analysis.canvas import axis_title, names, room_for_names, tick_text
from analysis.colours import heat, ink_on
from analysis.heat_maps import Cell, HeatMap
from analysis.wording import escaped, within

WIDTH: Final = 560.0
CELL: Final = (62.0, 44.0)  # at least; holds "0.9025" and "no trial"
TOP: Final = 6.0
BOTTOM: Final = 62.0
RIGHT: Final = 8.0
LETTER: Final = 9.4
TICK_MOST: Final = 14
LABEL_MOST: Final = 28


def grid_chart(drawn: HeatMap) -> str:
    """Returns the SVG of a heat map; a cell with a trial is a link to the trial's row and says its score."""
    left = 44 + LETTER * min(TICK_MOST, max(len(text) for text in drawn.y.written))
    across, up = len(drawn.x.values), len(drawn.y.values)
    wide = max(CELL[0], (WIDTH - left - RIGHT) / across)
    bottom = BOTTOM + room_for_names(drawn.x.written, wide)
    high = max(CELL[1], LETTER * min(len(drawn.y.label), LABEL_MOST) / up)
    width, height = left + wide * across + RIGHT, TOP + high * up + bottom
    parts = [f'<svg viewBox="0 0 {width:g} {height:g}" role="group" aria-label="{escaped(drawn.title)}">']
    centres = [left + wide * (place + 0.5) for place in range(across)]
    parts.append(names(centres, height - bottom + 22, drawn.x.written, wide))
    for place, text in enumerate(drawn.y.written):
        parts.append(tick_text(left - 9, height - bottom - high * (place + 0.5) + 5, text, TICK_MOST, "end"))
    parts.append(axis_title(f'x="{left + wide * across / 2:g}" y="{height - 12:g}"', drawn.x.label))
    middle = f'transform="translate(18 {TOP + high * up / 2:g}) rotate(-90)"'
    parts.append(axis_title(middle, drawn.y.label, int(high * up / LETTER + 1e-9)))
    tried = [cell for cell in drawn.cells if cell.trial is not None]
    first = max(tried, key=lambda cell: cell.best, default=None)
    for cell in sorted(drawn.cells, key=lambda cell: cell.best):
        corner = (left + wide * cell.across, height - bottom - high * (cell.up + 1))
        parts.append(_cell(drawn, cell, corner, (wide, high), cell is first))
    return "".join([*parts, "</svg>"])


def _cell(drawn: HeatMap, cell: Cell, corner: tuple[float, float], size: tuple[float, float], first: bool) -> str:
    """One cell; the first of them that the keyboard reaches is the best one."""
    if cell.state == "outside":
        return ""
    (x, y), (wide, high) = corner, size
    box = f'x="{x + 1:.1f}" y="{y + 1:.1f}" width="{wide - 2:.1f}" height="{high - 2:.1f}"'
    colour = f' fill="{heat(cell.share)}"' if cell.share is not None else ""
    ink = " pale" if cell.share is not None and ink_on(heat(cell.share)) == "#ffffff" else ""
    look = "filled" if cell.share is not None else cell.state
    words = (
        f'<rect class="{look}" {box}{colour}/><text class="inside{ink}" x="{x + wide / 2:.1f}" '
        f'y="{y + high / 2 + 5:.1f}" text-anchor="middle">{escaped(cell.written)}</text>'
    )
    said = escaped(_said(drawn, cell))
    if cell.trial is None:
        return f'<g class="cell" role="img" aria-label="{said}">{words}</g>'
    outline = f'<rect class="casing" {box}/><rect class="outline" {box}/>' if cell.best else ""
    return (
        f'<a class="cell point" href="#trial-{cell.trial}" data-trial="{cell.trial}" tabindex="{0 if first else -1}" '
        f'aria-label="{said}">{words}{outline}<rect class="target" {box}/></a>'
    )


def _said(drawn: HeatMap, cell: Cell) -> str:
    place = ", ".join(f"{knob.label} {knob.written[at]}" for knob, at in ((drawn.y, cell.up), (drawn.x, cell.across)))
    score = f"{within(drawn.metric)} {cell.written}" if cell.share is not None else cell.written
    return f"{place}: {score}{', best' if cell.best else ''}"
