"""A score that was measured in another way than the last epoch's stands in no column of such scores."""

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from analysis import figure, records, report
from analysis.front import eligible, front
from analysis.measuring import measured_alike, read, text_of, way_at, ways_of
from robustune.ledger import Ledger
from robustune.ledger_file import make
from search_spaces.domains import Uniform
from search_spaces.study import Budget, Constraint, Objective, Study

WAYS = {"mce": [(1, "spatter at severity 3"), (4, "all at severities 1 to 5")], "ce/fog": [(1, "fog at severity 3")]}
EARLY = {"early_corruptions": ["spatter"], "early_corruption_severities": [3]}


def a_study(epochs: int = 4, **options: object) -> Study:
    return Study(
        name="measured",
        trainer="classification",
        data="embedded-digits",
        options={**EARLY, **options},
        space={"learning_rate": Uniform(0, 1)},
        objectives=(Objective("clean_accuracy", "max", 0.0), Objective("mce", "min", 2.0)),
        constraints=(Constraint("ce/fog", at_most=3.0),),
        budget=Budget(3, epochs),
    )


def searched(folder: Path, study: Study) -> Path:
    """One trial with its full epochs, one stopped after the first, one that failed in its last epoch."""
    with Ledger.create(folder, study, {}) as ledger:
        for number in range(3):
            ledger.ask(number, {"learning_rate": 0.1}, 1, {})
            last = 1 if number == 1 else study.budget.epochs - (number == 2)
            for epoch in range(1, last + 1):
                scores = {"clean_accuracy": 0.5, "mce": 1.0 + epoch / 10, "ce/fog": 2.0}
                end = {0: "complete", 1: "stopped"}.get(number) if epoch == last else None
                ledger.report(number, epoch, scores, 1.0, 0.1, end=end)
            if number == 2:
                ledger.fail(number, "NONFINITE", "the loss is nan")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return searched(tmp_path_factory.mktemp("results") / "measured", a_study())


def test_a_way_holds_until_the_next_one_begins() -> None:
    assert [way_at(WAYS, "mce", epoch) for epoch in (1, 3, 4, 9)] == [
        *["spatter at severity 3"] * 2,
        *["all at severities 1 to 5"] * 2,
    ]
    assert way_at(WAYS, "clean_accuracy", 3) == ""
    assert measured_alike(WAYS, "mce", 1, 3)
    assert not measured_alike(WAYS, "mce", 3, 4)
    assert measured_alike(WAYS, "ce/fog", 1, 9)
    assert measured_alike({}, "mce", 1, 9)
    assert read(text_of(WAYS)) == WAYS


def test_the_ledger_keeps_the_ways_of_the_frozen_budget(folder: Path, tmp_path: Path) -> None:
    measured = records.measured(folder)
    assert [first for first, _ in measured["mce"]] == [1, 4]
    assert measured["mce"][0][1].startswith("spatter at severity 3")
    assert [first for first, _ in measured["ce/fog"]] == [1, 4]  # other severities before the last epoch
    assert "clean_accuracy" not in measured
    assert records.facts(folder)["measured"] == measured
    other = searched(tmp_path / "measured", a_study().override(epochs=2))
    assert [first for first, _ in records.measured(other)["mce"]] == [1, 2]
    Ledger.open(folder).close()  # going on changes nothing of it
    assert records.measured(folder) == measured


def test_scores_measured_otherwise_are_null_among_trials_and_kept_among_epochs(folder: Path) -> None:
    trials = records.trials(folder)
    assert trials["metrics.mce"].to_pylist() == [1.4, None, None]
    assert trials["metrics.ce/fog"].to_pylist() == [2.0, None, None]
    assert trials["metrics.clean_accuracy"].to_pylist() == [0.5] * 3
    assert records.epochs(folder)["metrics.mce"].to_pylist() == [1.1, 1.2, 1.3, 1.4, 1.1, 1.1, 1.2, 1.3]
    assert ways_of(trials) == ways_of(records.epochs(folder)) == records.measured(folder)


def test_what_is_measured_in_one_way_is_never_null(tmp_path: Path) -> None:
    study = a_study(early_corruptions=[], early_corruption_severities=[])
    folder = searched(tmp_path / "measured", study)
    assert records.trials(folder)["metrics.mce"].null_count == 0
    assert [first for first, _ in records.measured(folder)["mce"]] == [1]


def test_reports_come_with_such_trials_and_carry_the_ways(folder: Path, tmp_path: Path) -> None:
    study, trials, _ = records.tables(folder)
    best = front(trials, study)
    assert best["number"].to_pylist() == [0]
    assert eligible(trials, study).tolist() == [True, False, False]
    assert figure.draw_front(trials, best, study)
    paths = report.write_to(folder, tmp_path)
    for name in ("trials.parquet", "epochs.parquet", "front.parquet"):
        assert ways_of(pq.read_table(paths[name])) == records.measured(folder)


def test_a_ledger_of_before_there_were_ways_has_none(tmp_path: Path) -> None:
    study = a_study()
    told = {"name": study.name, "study": study.to_json(), "source": "", "digest": study.digest, "seed": 0}
    fact = {"kind": "study", "at": 1.0, "schema_version": 1, "created": 1.0, "versions": {}, **told}
    make(tmp_path / records.LEDGER_FILE, [fact], lambda number, fact: None)
    records.check(tmp_path)
    assert records.measured(tmp_path) == records.facts(tmp_path)["measured"] == {}
    assert ways_of(records.trials(tmp_path)) == {}


def test_the_ways_are_published_with_the_study(tmp_path: Path) -> None:
    Ledger.create(tmp_path / "measured", a_study(), {}, str(tmp_path / "storage")).close()
    before = records.measured(tmp_path / "measured")
    shutil.rmtree(tmp_path / "measured")
    Ledger.rebuild(tmp_path / "measured", str(tmp_path / "storage"))
    records.check(tmp_path / "measured")
    assert records.measured(tmp_path / "measured") == before != {}
