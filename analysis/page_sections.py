"""The sections of a page that show a grid, a knob, and the accuracies on sets that the search never saw."""

from collections.abc import Sequence
from typing import Final

from analysis.bars import Bars
from analysis.grid_chart import grid_chart
from analysis.heat_maps import HeatMap, best_legend
from analysis.knob_chart import bar_chart, line_chart, series_legend
from analysis.sweep import Column, Sweep
from analysis.wording import escaped, remark, shown, within
from search_spaces.study import Study

WIDE: Final = 6
"""Columns of cells beyond which a heat map is not squeezed into a phone's width but scrolls."""


def grid_section(maps: Sequence[HeatMap], study: Study) -> str:
    """Returns the heat maps, the outlined cells explained, and the same as tables."""
    if not maps:
        return ""
    one = maps[0]
    look = ' class="scroll-x" tabindex="0"' if len(one.x.values) > WIDE else ""
    figures = "".join(
        f"<figure><figcaption>{escaped(drawn.title)}</figcaption><div{look}>{grid_chart(drawn)}</div>"
        f'<div class="tip" id="tip-map-{place}" role="tooltip" hidden></div></figure>'
        for place, drawn in enumerate(maps)
    )
    key = '<svg viewBox="0 0 16 16" aria-hidden="true"><rect class="outline" x="2" y="3" width="12" height="10"/></svg>'
    note = "Point at a cell, or reach it with Tab and the arrow keys, to see the trial's options and scores."
    tables = "".join(_map_table(drawn) for drawn in maps)
    return (
        f'<section aria-label="Grid"><h2>{escaped(one.y.label)} by {escaped(within(one.x.name))}</h2>'
        f'<p class="quiet">{note}</p><div class="maps">{figures}</div><ul class="legend"><li>{key}'
        f"{escaped(best_legend(study))}</li></ul><details><summary>As tables</summary>{tables}</details></section>"
    )


def knob_section(drawn: Sweep | None) -> str:
    """Returns lines and bars of each arm, and the scores of the last epoch as a table."""
    if drawn is None:
        return ""
    arms = "".join(_arm(column, drawn, place) for place, column in enumerate(drawn.columns))
    tables = "".join(_bars_table(column.bars, column.bars.label) for column in drawn.columns)
    summary = "As tables" if len(drawn.columns) > 1 else "As a table"
    return (
        f'<section aria-label="Knob"><h2>What {escaped(within(drawn.knob.name))} does</h2>{arms}'
        f"<details><summary>{summary}</summary>{tables}</details></section>"
    )


def evaluation_section(bars: Bars | None) -> str:
    """Returns the accuracies by set as bars and as a table."""
    if bars is None:
        return ""
    note = (
        "Hold-out, out-of-distribution and test images had no part in the search; it picked these trials by others, "
        "which flatter them. Whiskers are 95 % intervals for as many images, and say nothing of other seeds."
    )
    return _scores_section("Accuracy by set", note, bars)


def miou_section(bars: Bars | None) -> str:
    """Returns the mean IoU by set, without noise and under it, as bars and as a table."""
    if bars is None:
        return ""
    note = (
        "Hold-out and test images had no part in the search; it picked these trials by validation images, which "
        "flatter them. Whiskers are one standard deviation over draws of noise, and say nothing of other seeds."
    )
    return _scores_section("Mean IoU by set", note, bars)


def _scores_section(title: str, note: str, bars: Bars) -> str:
    return (
        f'<section aria-label="Evaluation"><h2>{title}</h2><p class="quiet">{note}</p>'
        f'<div class="scroll-x" tabindex="0"><figure>{bar_chart(bars, "evaluation")}</figure></div>'
        f"{series_legend(bars)}<details><summary>As a table</summary>{_bars_table(bars, bars.label)}</details>"
        "</section>"
    )


def _arm(column: Column, drawn: Sweep, place: int) -> str:
    head = f"<h3>{escaped(column.title)}</h3>" if column.title else ""
    lines = "".join(
        f"<figure><figcaption>{escaped(panel.title)}</figcaption>"
        f"{line_chart(panel, drawn.knob, f'knob-{place}-{row}')}{remark(panel.note)}</figure>"
        for row, panel in enumerate(column.panels)
    )
    bars = bar_chart(column.bars, f"bars-{place}")
    return (
        f'{head}<div class="curves">{lines}</div><div class="scroll-x" tabindex="0"><figure>{bars}</figure></div>'
        f"{series_legend(column.bars)}"
    )


def _map_table(drawn: HeatMap) -> str:
    cells = {(cell.up, cell.across): cell.written + (" (best)" if cell.best else "") for cell in drawn.cells}
    heads = "".join(f'<th scope="col" class="num">{escaped(text)}</th>' for text in drawn.x.written)
    lines = "".join(
        f'<tr><th scope="row">{escaped(text)}</th>'
        + "".join(f'<td class="num">{escaped(cells[up, across])}</td>' for across in range(len(drawn.x.values)))
        + "</tr>"
        for up, text in enumerate(drawn.y.written)
    )
    corner = f'<th scope="col">{escaped(drawn.y.label)} \\ {escaped(within(drawn.x.name))}</th>'
    return plain_table(drawn.title, corner + heads, lines)


def _bars_table(bars: Bars, corner: str) -> str:
    found = {(bar.group, bar.series): bar for bar in bars.bars}
    lines = []
    for group, text in enumerate(bars.groups):
        cells = []
        for series in range(len(bars.series)):
            bar = found.get((group, series))
            ends = f" ({shown(bar.low)} to {shown(bar.high)})" if bar and bar.low < bar.high else ""
            cells.append(f'<td class="num">{shown(bar.value) + ends if bar else ""}</td>')
        note = f" ({escaped(bars.notes[group])})" if bars.notes[group] else ""
        lines.append(f'<tr><th scope="row">{escaped(text)}{note}</th>{"".join(cells)}</tr>')
    heads = "".join(f'<th scope="col" class="num">{escaped(name)}</th>' for name in bars.series)
    return plain_table(bars.title, f'<th scope="col">{escaped(corner)}</th>{heads}', "".join(lines))


def plain_table(caption: str, heads: str, lines: str) -> str:
    """Returns a table that cannot be sorted, of heads and lines as HTML; it scrolls where it is wide."""
    said = f"<caption>{escaped(caption)}</caption>" if caption else ""
    return (
        f'<div class="scroll" tabindex="0"><table>{said}<thead><tr>{heads}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )
