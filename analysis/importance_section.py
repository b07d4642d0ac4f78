"""The sections of a page that say how much each option matters, and what a model of the trials says of it."""

from typing import Final

from analysis.importance import EVALUATORS, Importances, trust
from analysis.importance_bars import NOTE, importance_bars
from analysis.knob_chart import bar_chart, series_legend
from analysis.page_sections import plain_table
from analysis.partial_chart import partial_chart
from analysis.partial_panels import Dependence, dependences, ranked
from analysis.wording import escaped, readable, shown, within
from search_spaces.study import Study

OPEN: Final = 3
"""Options of an objective that are shown at once; the others open."""
PARTIAL_NOTE: Final = (
    "The line is what models of the trials foretell where one option is changed and all others are as they were tried. "
    "The pale band holds four fifths of the trials, each with its own other options; the dark one the models of the "
    "five folds. It is no promise of what a new trial brings."
)


def importance_section(found: Importances) -> str:
    """Returns for each objective how far to trust what follows, the bars, and the numbers as a table."""
    bars = importance_bars(found)
    parts = []
    silent: dict[str, list[str]] = {}
    for one in found.judged:
        silent.setdefault(one.why, []).append(one.metric)
    for place, one in enumerate(found.judged):
        if one.why:
            # What holds for several objectives is said once, at the first of them.
            if alike := silent.pop(one.why, []):
                of = ", ".join([readable(alike[0]), *map(within, alike[1:])])
                parts.append(f"<h3>{escaped(of)}</h3><p>{escaped(trust(one))}</p>")
            continue
        head = f"<h3>{escaped(readable(one.metric))}</h3><p>{escaped(trust(one))}</p>"
        if one.metric in bars:
            drawn = bars[one.metric]
            chart = bar_chart(drawn, f"importance-{place}")
            head += f'<div class="scroll-x" tabindex="0"><figure>{chart}</figure></div>{series_legend(drawn)}'
            head += f"<details><summary>As a table</summary>{_table(found, one.metric)}</details>"
        parts.append(head)
    note = f'<p class="quiet">{escaped(NOTE)}</p>' if bars else ""
    return f'<section aria-label="Importance"><h2>Which options matter</h2>{note}{"".join(parts)}</section>'


def partial_section(found: Importances, study: Study) -> str:
    """Returns the partial dependence of each objective on each option, the one that matters most first."""
    panels = dependences(found, study)
    if not panels:
        return ""
    parts = []
    for row, (objective, shown_panels) in enumerate(panels.items()):
        charts = [_figure(panel, f"partial-{row}-{place}") for place, panel in enumerate(shown_panels)]
        parts.append(f'<h3>{escaped(readable(objective))}</h3><div class="curves">{"".join(charts[:OPEN])}</div>')
        if charts[OPEN:]:
            rest = "".join(charts[OPEN:])
            told = "The other options" if len(charts) > OPEN + 1 else "The other option"
            parts.append(f'<details><summary>{told}</summary><div class="curves">{rest}</div></details>')
    return (
        f'<section aria-label="Partial dependence"><h2>What each option does</h2>'
        f'<p class="quiet">{escaped(PARTIAL_NOTE)}</p>{"".join(parts)}</section>'
    )


def _figure(panel: Dependence, name: str) -> str:
    return f"<figure><figcaption>{escaped(readable(panel.option))}</figcaption>{partial_chart(panel, name)}</figure>"


def _table(found: Importances, objective: str) -> str:
    cells = {(row["option"], row["evaluator"]): row for row in found.table.to_pylist() if row["objective"] == objective}
    heads = '<th scope="col">Option</th>' + "".join(
        f'<th scope="col" class="num">{escaped(title)}</th><th scope="col" class="num">share</th>'
        for title in EVALUATORS.values()
    )
    lines = []
    for option in ranked(found, objective):
        line = f'<tr><th scope="row">{escaped(readable(option))}</th>'
        for evaluator in EVALUATORS:
            row = cells.get((option, evaluator))
            spread = f" ± {row['deviation']:.2g}" if row and row["deviation"] is not None else ""
            value = f"{shown(row['value'])}{spread}" if row else "none"
            share = f"{row['share']:.0%}" if row else ""
            line += f'<td class="num">{escaped(value)}</td><td class="num">{escaped(share)}</td>'
        lines.append(f"{line}</tr>")
    return plain_table("", heads, "".join(lines))
