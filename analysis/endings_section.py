"""The section of a page that shows which trials were stopped when and why, and which failed of what."""

from collections.abc import Sequence
from typing import Final

from analysis.canvas import Canvas, opening, tick_text, titles
from analysis.endings import CALLED, EXAMPLES, OUTCOMES, Endings, Stacks
from analysis.knob_chart import colour_legend
from analysis.page_sections import plain_table
from analysis.wording import escaped, readable, shown

LOOKS: Final = {"complete": "n4", "stopped": "n1", "failed": "n5"}
"""The class that gives each outcome its colour."""


def endings_section(found: Endings) -> str:
    """Returns both overviews, and tables of the epochs after which trials were stopped and of the reasons of failures.

    Where trials were neither stopped nor failed there is only a sentence.
    """
    head = '<section aria-label="Endings"><h2>How trials ended</h2>'
    if not found.ended:
        return f"{head}<p>No trial has ended yet.</p></section>"
    told = f'<p class="quiet">{escaped(found.rule)}</p>'
    if not found.rungs and not found.failures:
        return f"{head}{told}<p>All {found.ended:,} trials that ended spent their epochs.</p></section>"
    figures = "".join(
        f"<figure><figcaption>{escaped(stacks.title)}</figcaption>{_chart(stacks, f'endings-{place}')}</figure>"
        for place, stacks in enumerate((found.by_epoch, found.over_search))
    )
    legend = colour_legend([LOOKS[one] for one in found.outcomes], [CALLED[one] for one in found.outcomes])
    return f'{head}{told}<div class="groups">{figures}</div>{legend}{_stopped(found)}{_failed(found)}</section>'


def _chart(stacks: Stacks, name: str) -> str:
    canvas = Canvas(620, 300, left=70)
    width = (canvas.width - canvas.left - canvas.right) / len(stacks.groups)
    floor = canvas.height - canvas.bottom
    tall = floor - canvas.top
    parts = [opening(canvas, stacks.title, name)]
    for tick, text in zip(stacks.y.ticks, stacks.y.written, strict=True):
        y = floor - stacks.y.share(tick) * tall
        parts.append(f'<path class="grid" d="M{canvas.left:g} {y:.1f}H{canvas.width - canvas.right:g}"/>')
        parts.append(tick_text(canvas.left - 8, y + 4, text, anchor="end"))
    for place, group in enumerate(stacks.groups):
        foot = 0.0
        for outcome, count in zip(OUTCOMES, group.counts, strict=True):
            if count:
                top = stacks.y.share(foot + count) * tall
                height = top - stacks.y.share(foot) * tall
                said = f"{stacks.label} {group.written}: {count:,} {CALLED[outcome]}"
                parts.append(
                    f'<rect class="bar {LOOKS[outcome]}" x="{canvas.left + width * (place + 0.06):.1f}" '
                    f'y="{floor - top:.1f}" width="{width * 0.88:.1f}" height="{height:.1f}">'
                    f"<title>{escaped(said)}</title></rect>"
                )
                foot += count
    parts += [tick_text(canvas.left + width * place, floor + 22, str(number)) for place, number in stacks.marks]
    return "".join([*parts, titles(canvas, stacks.label, stacks.y.label), "</svg>"])


def _stopped(found: Endings) -> str:
    if not found.rungs:
        return ""
    metrics = list(dict.fromkeys(name for rung in found.rungs for name in rung.medians))
    heads = '<th scope="col">After epoch</th>' + "".join(
        f'<th scope="col" class="num">{text}</th>' for text in ("Trials came", "Stopped")
    )
    heads += "".join(
        f'<th scope="col" class="num">{escaped(readable(name))}, {whose}</th>'
        for name in metrics
        for whose in ("went on", "stopped")
    )
    heads += '<th scope="col">Stopped trials</th>'
    lines = []
    for rung in found.rungs:
        cells = [f"{rung.came:,}", f"{len(rung.stopped):,}"]
        cells += [shown(value) for name in metrics for value in rung.medians.get(name, (None, None))]
        numbers = "".join(f'<td class="num">{escaped(cell)}</td>' for cell in cells)
        lines.append(f'<tr><th scope="row">{rung.epoch}</th>{numbers}<td class="text">{linked(rung.stopped)}</td></tr>')
    note = "Medians of the scores at that epoch: of the trials that went on, and of those that were stopped."
    return f'<h3>Stopped early</h3><p class="quiet">{note}</p>{plain_table("", heads, "".join(lines))}'


def _failed(found: Endings) -> str:
    if not found.failures:
        return ""
    heads = '<th scope="col">Code</th><th scope="col">Reason</th>'
    heads += '<th scope="col" class="num">Trials</th><th scope="col" class="num">After epoch</th>'
    heads += '<th scope="col">Which</th>'
    lines = []
    for one in found.failures:
        low, high = one.epochs
        when = str(low) if low == high else f"{low} to {high}"
        lines.append(
            f'<tr><th scope="row"><code>{escaped(one.code)}</code></th><td class="text">{escaped(one.reason)}</td>'
            f'<td class="num">{len(one.trials):,}</td><td class="num">{when}</td>'
            f'<td class="text">{linked(one.trials)}</td></tr>'
        )
    note = "Failures that differ in numbers alone stand in one line, each number as #."
    return f'<h3>Failed by reason</h3><p class="quiet">{note}</p>{plain_table("", heads, "".join(lines))}'


def linked(numbers: Sequence[int]) -> str:
    """Returns the first trials as links to their rows, and how many more there are."""
    found = ", ".join(f'<a href="#trial-{number}">{number}</a>' for number in numbers[:EXAMPLES])
    left = len(numbers) - EXAMPLES
    return f"{found} and {left:,} more" if left > 0 else found
