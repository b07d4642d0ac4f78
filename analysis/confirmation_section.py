"""The section of a page that shows promise beside confirmation."""

from collections.abc import Sequence
from typing import Final

from analysis.canvas import LETTER, tick_text
from analysis.confirmation import Confirmation, Failures
from analysis.confirmation_panels import STANDINGS, Confirmed, Forest, forests, told
from analysis.confirmation_plane_chart import LOOKS, plane_chart
from analysis.confirmation_planes import planes
from analysis.page_sections import plain_table
from analysis.wording import escaped, readable, shown
from search_spaces.study import Study

NOTE: Final = (
    "Hollow: the score that the search saw. Full: the mean over fresh seeds on images that no search saw, with its "
    "95 % interval. What the search saw was measured on validation images, and was picked since it was good."
)
WIDTH: Final = 560.0
ROW: Final = 22.0
EDGES: Final = "".join(
    f'<li><svg viewBox="0 0 16 16" aria-hidden="true"><path class="{look}" d="M0 8H16"/></svg>{text}</li>'
    for look, text in (("reference", "searched front"), ("edge pale", "confirmed front"))
)
FAILURES: Final = 20
"""Trials with failed nets that have a sentence."""


def confirmation_section(found: Confirmation | None, study: Study, failed: Sequence[Failures] = ()) -> str:
    """Returns what was confirmed in sentences, a chart for each objective, and the points as a table; "" for None.

    Args:
        found: what there is.
        study: that was confirmed.
        failed: of each trial that lacks nets, what `analysis.confirmation.recorded_failures` says.
    """
    if found is None:
        return ""
    head = '<section aria-label="Confirmation"><h2>Promise and confirmation</h2>'
    if not found.points.num_rows:
        return f"{head}<p>No net of the confirmation was trained yet.</p></section>"
    figures = "".join(
        f"<figure><figcaption>{escaped(readable(forest.metric))}</figcaption>{_chart(forest)}</figure>"
        for forest in forests(found, study)
        if forest.points
    )
    keys = "".join(
        f'<li><svg viewBox="0 0 16 16" aria-hidden="true" class="{LOOKS[standing]}">{_mark(8, 8)}</svg>{text}</li>'
        for standing, text in STANDINGS.items()
    )
    sentences = "".join(f"<p>{escaped(text)}</p>" for text in (*told(found, study), *_failed(failed)))
    if len(study.objectives) == 2:
        keys += EDGES
    return (
        f'{head}{sentences}<p class="quiet">{escaped(NOTE)}</p>{_planes(found, study)}'
        f'<div class="groups confirmation">{figures}</div>'
        f'<ul class="legend confirmation">{keys}</ul><details><summary>As a table</summary>{_table(found, study)}'
        "</details></section>"
    )


def _planes(found: Confirmation, study: Study) -> str:
    drawn = [plane_chart(plane, f"confirmed-{place}") for place, plane in enumerate(planes(found, study))]
    several = " several" if len(drawn) > 1 else ""
    figures = "".join(f"<figure>{chart}</figure>" for chart in drawn)
    return f'<div class="planes confirmation{several}">{figures}</div>' if drawn else ""


def _failed(failed: Sequence[Failures]) -> list[str]:
    told = [one.words for one in failed[:FAILURES]]
    left = len(failed) - FAILURES
    return [*told, f"Nets of {left} more trials failed; confirmation/nets.parquet names them."] if left > 0 else told


def _chart(forest: Forest) -> str:
    left = 24 + LETTER * max(len(str(one.trial)) for one in forest.points)
    top, height = 8.0, ROW * len(forest.points)
    total = top + height + 52
    parts = [
        f'<svg viewBox="0 0 {WIDTH:g} {total:g}" role="group" aria-label="{escaped(readable(forest.metric))}: '
        'promise and confirmation">'
    ]
    for tick, text in zip(forest.x.ticks, forest.x.written, strict=True):
        x = _x(forest, tick, left)
        parts.append(f'<path class="grid" d="M{x:.1f} {top:g}v{height:g}"/>')
        parts.append(tick_text(x, top + height + 19, text))
    for place, one in enumerate(forest.points):
        y = top + ROW * (place + 0.5)
        parts.append(f'<a class="{LOOKS[one.standing]}" href="#trial-{one.trial}" aria-label="{escaped(_said(one))}">')
        parts.append(tick_text(left - 10, y + 4, str(one.trial), anchor="end"))
        low, high = _x(forest, one.low, left), _x(forest, one.high, left)
        if high > low:
            parts.append(f'<path class="whisker" d="M{low:.1f} {y:.1f}H{high:.1f}"/>')
        if one.promised is not None:
            at = _x(forest, one.promised, left)
            parts.append(f'<circle class="promise" cx="{at:.1f}" cy="{y:.1f}" r="4.5"/>')
        parts.append(f"{_mark(_x(forest, one.mean, left), y)}<title>{escaped(_said(one))}</title></a>")
    middle = (left + WIDTH - 18) / 2
    parts.append(f'<text class="axis" x="{middle:g}" y="{total - 8:g}" text-anchor="middle">')
    return "".join([*parts, f"{escaped(forest.x.label)}</text></svg>"])


def _x(forest: Forest, value: float, left: float) -> float:
    return left + forest.x.share(forest.x.nearest(value)) * (WIDTH - 18 - left)


def _mark(x: float, y: float) -> str:
    return f'<circle class="mean" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>'


def _said(one: Confirmed) -> str:
    promised = "no score" if one.promised is None else shown(one.promised)
    ends = f" ({shown(one.low)} to {shown(one.high)})" if one.low < one.high else ""
    return f"Trial {one.trial}, {STANDINGS[one.standing]}: promised {promised}, confirmed {shown(one.mean)}{ends}"


def _table(found: Confirmation, study: Study) -> str:
    names = [one.metric for one in study.objectives]
    heads = '<th scope="col">Trial</th><th scope="col" class="num">Seeds</th>' + "".join(
        f'<th scope="col" class="num">{escaped(readable(name))}, promised</th>'
        f'<th scope="col" class="num">confirmed</th><th scope="col" class="num">95 % interval</th>'
        for name in names
    )
    heads += '<th scope="col" class="num">Probability of the front</th><th scope="col">Stands</th>'
    lines = []
    for row in found.points.to_pylist():
        cells = [str(row["seeds"])]
        for name in names:
            ends = f"{shown(row[f'low.{name}'])} to {shown(row[f'high.{name}'])}"
            cells += [shown(row[f"promised.{name}"]), shown(row[f"mean.{name}"]), ends]
        cells.append(f"{row['probability']:.0%}" if row["probability"] is not None else "")
        stands = STANDINGS["confirmed" if row["confirmed"] else "fell" if row["fell"] else "other"]
        numbers = "".join(f'<td class="num">{escaped(cell)}</td>' for cell in cells)
        trial = f'<th scope="row"><a href="#trial-{row["trial"]}">{row["trial"]}</a></th>'
        lines.append(f"<tr>{trial}{numbers}<td>{stands}</td></tr>")
    return plain_table("", heads, "".join(lines))
