"""What a page keeps of its trials as data, and what it says of trials that it cannot show as others."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from analysis import page, records, report
from analysis.front import front
from analysis.page_notes import notes
from analysis.page_record import EXACT, record_block
from robustune.ledger import Ledger
from search_spaces.study import Study


def told(block: str) -> dict[str, Any]:
    found = re.fullmatch(r'<script type="application/json" id="record">([^<>]*)</script>', block)
    assert found is not None
    return dict(json.loads(found[1]))


def with_column(table: pa.Table, name: str, values: list[Any]) -> pa.Table:
    return table.set_column(table.column_names.index(name), table.schema.field(name), pa.array(values))


def render(trials: pa.Table, epochs: pa.Table, study: Study) -> str:
    return page.render(trials, epochs, front(trials, study), study)


def test_every_value_of_every_trial_stands_in_the_page_once(made_up: Path) -> None:
    study, trials, epochs = records.tables(made_up)
    found = told(record_block(trials, front(trials, study), study, {}))
    columns = {column["name"]: column["values"] for column in found["columns"]}
    assert pa.table({name: columns[name] for name in found["order"]}, schema=trials.schema).equals(trials)
    assert found["metadata"]["record"]
    text = render(trials, epochs, study)
    rates = [repr(value) for value in trials["options.learning_rate"].to_pylist()]
    assert all(text.count(f",{rate},") + text.count(f"[{rate},") <= 1 for rate in rates)


def test_what_json_has_no_number_for_is_told_as_text(made_up: Path) -> None:
    study, trials, _ = records.tables(made_up)
    values = [math.nan, math.inf, -math.inf, *trials["metrics.mce"].to_pylist()[3:]]
    odd = with_column(trials, "metrics.mce", values)
    odd = with_column(odd, "options.unfrozen_layers", [EXACT + 1, *odd["options.unfrozen_layers"].to_pylist()[1:]])
    found = told(record_block(odd, front(odd, study), study, {}))
    columns = {column["name"]: column["values"] for column in found["columns"]}
    assert columns["metrics.mce"][:3] == ["NaN", "Infinity", "-Infinity"]
    assert columns["options.unfrozen_layers"][0] == str(EXACT + 1)


def test_addresses_share_what_is_alike_in_them(made_up: Path) -> None:
    study, trials, _ = records.tables(made_up)
    runs = {number: {"MLflow run": f"http://127.0.0.1:5000/#/runs/{number:032x}?page=1"} for number in range(20)}
    links = {**runs, 21: {"MLflow run": "javascript:alert(1)"}}
    found = told(record_block(trials, front(trials, study), study, links))
    (lead,) = found["links"]
    made = {n: lead["before"] + lead["values"][n] + lead["after"] for n in range(20)}
    assert made == {number: one["MLflow run"] for number, one in runs.items()}
    assert lead["values"][20:] == [None] * 4
    assert found["told"] == {"21": [["MLflow run", "javascript:alert(1)"]]}


def test_a_long_table_is_cut_without_a_script_and_says_so(
    search: Callable[..., Path], study_of: Callable[..., Study]
) -> None:
    study = study_of(trials=60)
    text = render(*records.tables(search(study))[1:], study)
    assert text.count('<tr id="trial-') == page.STATIC
    assert '<noscript><p class="quiet">The first 50 of 60 trials; all of them stand in trials.parquet' in text


def test_an_ordinary_study_has_no_notes(made_up: Path) -> None:
    study, trials, _ = records.tables(made_up)
    assert notes(trials, front(trials, study), study) == []


def test_a_study_that_has_not_begun_says_so(tmp_path: Path, study_of: Callable[..., Study]) -> None:
    with Ledger.create(tmp_path / "none", study_of(), {}) as ledger:
        text = report.write(ledger.folder)["report.html"].read_text()
    assert "No trial has begun: there is nothing to show yet." in text


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("stopped", "No trial has finished its 9 epochs"),
        ("running", "No trial has finished its 9 epochs"),
        ("failed", "All 24 trials failed; why stands below."),
    ],
)
def test_a_study_without_a_finished_trial_says_so(made_up: Path, state: str, words: str) -> None:
    study, trials, epochs = records.tables(made_up)
    trials = with_column(trials, "state", [state] * trials.num_rows)
    text = render(trials, epochs, study)
    assert words in text
    assert "there is no front yet" in text


def test_a_single_trial_is_no_trade_off(made_up: Path) -> None:
    study, trials, epochs = records.tables(made_up)
    best = front(trials, study).slice(0, 1)
    alone = with_column(best, "number", [0])
    assert "One trial has ended: a single point says nothing" in render(alone, epochs, study)
    failed = with_column(alone, "state", ["failed"])
    assert "The only trial failed." in render(failed, epochs, study)


@pytest.mark.parametrize("objectives", [1, 2, 3])
def test_equal_points_are_told(search: Callable[..., Path], study_of: Callable[..., Study], objectives: int) -> None:
    study = study_of(objectives, trials=12)
    _, trials, epochs = records.tables(search(study))
    for one in study.objectives:
        trials = with_column(trials, f"metrics.{one.metric}", [0.75] * 12)
    count = trials["state"].to_pylist().count("complete")
    text = render(trials, epochs, study)
    assert f"All {count} complete trials have the same scores" in text
    assert "<svg" in text


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_scores_that_are_not_finite_are_told(made_up: Path, value: float) -> None:
    study, trials, epochs = records.tables(made_up)
    best = front(trials, study)["number"].to_pylist()
    for column in ("metrics.clean_accuracy", "metrics.mce"):
        values = [value if number in best[:2] else old for number, old in enumerate(trials[column].to_pylist())]
        trials = with_column(trials, column, values)
    text = render(trials, epochs, study)
    one, other = sorted(best[:2])
    assert f"Scores that are no finite number keep trials {one} and {other} out of the front and its chart." in text
    assert set(front(trials, study)["number"].to_pylist()).isdisjoint(best[:2])


def test_trials_that_the_record_lacks_are_named(made_up: Path) -> None:
    study, trials, epochs = records.tables(made_up)
    fewer = trials.take(pa.array([0, 1, 2, 4, 5, 8, 23]))
    text = render(fewer, epochs, study)
    assert "The record lacks 17 trials: deleted in MLflow, or never sent there." in text
    assert "lacks trial 3:" in render(trials.take(pa.array([0, 1, 2, 4])), epochs, study)


def test_the_list_of_a_page_leads_to_each_of_its_sections(made_up: Path) -> None:
    text = render(*records.tables(made_up)[1:], records.read_study(made_up))
    found = re.findall(r'<a href="#(part-\d+)">(.*?)</a>', text)
    assert [title for _, title in found][:2] == ["Front", "Trials on the front"]
    sections = re.findall(r'<section id="(part-\d+)"[^>]*><h2>(.*?)</h2>', text)
    assert found == sections
    assert text.count("<section") == len(sections)
