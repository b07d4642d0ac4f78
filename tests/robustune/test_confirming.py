"""A confirmation trains each net once, under seeds of its own, and tells in one line what stands against it."""

import contextlib
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from analysis import confirmation, records
from robustune import running
from robustune.confirmation_changes import changes
from robustune.confirmation_cost import Cost, cost
from robustune.confirmation_nets import (
    Retraining,
    clock_time,
    images_seed,
    kept_epochs,
    net_seed,
    nets,
    retraining_of,
    scoring_name,
    search_seeds,
    sets_seed,
    still_to_train,
)
from robustune.confirmation_screen import fronts_tables, lines, scores_tables
from robustune.confirmation_sets import check_splits, fresh_sets, outcomes_steps
from robustune.confirmation_work import Work
from robustune.confirming import Asked, Confirmed, confirm, wanted
from robustune.driver import Proposal
from robustune.errors import Mistake
from robustune.ledger import Ledger
from robustune.preparation import addresses, steps
from robustune.running import versions
from robustune.screen import Screen
from robustune.settings import Settings
from robustune.whole_trials import options_of, recorded
from search_spaces import Study, read_study, shipped
from search_spaces.domains import Uniform
from search_spaces.study import Budget, Objective
from trainables.preparation import run_step
from trainables.registry import vocabularies
from trainables.seeds import derive
from trainables.trial import Course, TrialPlan

CONFIGS = [{"angle": 0.1, "loss": 0.02}, {"angle": 0.5, "loss": 0.0}, {"angle": 0.9, "loss": 0.05}]
BELOW = {"angle": 0.5, "loss": 0.6}
EPOCHS = 4


def curves_of(name: str = "curves", trials: int = 4, noise: float = 0.02) -> Study:
    """A study of the closed-form trainer."""
    return Study(
        name=name,
        trainer="closed-form",
        data="none",
        options={"noise": noise},
        space={"angle": Uniform(0, 1), "loss": Uniform(0, 1)},
        objectives=(Objective("accuracy", "max", 0.0), Objective("robustness", "max", 0.0)),
        budget=Budget(trials, EPOCHS),
        seed=3,
    )


def searched(results: Path, study: Study, configs: Sequence[Mapping[str, float]], running: int = 0) -> Path:
    """Writes the ledger of a search whose trials scored what the closed form says; the last ones may be in flight."""
    folder = results / study.name
    with Ledger.create(folder, study, versions()) as ledger:
        for number, config in enumerate(configs):
            ledger.ask(number, dict(config), 1000 + number, {})
            angle, learned = config["angle"] * math.pi / 2, 1 - config["loss"]
            scores = {"accuracy": math.cos(angle) * learned, "robustness": math.sin(angle) * learned}
            last = EPOCHS - 1 if number >= len(configs) - running else EPOCHS
            for epoch in range(1, last + 1):
                ledger.report(number, epoch, scores, 0.5, 0.1, end="complete" if epoch == EPOCHS else None)
    return folder


def plan_of(folder: Path, proposal: Proposal) -> TrialPlan:
    """What a net of the confirmation in the study's folder is told."""
    study, settings = records.read_study(folder), Settings(str(folder.parent))
    return TrialPlan(
        number=proposal.number,
        seed=proposal.seed,
        trainer=study.trainer,
        options={**study.options, **proposal.config},
        metrics=(),
        sets={},
        store=settings.store,
        checkpoints=settings.checkpoints(f"{folder.name}/confirmation"),
        epochs=study.budget.epochs,
        rungs=kept_epochs(study.budget.epochs),
        threads=1,
        resume_epoch=proposal.resume_epoch,
    )


def confirmation_ledger(folder: Path) -> Ledger:
    """The ledger of the confirmation in a study's folder, begun where it was not."""
    return Ledger.create(folder / "confirmation", retraining_of(records.read_study(folder)), versions())


def trained(folder: Path, seeds: Mapping[int, int], most_epochs: float = math.inf) -> list[tuple[int, int]]:
    """Trains the nets that the confirmation in a study's folder lacks, and returns (net, epoch) of all that it trained.

    After so many epochs in all it stops, as if it had been killed.
    """
    done: list[tuple[int, int]] = []
    with confirmation_ledger(folder) as ledger:
        lacking = still_to_train(wanted(recorded(folder), seeds), nets(ledger.folder))
        driver = Retraining(ledger, lacking, lambda line: None)
        while (proposal := driver.next()) is not None:
            course, goes_on = Course(plan_of(folder, proposal)), True
            while goes_on:
                if len(done) >= most_epochs:
                    return done
                report: dict[str, Any] = course.report()
                goes_on = driver.report(proposal.number, report)
                if report["epoch"] > proposal.resume_epoch:  # that one is told again from its checkpoint
                    done.append((proposal.number, report["epoch"]))
    return done


def scored(folder: Path) -> None:
    """Scores every whole net into the store."""
    done, study = recorded(folder), records.read_study(folder)
    for net in (one for one in nets(folder / "confirmation") if one.state == "complete"):
        (*_, step) = outcomes_steps(study, fresh_sets(study), net, options_of(done, net.trial))
        run_step(
            replace(step, places={"checkpoint": net.checkpoint}), Settings(str(folder.parent)).store, {}, threads=1
        )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished search with a front of three trials and one far below it, all nets of which are trained and scored."""
    folder = searched(tmp_path_factory.mktemp("results"), curves_of(), [*CONFIGS, BELOW])
    trained(folder, dict.fromkeys(range(3), 3))
    scored(folder)
    return folder


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A finished search that nobody confirmed."""
    return searched(tmp_path / "results", curves_of(), [*CONFIGS, BELOW])


@pytest.fixture(scope="module")
def done(made: Path) -> Confirmed:
    """What the command makes of it, without Ray: nothing is left to train or to score."""
    found = confirm(str(made), Asked(seeds=3), Settings(str(made.parent)), Screen(False))
    assert found is not None
    return found


def refused(folder: Path, code: str, *told: str, asked: Asked = Asked()) -> None:  # noqa: B008 - frozen
    with pytest.raises(Mistake) as raised:
        confirm(str(folder), asked, Settings(str(folder.parent)), Screen(False))
    assert raised.value.code == code, raised.value
    assert "\n" not in raised.value.message
    for part in told:
        assert part in raised.value.message, raised.value.message


def test_no_net_has_a_seed_of_the_search_and_no_two_have_the_same(finished: Path) -> None:
    found = wanted(recorded(finished), dict.fromkeys(range(3), 5))
    seeds = [one.seed for one in found]
    assert len(set(seeds)) == len(seeds) == 15
    taken = search_seeds(finished)
    assert taken == {3, 1000, 1001, 1002, 1003}
    assert not taken & {*seeds, sets_seed(3), images_seed(3)}


def test_a_seed_is_a_function_of_study_trial_and_replicate_and_gives_way_to_the_search() -> None:
    told = net_seed(7, 4, 2, ())
    assert told == derive(7, "confirmation", 4, 2, 0)
    assert net_seed(7, 4, 2, {told}) == derive(7, "confirmation", 4, 2, 1)
    assert len({net_seed(7, trial, replicate, ()) for trial in range(20) for replicate in range(20)}) == 400


def test_a_net_is_trained_with_its_trials_options(finished: Path) -> None:
    for one in wanted(recorded(finished), {1: 2, 2: 1}):
        assert one.config == CONFIGS[one.trial]


def test_what_was_killed_goes_on_and_no_epoch_that_was_committed_is_trained_again(tmp_path: Path) -> None:
    folder = searched(tmp_path / "results", curves_of(trials=3), CONFIGS)
    seeds, told = {0: 2, 1: 2}, []
    for _ in range(20):
        told += (done := trained(folder, seeds, most_epochs=5))
        if not done:
            break
    assert sorted(told) == [(net, epoch) for net in range(4) for epoch in range(1, EPOCHS + 1)]
    assert [(net.key, net.state, net.epochs) for net in nets(folder / "confirmation")] == [
        ((trial, replicate), "complete", EPOCHS) for trial in (0, 1) for replicate in (0, 1)
    ]


def test_more_seeds_keep_the_nets_that_are_there(tmp_path: Path) -> None:
    folder = searched(tmp_path / "results", curves_of(trials=3), CONFIGS)
    trained(folder, {0: 2})
    before = [net.sha256 for net in nets(folder / "confirmation")]
    assert len(trained(folder, {0: 3})) == EPOCHS
    assert [net.sha256 for net in nets(folder / "confirmation")][:2] == before


def test_a_lost_worker_is_tried_again_and_a_net_that_diverged_is_not(tmp_path: Path) -> None:
    folder = searched(tmp_path / "results", curves_of(trials=3), CONFIGS)
    told: list[str] = []
    with confirmation_ledger(folder) as ledger:
        driver = Retraining(ledger, wanted(recorded(folder), {0: 1, 1: 1}), told.append)
        first, second = driver.next(), driver.next()
        assert first is not None
        assert second is not None
        assert driver.next() is None
        driver.lost(first.number)
        driver.report(second.number, {"failure": {"code": "NONFINITE", "message": "the loss is nan"}})
    assert [line for line in told if "failed" in line and "seed 0" in line] == told
    assert trained(folder, {0: 1, 1: 1}) == [(2, epoch) for epoch in range(1, EPOCHS + 1)]
    assert [(net.key, net.state) for net in nets(folder / "confirmation")] == [((0, 0), "complete"), ((1, 0), "failed")]


def test_a_confirmation_takes_what_was_trained_and_scored_as_it_is(made: Path, done: Confirmed) -> None:
    again = confirm(str(made), Asked(seeds=3), Settings(str(made.parent)), Screen(False))
    assert again is not None
    assert again.nets == done.nets
    assert again.confirmation.points.equals(done.confirmation.points)


def test_scores_of_nets_are_the_means_over_sources_on_the_same_images(made: Path, done: Confirmed) -> None:
    outcomes = pq.read_table(made / "confirmation" / "outcomes.parquet")
    assert outcomes.schema.names == confirmation.OUTCOMES.names
    assert outcomes.schema.metadata[b"study"].decode() == records.read_study(made).digest
    by_net = outcomes.group_by(["trial", "replicate", "metric"]).aggregate([("source", "distinct"), ("value", "mean")])
    assert len(by_net) == 3 * 3 * 2
    sources = outcomes.group_by(["metric", "source"]).aggregate([("value", "count")])
    assert set(sources["value_count"].to_pylist()) == {9}
    kept = records.sets(made / "confirmation")
    for row in by_net.to_pylist():
        net = next(net for net in done.nets if net.key == (row["trial"], row["replicate"]))
        told = kept[f"outcomes/{net.number:05d}"]["scores"]
        assert told[row["metric"]] == pytest.approx(row["value_mean"], rel=1e-12)


def test_every_net_is_told_with_its_seed_and_checkpoint(made: Path, done: Confirmed) -> None:
    rows = pq.read_table(made / "confirmation" / "nets.parquet").to_pylist()
    assert [(row["trial"], row["replicate"]) for row in rows] == [(t, r) for t in range(3) for r in range(3)]
    assert {row["state"] for row in rows} == {"complete"}
    assert {row["epochs"] for row in rows} == {EPOCHS}
    assert all(Path(row["checkpoint"]).is_file() and len(row["sha256"]) == 64 for row in rows)
    assert not {row["seed"] for row in rows} & search_seeds(made)


def test_what_was_confirmed_is_read_again_and_shown(made: Path, done: Confirmed) -> None:
    study = records.read_study(made)
    found = confirmation.read(made, study)
    assert found is not None
    assert found.points.equals(done.confirmation.points)
    assert [table.row_count for table in fronts_tables(found, study)] == [3]
    assert [table.row_count for table in scores_tables(found)] == [3]
    assert any(line.startswith("confirmed front: trials") for line in lines(found, done.nets))


def test_its_cost_is_told_beforehand_and_nothing_is_begun(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(str(finished.parent), concurrency=2)
    assert confirm("curves", Asked(seeds=4, dry_run=True), settings, Screen(True)) is None
    told = capsys.readouterr().out
    assert "front of 3; trials to confirm: 0, 1, 2" in told
    assert "12 nets to train, 48 epochs in all: about 0:12 with 2 at a time" in told
    assert not (finished / "confirmation").exists()
    assert cost(finished, [(0, 4), (0, 4), (1, 4)], 2) == Cost(3, 12, 6.0, 2)
    assert Cost(3, 12, 6.0, 2).wall_seconds == 4.0
    assert [clock_time(seconds) for seconds in (0.4, 61, 3600)] == ["0:00", "1:01", "1:00:00"]


def test_trials_that_are_named_are_confirmed_besides(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    confirm("curves", Asked(trials=(3, 0), dry_run=True), Settings(str(finished.parent)), Screen(True))
    assert "trials to confirm: 0, 1, 2, 3" in capsys.readouterr().out


def test_a_front_of_one_point_is_told_of_and_confirmed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = searched(tmp_path / "results", curves_of(trials=2), [CONFIGS[1], BELOW])
    trained(folder, {0: 2, 1: 2})
    scored(folder)
    done = confirm(str(folder), Asked(2, within=1e6), Settings(str(folder.parent)), Screen(True))
    assert done is not None
    assert done.confirmation.front == (0,)
    told = capsys.readouterr().out
    assert "the front is a single point" in told
    assert "below the front: trials 1\nno net is left to train\nno net is left to score" in told.replace("  ", " ")


def test_an_unfinished_study_is_refused(tmp_path: Path) -> None:
    folder = searched(tmp_path / "results", curves_of(trials=3), CONFIGS, running=1)
    refused(folder, "STUDY_UNFINISHED", "1 of its trials are still to run", "`robustune resume curves`")


def test_fewer_than_two_seeds_and_unlawful_bands_are_refused(finished: Path) -> None:
    refused(finished, "OPTION_INVALID", "--seeds 1", "from 2 on", asked=Asked(seeds=1))
    refused(finished, "OPTION_INVALID", "1000 at most", asked=Asked(seeds=10**21, dry_run=True))
    for within in (-1.0, float("nan"), float("inf")):
        refused(finished, "OPTION_INVALID", "--within", asked=Asked(within=within))
    refused(finished, "OPTION_INVALID", "--trial 9: there is none", asked=Asked(trials=(9,)))


def test_a_budget_below_the_fewest_seeds_is_refused_with_what_would_do(finished: Path) -> None:
    refused(finished, "BUDGET_UNFIT", "--budget 35", "take 36 epochs", asked=Asked(budget=35))


def test_changed_code_is_told_and_passed_by_on_demand(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "code_digest", lambda: "f" * 64)
    refused(finished, "STUDY_CHANGED", "the code of trainables (", "became ffffffffffff)", "--despite-changes")
    asked = Asked(dry_run=True, despite_changes=True)
    assert confirm("curves", asked, Settings(str(finished.parent)), Screen(False)) is None


def test_changed_data_and_sets_are_named_with_their_digests(tmp_path: Path) -> None:
    study = read_study(shipped()["quickstart"], vocabularies())
    now = addresses(steps(study))
    with Ledger.create(tmp_path / "quickstart", study, {**versions(), "torch": "1.0"}) as ledger:
        for name, digest in now.items():
            ledger.record_set(name, digest, {})
    other_torch = f"torch (1.0 became {versions()['torch']})"
    assert changes(tmp_path / "quickstart", study) == [other_torch]
    with Ledger.open(tmp_path / "quickstart") as ledger:
        ledger.record_set("baseline", "0" * 64, {})
    told = f"what is built of the data: baseline (000000000000 became {now['baseline'][:12]})"
    assert changes(tmp_path / "quickstart", study) == [told, other_torch]
    with Ledger.open(tmp_path / "quickstart") as ledger:
        ledger.record_set("data", "1" * 64, {})
    told = f"the data 'embedded-digits' (111111111111 became {now['data'][:12]})"
    assert changes(tmp_path / "quickstart", study) == [told, other_torch]


def test_data_without_images_that_no_search_saw_are_refused(tmp_path: Path) -> None:
    study = read_study(shipped()["quickstart"], vocabularies())
    (tmp_path / "train.arrow").touch()
    with pytest.raises(Mistake, match="'embedded-digits' have no test and no hold-out images"):
        check_splits(study, tmp_path)
    (tmp_path / "test.arrow").touch()
    with pytest.raises(Mistake, match="have no hold-out images"):
        check_splits(study, tmp_path)
    (tmp_path / "holdout.arrow").touch()
    check_splits(study, tmp_path)


def test_an_interrupted_net_loses_a_quarter_of_its_epochs_at_most() -> None:
    for epochs in range(1, 40):
        kept = (0, *kept_epochs(epochs))
        assert kept[-1] == epochs
        assert max(after - before for before, after in itertools.pairwise(kept)) <= -(-epochs // 4)


def fail_all(folder: Path, seeds: Mapping[int, int]) -> None:
    """Ends the nets that the confirmation lacks as training ends one whose loss is no number."""
    with confirmation_ledger(folder) as ledger:
        lacking = still_to_train(wanted(recorded(folder), seeds), nets(ledger.folder))
        driver = Retraining(ledger, lacking, lambda line: None)
        while (proposal := driver.next()) is not None:
            said = {"code": "NONFINITE", "message": "epoch 1: the loss is nan"}
            driver.report(proposal.number, {"failure": said})


def seeds_of(found: Confirmed) -> dict[int, int]:
    return {row["trial"]: row["seeds"] for row in found.confirmation.points.to_pylist()}


@pytest.mark.parametrize("budget", [None, 3 * 3 * EPOCHS])
def test_a_confirmation_whose_nets_all_failed_says_so_in_one_line(finished: Path, budget: int | None) -> None:
    fail_all(finished, dict.fromkeys(range(3), 3))
    told = ("no net has been scored", "9 of 9 nets failed, the first: epoch 1: the loss is nan")
    refused(finished, "NO_FRONT", *told, asked=Asked(seeds=3, budget=budget))
    assert not (finished / "confirmation" / "points.parquet").exists()


def test_a_trial_without_a_net_is_named_and_one_that_lacks_some_is_told_of(tmp_path: Path) -> None:
    folder = searched(tmp_path / "results", curves_of(trials=3), CONFIGS)
    fail_all(folder, {2: 3, 1: 1})
    trained(folder, {0: 3, 1: 3})
    scored(folder)
    found = confirm(str(folder), Asked(seeds=3), Settings(str(folder.parent)), Screen(False))
    assert found is not None
    why = "(NONFINITE: epoch 1: the loss is nan)"
    gone = f"Trial 2 could not be confirmed: all 3 of its nets failed {why}."
    fewer = f"1 of the 3 nets of trial 1 failed {why}; its scores are of the 2 others alone."
    assert [line for line in lines(found.confirmation, found.nets) if "failed" in line] == [gone, fewer]
    page = (folder / "report.html").read_text()
    assert gone in page
    assert fewer in page
    assert seeds_of(found) == {0: 3, 1: 2}


def test_a_net_that_has_no_finite_scores_counts_as_failed_and_stops_nobody(tmp_path: Path) -> None:
    folder = searched(tmp_path / "results", curves_of(trials=3), CONFIGS)
    trained(folder, dict.fromkeys(range(3), 3))
    scored(folder)
    with confirmation_ledger(folder) as ledger:
        ledger.record_set(scoring_name(0), "", {"failure": "class scores are not finite"})
    found = confirm(str(folder), Asked(seeds=3), Settings(str(folder.parent)), Screen(False))
    assert found is not None
    assert [(net.state, net.code) for net in found.nets if net.key == (0, 0)] == [("failed", "NONFINITE")]
    assert seeds_of(found) == {0: 2, 1: 3, 2: 3}


@contextlib.contextmanager
def work_on(folder: Path) -> Iterator[Work]:
    """What trains and scores the nets of a study's confirmation."""
    study, settings = records.read_study(folder), Settings(str(folder.parent))
    with confirmation_ledger(folder) as ledger, contextlib.ExitStack() as session:
        yield Work(recorded(folder), ledger, fresh_sets(study), settings, Screen(False), session)


def test_what_is_decided_by_the_first_nets_is_decided_alike_when_more_are_there(made: Path) -> None:
    done = recorded(made)
    with work_on(made) as work:
        few = work.outcomes(wanted(done, {0: 2, 2: 1}))
        every = work.all_outcomes()
    pairs = {(row["trial"], row["replicate"]) for row in few.to_pylist()}
    assert pairs == {(0, 0), (0, 1), (2, 0)}
    assert every.num_rows == 3 * few.num_rows
    assert confirmation.nets_of(every).seeds.tolist() == [3, 3, 3]


def test_a_net_whose_worker_is_lost_takes_the_epochs_of_one_net_of_a_run(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray's workers are lost here by a stand-in for its runner: no real one is lost whenever one likes."""
    handed: list[tuple[int, int]] = []

    def lose(driver: Retraining, *_: object) -> None:
        while (proposal := driver.next()) is not None:
            handed.append((proposal.number, proposal.seed))
            driver.lost(proposal.number)

    monkeypatch.setattr("robustune.tuning.run_trials", lose)
    monkeypatch.setattr("robustune.running.concurrency", lambda *_: 1)
    monkeypatch.setattr(Work, "_connected", lambda self: None)
    for run in (1, 2):
        with work_on(finished) as work:
            for _ in range(3):
                work.outcomes(wanted(recorded(finished), {0: 2}))
        assert len(handed) == 2 * run
