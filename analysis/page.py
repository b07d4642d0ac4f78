"""One HTML file that shows a study: it needs no network, runs no code but its own, and shows every name as it is.

Front, curves and numbers stand in it as HTML and SVG. Its script adds what needs one: pointing, and tables that sort,
filter and turn pages, over the trials that stand in it as JSON.
"""

from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from analysis.chart import curve_chart, front_chart
from analysis.curves import by_epoch
from analysis.ending import End
from analysis.envelope import enveloped
from analysis.front import hypervolume, scores
from analysis.links import Links, link_column, safe_address
from analysis.page_contents import with_contents
from analysis.page_notes import notes
from analysis.page_parts import SCRIPT, STYLE
from analysis.page_record import record_block, shown_names
from analysis.panels import Kind, kind_name, panels
from analysis.table import columns, named_columns, table
from analysis.wording import escaped, remark, shown, within
from search_spaces.extent import trial_limit
from search_spaces.study import Study

__all__ = ["MARKS", "STATIC", "Links", "render", "safe_address"]

STATIC: Final = 50
"""Rows of long tables that a page without its script shows."""
_HINT: Final = (
    '<p class="quiet scripted">Filter by words that stand in a row, or hold a column to a value: '
    "<code>augmix</code>, <code>clean_accuracy&gt;0.9</code>, <code>state=failed</code>; several must all hold. "
    "A download holds the rows that are left.</p>"
)
_DOT: Final = '<circle class="dot" cx="8" cy="8" r="5.5"/>'
MARKS: Final[tuple[tuple[Kind, str], ...]] = (
    ("front", _DOT),
    ("complete", _DOT),
    ("infeasible", '<path class="dot" d="M4 4l8 8m0 -8l-8 8"/>'),
    ("stopped", _DOT),
)


def render(
    trials: pa.Table,
    epochs: pa.Table,
    front: pa.Table,
    study: Study,
    links: Links | None = None,
    sections: Sequence[str] = (),
    later: Sequence[str] = (),
    end: End | None = None,
) -> str:
    """Returns the page of a study as HTML.

    Args:
        trials: as `analysis.records.trials` gives them.
        epochs: as `analysis.records.epochs` gives them.
        front: as `analysis.front.front` gives it.
        study: whose objectives and options are shown.
        links: for a trial's number, what leads on from it: a title, and an http(s) address or a path, which becomes a
            link where it is relative to the page's folder and has no `..`.
        sections: HTML that comes first, as `analysis.page_sections` makes it.
        later: HTML that comes after front and curves.
        end: what ended the search.
    """
    head = _head_of_page(trials, front, study, end)
    body = [
        *sections,
        _fronts(trials, front, study),
        _front_table(front, study, links or {}),
        _curves(epochs, front, study),
        *later,
        _all_trials(trials, front, study, links or {}),
        _source(study),
        record_block(trials, front, study, links or {}),
    ]
    head += "".join(remark(text) for text in notes(trials, front, study))
    return enveloped(f"{study.name}: report", with_contents(head, body), STYLE, SCRIPT)


def _head_of_page(trials: pa.Table, front: pa.Table, study: Study, end: End | None) -> str:
    states = trials["state"].to_pylist()
    known = {
        "Trials": f"{len(states) - states.count('running')} of {trial_limit(study)}",
        "Complete": states.count("complete"),
        "Stopped early": states.count("stopped"),
        "Failed": states.count("failed"),
        **_reached(front, study),
        "Epochs": study.budget.epochs,
        "Trainer": study.trainer,
        "Data": study.data,
        "Sampler": study.sampler.name,
        "Seed": study.seed,
    }
    facts = "".join(f"<div><dt>{name}</dt><dd>{escaped(value)}</dd></div>" for name, value in known.items())
    description = f"<p>{escaped(study.description)}</p>" if study.description else ""
    told = f"<p>The search ended: {escaped(end.words)}.</p>" if end else ""
    return f'<h1>{escaped(study.name)}</h1>{description}<dl class="facts">{facts}</dl>{told}'


def _reached(front: pa.Table, study: Study) -> dict[str, object]:
    """How far the search got; a hypervolume over one objective would say no more than its best score."""
    if len(study.objectives) > 1:
        volume = hypervolume(scores(front, study), study.objectives)
        return {"On the front": front.num_rows, "Hypervolume": shown(volume)}
    metric = study.objectives[0].metric
    best = front[f"metrics.{metric}"].to_pylist()
    return {f"Best {within(metric)}": shown(best[0]) if best else "none yet"}


def _fronts(trials: pa.Table, front: pa.Table, study: Study) -> str:
    drawn = panels(trials, front, study)
    there = {point.kind for panel in drawn for point in panel.points}
    figures = []
    for place, panel in enumerate(drawn):
        lie = "trial lies" if panel.beyond == 1 else "trials lie"
        beyond = f'<p class="quiet">{panel.beyond} more {lie} beyond these axes.</p>' if panel.beyond else ""
        chart = front_chart(panel, f"front-{place}", study)
        figures.append(
            f'<figure>{chart}<div class="tip" id="tip-{place}" role="tooltip" hidden></div>{beyond}</figure>'
        )
    keys = "".join(
        f'<li><svg viewBox="0 0 16 16" aria-hidden="true" class="{kind}">{mark}</svg>{kind_name(kind, study)}</li>'
        for kind, mark in MARKS
        if kind in there
    )
    if any(axis.reference is not None for panel in drawn for axis in (panel.x, panel.y)):
        keys += (
            '<li><svg viewBox="0 0 16 16" aria-hidden="true"><path class="reference" d="M0 8H16"/></svg>reference</li>'
        )
    several = " several" if len(drawn) > 1 else ""
    title = "Front" if len(study.objectives) > 1 else "Best so far"
    note = "Point at a trial, or reach it with Tab and the arrow keys, to see its options and scores."
    return (
        f'<section aria-label="{title}"><h2>{title}</h2><p class="quiet">{note}</p><div class="fronts{several}">'
        f'{"".join(figures)}</div><ul class="legend">{keys}</ul>{remark(_not_compared(trials, study))}</section>'
    )


def _not_compared(trials: pa.Table, study: Study) -> str:
    """How many stopped trials have no point, since their last epoch was measured in another way than the study's is."""
    columns = [trials[f"metrics.{one.metric}"].to_pylist() for one in study.objectives]
    stopped = [state == "stopped" for state in trials["state"].to_pylist()]
    count = sum(ended and None in scored for ended, *scored in zip(stopped, *columns, strict=True))
    what = "1 trial was" if count == 1 else f"{count} trials were"
    return (
        f"{what} stopped before {'its' if count == 1 else 'their'} scores could be compared with full ones"
        if count
        else ""
    )


def _curves(epochs: pa.Table, front: pa.Table, study: Study) -> str:
    drawn = by_epoch(epochs, front, study)
    figures = [
        f"<figure><figcaption>{escaped(curves.title)}</figcaption>{curve_chart(curves, f'curves-{place}')}"
        f"{remark(curves.note)}</figure>"
        for place, curves in enumerate(drawn)
    ]
    return f'<section><h2>On the way</h2><div class="curves">{"".join(figures)}</div></section>' if drawn else ""


def _front_table(front: pa.Table, study: Study, links: Links) -> str:
    if not front.num_rows:
        what = "there is no front yet" if len(study.objectives) > 1 else "none is the best yet"
        return f"<p>No trial has completed within the constraints, so {what}.</p>"
    shown_columns = [*columns(front, study, ("number",)), link_column(front["number"].to_pylist(), links)]
    title = (
        "Trials on the front" if len(study.objectives) > 1 else "Best trials" if front.num_rows > 1 else "Best trial"
    )
    return f"<section><h2>{title}</h2>{table(shown_columns, front)}</section>"


def _all_trials(trials: pa.Table, front: pa.Table, study: Study, links: Links) -> str:
    """The first rows, as they are without a script; with it the table holds any page of all of them."""
    if not trials.num_rows:
        return ""
    first = trials.slice(0, STATIC)
    told = named_columns(first, shown_names(trials, study))
    if any(links.get(number) for number in trials["number"].to_pylist()):
        told.append(link_column(first["number"].to_pylist(), links))
    best = frozenset(front["number"].to_pylist())
    whole = table(told, first, name="all", best=best, every=True)
    return f'<section aria-label="All trials"><h2>All trials</h2>{_cut(trials)}{_HINT}{whole}</section>'


def _cut(trials: pa.Table) -> str:
    """What a reader without the script must know."""
    if trials.num_rows <= STATIC:
        return ""
    note = f"The first {STATIC} of {trials.num_rows:,} trials; all of them stand in trials.parquet beside this page."
    return f'<noscript><p class="quiet">{note}</p></noscript>'


def _source(study: Study) -> str:
    if not study.source:
        return ""
    lines = "\n".join(escaped(line.expandtabs(4)) for line in study.source.splitlines())
    return f"<section><h2>Study file</h2><details><summary>Show it</summary><pre>{lines}</pre></details></section>"
