"""Each bound of a budget ends a search in order, says why, and is counted alike by a driver that is born again."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import records
from analysis.front import hypervolume
from robustune import checks
from robustune.budget import Spending, end_of
from robustune.driver import Driver, Proposal
from robustune.errors import Mistake
from robustune.extending import extended, grown
from robustune.ledger import Ledger
from robustune.standing import trials_left
from search_spaces import Constraint, Objective, Study

Curves = Callable[..., Path]
SCORES = st.one_of(st.integers(0, 4).map(lambda quarter: quarter / 4), st.just(math.nan))


def a_report(config: Mapping[str, Any], epoch: int) -> dict[str, Any]:
    learned = (1 - config["loss"]) * (1 - math.exp(-epoch))
    metrics = {
        "accuracy": learned * math.cos(config["angle"]),
        "robustness": learned * math.sin(config["angle"]),
    }
    seconds = {"train_seconds": 0.1, "score_seconds": 0.1}
    return {"failure": None, "epoch": epoch, "metrics": metrics, "checkpoint": None, **seconds}


def train(driver: Driver, proposal: Proposal) -> None:
    epoch = proposal.resume_epoch + 1
    while driver.report(proposal.number, a_report(proposal.config, epoch)):
        epoch += 1


def run_out(ledger: Ledger, reborn: bool = False, **more: Any) -> list[dict[str, Any]]:
    """Runs what is left, one trial at a time, and returns every configuration; `reborn` drops the driver after each."""
    driver = Driver(ledger, lambda: None, **more)
    while (proposal := driver.next()) is not None:
        train(driver, proposal)
        if reborn:
            driver = Driver(ledger, lambda: None, **more)
    assert driver.remaining == 0
    return [dict(event.config) for event in records.events(ledger.folder) if event.kind == "asked"]


def begun(study: Path, folder: Path) -> Ledger:
    return Ledger.create(folder, checks.read(study), {})


def trained(folder: Path) -> int:
    return records.epochs(folder).num_rows


def a_study(**budget: Any) -> Study:
    return Study(
        name="toy",
        trainer="none",
        data="none",
        space={"x": {"uniform": [0, 1]}},
        objectives=(Objective("one", "max", 0.25), Objective("two", "min", 1.0)),
        constraints=(Constraint("one", at_most=0.75),),
        budget={"trials": 100, "epochs": 3, **budget},
    )


@given(st.lists(st.tuples(st.sampled_from(["complete", "stopped", "failed"]), SCORES, SCORES), max_size=30))
@settings(deadline=None)
def test_patience_is_the_length_of_a_run_of_trials_without_more_hypervolume(
    trials: list[tuple[str, float, float]],
) -> None:
    """Held against the volume itself, which a driver does not compute."""
    study = a_study(patience=4)
    spending, best, run, out = Spending(study), np.empty((0, 2)), 0, False
    for state, one, two in trials:
        spending.ended(state, {"one": one, "two": two})
        if state == "failed":
            continue
        before = hypervolume(best, study.objectives)
        if state == "complete" and one <= 0.75 and math.isfinite(two):
            best = np.vstack([best, [one, two]])
        run = 0 if hypervolume(best, study.objectives) > before else run + 1
        out |= run == 4
        end = spending.end(0.0)
        assert (end is not None and end.key == "patience") == out


def test_the_first_bound_that_is_reached_is_told() -> None:
    spending = Spending(a_study(trials=2, hours=1, total_epochs=3))
    assert spending.end(3599.9) is None
    assert spending.left(0.0) == 2
    told = spending.end(3600.0)
    assert told is not None
    assert told.words == "the budget of 1 hours is spent"
    for _ in range(2):
        spending.asked()
    assert str(spending.end(0.0)).count("all 2 trials of the budget were run") == 1
    for _ in range(3):
        spending.reported()
    told = spending.end(0.0)
    assert told is not None
    assert told.words == "the budget of 3 epochs is spent (3 trained)"


@pytest.mark.parametrize("bound", ["patience = 3", "total_epochs = 10"])
def test_a_bound_ends_a_search_where_it_would_without_a_kill(curves: Curves, tmp_path: Path, bound: str) -> None:
    study = curves(trials=40, epochs=f"3\n{bound}")
    told = []
    for reborn in (False, True):
        with begun(study, tmp_path / f"reborn-{reborn}") as ledger:
            told.append(run_out(ledger, reborn))
            end = Driver(ledger, lambda: None).end
            assert end is not None
            assert end.key == bound.split()[0]
        assert trials_left(ledger.folder) == 0
        assert end_of(ledger.folder) == end
        assert set(records.trials(ledger.folder)["state"].to_pylist()) <= {"complete", "stopped"}
    assert told[0] == told[1]
    assert 3 <= len(told[0]) < 40


def test_epochs_of_all_trials_are_passed_by_the_trial_in_flight_at_most(curves: Curves, tmp_path: Path) -> None:
    study = curves(trials=40, epochs="3\ntotal_epochs = 10", early_stopping="none")
    with begun(study, tmp_path / "study") as ledger:
        run_out(ledger)
    assert trained(tmp_path / "study") == 12  # the trial that began after 9 epochs was finished


def test_hours_are_counted_over_drivers(curves: Curves, tmp_path: Path) -> None:
    study, folder = curves(trials=40, epochs="1\nhours = 2", early_stopping="none"), tmp_path / "study"
    now = [0.0]
    with begun(study, folder) as ledger:
        driver = Driver(ledger, lambda: None, clock=lambda: now[0])
        for _ in range(3):
            proposal = driver.next()
            assert proposal is not None
            train(driver, proposal)
            now[0] += 3000.0
        assert driver.next() is None  # 9,000 s have passed
        assert driver.end is not None
        ledger._connection.execute("UPDATE sessions SET started = started - 5000")  # this session began earlier
        again = Driver(ledger, lambda: None, clock=lambda: 0.0)
        assert again.next() is not None
        ledger._connection.execute("UPDATE sessions SET started = started - 5000")
        assert Driver(ledger, lambda: None, clock=lambda: 0.0).end is not None


def test_a_killed_driver_is_counted_until_the_last_thing_that_it_recorded(curves: Curves, tmp_path: Path) -> None:
    with begun(curves(), tmp_path / "study") as ledger:
        write = ledger._connection.execute
        ledger.ask(0, {"angle": 0.1, "loss": 0.1}, 1, {})
        write("UPDATE sessions SET started = 100")
        write("UPDATE trials SET started = 160")
        assert records.driver_seconds(ledger.folder) == 60
        assert records.driver_seconds(ledger.folder, until=200.0) == 100
        write("INSERT INTO sessions (seq, pid, host, started, ended, versions) VALUES (9, 1, '', 1000, 1007, '{}')")
        assert records.driver_seconds(ledger.folder, until=5000.0) == 67


def test_first_points_come_first_and_teach(curves: Curves, tmp_path: Path) -> None:
    points = "[[first]]\nangle = 0.5\nloss = 0\n[[first]]\nangle = 0\nloss = 0.25\n"
    study = curves(trials=14, epochs=2)
    plain = study.read_text()
    with begun(study, tmp_path / "plain") as ledger:
        without = run_out(ledger)
    study.write_text(plain.replace("[space]", f"{points}[space]"))
    with begun(study, tmp_path / "first") as ledger:
        asked = run_out(ledger, reborn=True)
    assert asked[:2] == [{"angle": 0.5, "loss": 0.0}, {"angle": 0.0, "loss": 0.25}]
    assert asked[2:10] == without[2:10]  # drawn at random, each by its number
    assert asked[10:] != without[10:]


def test_each_bound_that_grew_is_told_and_no_other() -> None:
    study = a_study(hours=2, total_epochs=30)
    assert grown(study, a_study(hours=3.5, total_epochs=40)) == "2 hours become 3.5, 30 epochs in all become 40"
    assert grown(study, a_study(trials=1200, hours=2, total_epochs=30)) == "100 trials become 1200"


@pytest.mark.parametrize("sampler", ["random", "qmc", "tpe"])
def test_an_extended_search_draws_what_a_larger_one_would(curves: Curves, tmp_path: Path, sampler: str) -> None:
    with begun(curves(trials=20, epochs=3, sampler=sampler), tmp_path / "whole") as ledger:
        whole = run_out(ledger)
    with begun(curves(trials=12, epochs=3, sampler=sampler), tmp_path / "parts") as ledger:
        assert run_out(ledger) == whole[:12]
        ledger.extend(extended(ledger.folder, ledger.study, trials=8))
        assert trials_left(ledger.folder) == 8
        with pytest.raises(Mistake, match=r"still has 8 of its 20 trials to run \(it was extended before\); finish it"):
            extended(ledger.folder, ledger.study, trials=8)  # as where the first extension ended before it had begun
    with Ledger.open(tmp_path / "parts") as ledger:  # the larger budget is the ledger's
        assert ledger.study.budget.trials == 20
        assert run_out(ledger) == whole
    assert records.facts(tmp_path / "parts")["digest"] != ledger.study.digest  # that of the study as it was begun


def test_a_fitted_population_stays_and_patience_is_counted_anew(curves: Curves, tmp_path: Path) -> None:
    study = curves(trials=40, epochs="2\npatience = 5", sampler="nsga2")
    with begun(study, tmp_path / "study") as ledger:
        before = run_out(ledger)
        larger = extended(ledger.folder, ledger.study, trials=60)
        assert larger.sampler.options == {"population_size": 6}
        ledger.extend(larger)
        after = run_out(ledger, reborn=True)
        assert len(before) + 5 <= len(after) < 100
        assert end_of(ledger.folder) is not None


def test_what_cannot_be_extended_is_refused_with_what_would_do(curves: Curves, tmp_path: Path) -> None:
    study = curves(trials=6, epochs="1\ntotal_epochs = 4", sampler="grid", early_stopping="none")
    study.write_text(study.read_text().replace("uniform = [0, 1]", "choice = [0.1, 0.2]"))

    def refused(folder: Path, **more: Any) -> str:
        with pytest.raises(Mistake) as told:
            extended(folder, records.read_study(folder), **more)
        return str(told.value)

    with begun(study, tmp_path / "study") as ledger:
        folder = ledger.folder
        assert "STUDY_UNFINISHED" in refused(folder, trials=2)
        run_out(ledger)
    assert "OPTION_INVALID: name what to add" in refused(folder)
    assert "--trials 0: expected a number above zero" in refused(folder, trials=0)
    assert "--hours: the budget of curves has no such bound" in refused(folder, hours=2.0)
    assert "--hours nan" in refused(folder, hours=math.nan)
    assert "trials would be 1000000000006" in refused(folder, trials=10**12)
    assert "the budget of 4 epochs is spent (4 trained) all the same" in refused(folder, trials=2)
    assert "BUDGET_UNFIT" in refused(folder, trials=2, total_epochs=2)
    assert "all 4 points of the grid were tried" in refused(folder, trials=2, total_epochs=2)
    assert records.read_study(folder).budget.trials == 6
