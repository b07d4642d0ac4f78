"""The page of a comparison: one HTML file that needs no network, runs no code but its own, and shows names as text."""

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa

from analysis.comparison import Comparison, points_table, volumes_table
from analysis.comparison_chart import difference_chart, fronts_chart, legend, surfaces_chart, volumes_chart
from analysis.comparison_notes import difference_rows
from analysis.comparison_panels import difference_panels, fronts_panels, surfaces_panels, volumes_panel
from analysis.comparison_words import chance, listed, sentences, verdicts
from analysis.envelope import enveloped
from analysis.page_parts import SCRIPT, STYLE
from analysis.table import Column, listing, numbers
from analysis.wording import GOALS, aligned, escaped, readable, remark, shown

_VOLUMES: Final = (("Hypervolume", "hypervolume"), ("Method's mean", "mean"), ("95 % from", "low"), ("to", "high"))
_HINT: Final = "Point at a mark, or reach it with Tab and the arrow keys, to see which trial it is."
_COUNTS: Final = (("On the front", "front"), ("Trials", "trials"), ("Epochs", "epochs"))
_STYLE: Final = """
.verdict{max-width:76ch;margin:18px 0 6px}
.verdict p:first-child{font-size:1.12rem;line-height:1.45}
.shape{fill:var(--mark);stroke:var(--paper);stroke-width:1.2}
.mark{outline:none}
.mark:focus-visible .target,.mark.on .target{stroke:var(--ink);stroke-width:2}
.more{fill:var(--mark);shape-rendering:crispEdges}
.legend svg.key{width:34px}
.said{min-height:3em;margin:2px 0 0;font-size:.9rem;color:var(--quiet)}
.volumes{max-width:860px}
.fronts .value,.several .value{stroke-width:1.6}
td.text{min-width:0}
@media (max-width:640px){.shape{transform-box:fill-box;transform-origin:center;scale:1.7}}
"""
_SCRIPT: Final = """
(() => {
  for (const figure of document.querySelectorAll('.marked figure')) {
    const said = figure.querySelector('.said');
    if (!said) continue;
    const hint = said.textContent;
    let told = null;
    const marks = [...figure.querySelectorAll('.mark')];
    const centre = mark => mark.querySelector('.target').getBoundingClientRect().x;
    const order = [...marks].sort((one, other) => centre(one) - centre(other));
    const show = mark => {
      for (const other of marks) other.classList.toggle('on', other === mark);
      said.textContent = mark ? mark.dataset.said : hint;
    };
    order.forEach((mark, place) => {
      mark.tabIndex = place ? -1 : 0;
      mark.addEventListener('pointerenter', () => show(mark));
      mark.addEventListener('pointerleave', () => { if (document.activeElement !== mark) show(null); });
      mark.addEventListener('focus', () => {
        for (const other of marks) other.tabIndex = other === mark ? 0 : -1;
        show(mark);
      });
      mark.addEventListener('blur', () => show(null));
      mark.addEventListener('click', event => {
        const again = told === mark;
        told = mark;
        if (event.pointerType !== 'touch' || again) return;
        event.preventDefault();
        mark.focus();
        show(mark);
      });
      mark.addEventListener('keydown', event => {
        const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
        if (event.key === 'Escape') show(null);
        if (!step) return;
        event.preventDefault();
        order[(place + step + order.length) % order.length].focus();
      });
    });
  }
})();
"""


def render(compared: Comparison) -> str:
    """Returns the page as HTML."""
    title = listed([one.name for one in compared.methods])
    body = [
        f"<h1>{escaped(title)}</h1>",
        f'<div class="verdict">{"".join(f"<p>{escaped(line)}</p>" for line in sentences(compared))}</div>',
        *(f'<p class="quiet">{escaped(note[:1].upper() + note[1:])}.</p>' for note in compared.notes),
        _objectives(compared),
        _volumes(compared),
        _fronts(compared),
        _surfaces(compared),
        _differences(compared),
        _pairs(compared),
        _contents(compared),
        _points(compared),
    ]
    return enveloped(f"{title}: comparison", body, STYLE + _STYLE, SCRIPT + _SCRIPT)


def _objectives(compared: Comparison) -> str:
    told = "".join(
        f"<div><dt>{escaped(readable(one.metric))}</dt>"
        f"<dd>{escaped(GOALS[one.goal])}, reference {escaped(shown(one.reference))}</dd></div>"
        for one in compared.objectives
    )
    return f'<dl class="facts">{told}</dl>'


def _volumes(compared: Comparison) -> str:
    table = volumes_table(compared)
    over = {"seeds": "over seeds", "trials": "over trials: one seed"}
    columns = [
        *(_texts(title, table, name) for title, name in _called(table)),
        numbers("Seed", table["seed"].to_pylist()),
        *(_aligned(title, table[name].to_pylist()) for title, name in _VOLUMES),
        Column("Interval", [over[one] for one in table["resampled"].to_pylist()]),
        *(numbers(title, table[name].to_pylist()) for title, name in _COUNTS),
    ]
    note = "bar: 95 % interval of the mean; upright line: the mean; mark: one search"
    return (
        '<section aria-label="Hypervolume"><h2>Hypervolume</h2><div class="volumes">'
        f"<figure>{volumes_chart(volumes_panel(compared), compared, 'volumes')}</figure></div>"
        f"{remark(note)}{listing(columns)}</section>"
    )


def _fronts(compared: Comparison) -> str:
    told = [_said(row, compared) for row in points_table(compared).to_pylist()]
    several = len(compared.objectives) > 1
    hint = f'<p class="said" aria-live="polite">{_HINT}</p>' if several else ""
    panels = fronts_panels(compared)
    figures = "".join(
        f"<figure>{fronts_chart(panel, told, f'fronts-{place}')}{hint}</figure>" for place, panel in enumerate(panels)
    )
    title = "Fronts over each other" if several else "Best so far"
    look = "fronts several" if len(panels) > 1 else "fronts"
    return (
        f'<section aria-label="{title}"><h2>{title}</h2><div class="{look} marked">{figures}</div>'
        f"{legend(compared.methods)}</section>"
    )


def _surfaces(compared: Comparison) -> str:
    panels = surfaces_panels(compared.methods)
    if not panels:
        return ""
    figures = "".join(
        f"<figure>{surfaces_chart(panel, f'surfaces-{place}')}</figure>" for place, panel in enumerate(panels)
    )
    one = len(compared.objectives) == 1
    note = (
        "how many of a method's searches attain a score"
        if one
        else "line: what at least half of a method's searches attain; band: from what one to what all of them attain"
    )
    return (
        '<section aria-label="Attainment"><h2>Attained over seeds</h2>'
        f'{remark(note)}<div class="fronts{" several" if len(panels) > 1 else ""}">{figures}</div>'
        f"{legend(compared.methods)}</section>"
    )


def _differences(compared: Comparison) -> str:
    panels = difference_panels(compared)
    if not panels:
        return ""
    figures = []
    for place, panel in enumerate(panels):
        names = [compared.methods[method].name for method in (panel.one, panel.other)]
        figures.append(
            f"<figure><figcaption>{escaped(names[0])} against {escaped(names[1])}</figcaption>"
            f"{difference_chart(panel, f'difference-{place}')}</figure>"
        )
    note = (
        "coloured where more of one method's searches attain a trade-off than of the other's, in the colour of that "
        "method; the fuller, the greater the difference of the shares; where there is no colour they are equal"
    )
    if len(compared.objectives) > 2:
        note += "; of two objectives at a time, whatever the others are"
    return (
        '<section aria-label="Difference of attainment"><h2>Where which attains more</h2>'
        f'{remark(note)}<div class="fronts{" several" if len(panels) > 1 else ""}">{"".join(figures)}</div>'
        f"{legend(compared.methods)}</section>"
    )


def _pairs(compared: Comparison) -> str:
    if not compared.pairs:
        return ""
    names = [one.name for one in compared.methods]
    pairs = [pair if pair.difference >= 0 else pair.turned for pair in compared.pairs]
    columns = [
        Column("Method", [escaped(names[pair.one]) for pair in pairs]),
        Column("against", [escaped(names[pair.other]) for pair in pairs]),
        _aligned("Difference", [pair.difference for pair in pairs]),
        _aligned("95 % from", [pair.low for pair in pairs]),
        _aligned("to", [pair.high for pair in pairs]),
        Column("Better with probability", [chance(pair.probability) for pair in pairs]),
        numbers("p, seeds dealt anew", [pair.p_value for pair in pairs]),
    ]
    if len(compared.objectives) > 1:
        columns.append(numbers("It attains more", [pair.more_one for pair in pairs]))
        columns.append(numbers("The other does", [pair.more_other for pair in pairs]))
    told = "".join(f"<li>{escaped(line)}</li>" for line in verdicts(compared)) if len(pairs) > 1 else ""
    lists = f'<ul class="ways">{told}</ul>' if told else ""
    return f'<section aria-label="Every two methods"><h2>Every two methods</h2>{lists}{listing(columns)}</section>'


def _contents(compared: Comparison) -> str:
    """In what the methods differ, key by key."""
    rows = difference_rows(compared.methods)
    if not rows:
        return ""
    columns = [Column("Key", [f"<code>{escaped(key)}</code>" for key, _ in rows])]
    for place, method in enumerate(compared.methods):
        columns.append(Column(method.name, [escaped(values[place]) for _, values in rows], text=True))
    note = "empty where a study does not say it: the default of its trainer then holds"
    title = "What differs in their studies"
    return f'<section aria-label="{title}"><h2>{title}</h2>{remark(note)}{listing(columns)}</section>'


def _points(compared: Comparison) -> str:
    """The trials on all fronts; each row is what a mark leads to."""
    table = points_table(compared)
    texts = _called(table)
    scores = [(readable(one.metric), f"metrics.{one.metric}") for one in compared.objectives]
    counted = (("Seed", "seed"), ("Trial", "trial"), *scores)
    heads = "".join(f'<th scope="col">{title}</th>' for title, _ in texts)
    heads += "".join(f'<th scope="col" class="num">{escaped(title)}</th>' for title, _ in counted)
    lines = []
    for place, row in enumerate(table.to_pylist()):
        cells = "".join(f"<td>{escaped(row[name])}</td>" for _, name in texts)
        cells += "".join(
            f'<td class="num" data-value="{row[name]!r}">{escaped(shown(row[name]))}</td>' for _, name in counted
        )
        lines.append(f'<tr id="point-{place}">{cells}</tr>')
    title = "Trials on the fronts" if len(scores) > 1 else "Best trials"
    return (
        f'<section aria-label="{title}"><h2>{title}</h2><div class="scroll" tabindex="0"><table class="sortable">'
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table></div></section>"
    )


def _called(table: pa.Table) -> tuple[tuple[str, str], ...]:
    """The columns that say whose a row is: studies that are called as their method are not named twice."""
    method = ("Method", "method")
    return (method,) if table["method"].equals(table["study"]) else (method, ("Study", "study"))


def _aligned(title: str, values: Sequence[float]) -> Column:
    """A column of numbers that have equally many decimals."""
    return Column(title, aligned(values), values=list(values))


def _texts(title: str, table: pa.Table, name: str) -> Column:
    return Column(title, [escaped(one) for one in table[name].to_pylist()])


def _said(row: dict[str, Any], compared: Comparison) -> str:
    told: Sequence[str] = [
        f"{readable(one.metric)} {shown(row[f'metrics.{one.metric}'])}" for one in compared.objectives
    ]
    study = "" if row["study"] == row["method"] else f" ({row['study']})"
    return f"{row['method']}{study}, seed {row['seed']}, trial {row['trial']}: {', '.join(told)}"
