"""The section of a page on corruptions: what scores are relative to, what the search saw, and what evaluation found."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from analysis.bars import Bars
from analysis.corruption import Errors, chosen, error_charts, marks_of, mean_ce, ratio_chart
from analysis.knob_chart import bar_chart, series_legend
from analysis.measuring import Ways
from analysis.table import Column, listing, numbers
from analysis.wording import escaped, readable, remark, shown, within
from search_spaces.study import Study

VALIDATION_ERRORS: Final = "baseline-errors/validation"
CHART_WIDTH: Final = 560.0
_DASH: Final = (
    '<li><svg viewBox="0 0 16 16" aria-hidden="true"><path class="{look}" d="M0 8H16"/></svg>the baseline</li>'
)


def corruption_section(
    study: Study, sets: Mapping[str, Mapping[str, Any]], measured: Ways, evaluated: Sequence[Errors]
) -> str:
    """Returns the section; "" for a study without a score under corruptions.

    Args:
        study: whose page it is.
        sets: as `analysis.records.sets` gives them.
        measured: as `analysis.records.measured` gives it.
        evaluated: errors of each evaluated trial; none before an evaluation.
    """
    told, baseline = sets.get(VALIDATION_ERRORS), sets.get("baseline")
    if not (measured or told or evaluated):
        return ""
    # Scores of segmentation are relative to nothing.
    parts = [_baseline(study, baseline or {}, told)] if baseline or told or evaluated else []
    parts.append(_ways(measured))
    if told:
        parts += [_seen(told), _baseline_table(told)]
    if evaluated:
        parts.append(_evaluation(study, evaluated))
    return f'<section aria-label="Corruptions"><h2>Under corruptions</h2>{"".join(parts)}</section>'


def _baseline(study: Study, baseline: Mapping[str, Any], told: Mapping[str, Any] | None) -> str:
    """Which net errors are relative to, and how good it is."""
    adopted = baseline.get("adopted")
    origin = f"adopted from the checkpoint {escaped(adopted)}" if adopted else "trained for this study"
    own = {name.removeprefix("baseline_"): value for name, value in study.options.items() if "baseline_" in name}
    options = ", ".join(
        f"{escaped(within(name))} {escaped(shown(value))}" for name, value in own.items() if value != ""
    )
    facts = [f"{origin} ({options})" if options else origin]
    if "validation_accuracy" in baseline:
        facts.append(f"validation accuracy {shown(float(baseline['validation_accuracy']))}")
    if told:
        images = f" ({told['images']:,} validation images)" if "images" in told else ""
        facts.append(f"mean error under corruptions {shown(float(told['mean_error']))}{images}")
    return f"<p>Corruption errors (CE) and their mean (mCE) are relative to the baseline: {'; '.join(facts)}.</p>"


def _ways(measured: Ways) -> str:
    """How each metric is measured over the epochs; metrics that are measured alike share a line."""
    alike: dict[tuple[tuple[int, str], ...], list[str]] = {}
    for metric, found in measured.items():
        alike.setdefault(tuple((first, words) for first, words in found), []).append(metric)
    lines = []
    for ways, metrics in alike.items():
        words = [f"from epoch {first} on {escaped(within(way))}" for first, way in ways]
        several = "; ".join(words) if len(ways) > 1 else escaped(within(ways[0][1])) if ways else ""
        lines.append(f"<li>{escaped(', '.join(map(within, metrics)))}: {several}</li>")
    return f'<p>Measured on validation images:</p><ul class="ways">{"".join(lines)}</ul>' if lines else ""


def _seen(told: Mapping[str, Any]) -> str:
    names = ", ".join(within(name) for name in told["table"]["corruptions"])
    return remark(f"The search saw {names}; the evaluation's unseen corruptions are the others")


def _baseline_table(told: Mapping[str, Any]) -> str:
    """The baseline's error on validation images, a row for each corruption."""
    table, overlap = told["table"], told.get("overlap", {})
    rows: list[list[float]] = table["errors"]
    why = ["; ".join(overlap.get(name, {}).values()) for name in table["corruptions"]]
    columns = [
        Column("Corruption", [escaped(within(name)) for name in table["corruptions"]]),
        numbers("Mean error", [sum(row) / len(row) for row in rows]),
        *(
            numbers(f"Severity {severity}", [row[place] for row in rows])
            for place, severity in enumerate(table["severities"])
        ),
    ]
    if any(why):
        columns.append(Column("Resembled by training, which", [escaped(text) for text in why], text=True))
    return f"<details open><summary>The baseline's errors</summary>{listing(columns)}</details>"


def _evaluation(study: Study, evaluated: Sequence[Errors]) -> str:
    best = chosen(evaluated, None, study)
    drawn = [
        (one.title, bar_chart(one, f"errors-{place}", CHART_WIDTH)) for place, one in enumerate(error_charts(best))
    ]
    charts = "".join(f"<figure><figcaption>{escaped(title)}</figcaption>{chart}</figure>" for title, chart in drawn)
    ratios = ratio_chart(best)
    ratio = bar_chart(ratios, "ratios", CHART_WIDTH)
    return (
        "<h3>Evaluated trials</h3>"
        f"{remark('; '.join(['on images that had no part in the search', *marks_of(best)]))}{_trials(evaluated)}"
        f"<h3>Trial {best.trial}: errors by corruption and severity</h3>"
        f'<div class="groups">{charts}</div>{_legend(ratios, "dash")}'
        f"<h3>Trial {best.trial}: errors over the baseline's, by group and severity</h3>"
        f'<div class="groups"><figure>{ratio}</figure></div>{_legend(ratios, "reference")}'
    )


def _legend(bars: Bars, look: str) -> str:
    return series_legend(bars).replace("</ul>", _DASH.format(look=look) + "</ul>")


def _trials(evaluated: Sequence[Errors]) -> str:
    """The means of each trial and its CE under each corruption, of all trials that were evaluated."""
    resembled = tuple(one.name for one in evaluated[0].corruptions if one.overlap)
    columns = [
        numbers("Trial", [one.trial for one in evaluated]),
        numbers("mCE, unseen", [mean_ce(one) for one in evaluated]),
        numbers("mCE, all", [mean_ce(one, seen=True) for one in evaluated]),
    ]
    if resembled:
        values = [mean_ce(one, resembled, seen=True) for one in evaluated]
        columns.append(numbers("mCE, all without overlap", values))
    by_name = [{single.name: single for single in one.corruptions} for one in evaluated]
    for name, single in by_name[0].items():
        head = f"{readable(name)} {single.marks}".rstrip()
        columns.append(numbers(head, [found[name].ce if name in found else None for found in by_name]))
    return listing(columns)
