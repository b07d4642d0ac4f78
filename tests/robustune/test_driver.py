"""What is committed decides: a driver that is born again from the ledger goes on as the first would have."""

import hashlib
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from analysis import records
from robustune import checks
from robustune.driver import Driver, Proposal
from robustune.ledger import Ledger

Curves = Callable[..., Path]


def scores(config: Mapping[str, Any], epoch: int) -> dict[str, float]:
    learned = (1 - config["loss"]) * (1 - math.exp(-epoch))
    return {"accuracy": learned * math.cos(config["angle"]), "robustness": learned * math.sin(config["angle"])}


def a_report(proposal: Proposal, epoch: int, checkpoint: Mapping[str, Any] | None = None) -> dict[str, Any]:
    failure = {"code": "NONFINITE", "message": "the loss is nan"} if proposal.config["loss"] > 0.9 else None
    seconds = {"train_seconds": 0.1, "score_seconds": 0.1}
    return {
        "failure": failure,
        "epoch": epoch,
        "metrics": scores(proposal.config, epoch),
        "checkpoint": checkpoint,
        **seconds,
    }


def kept(folder: Path, number: int, epoch: int, content: bytes = b"weights") -> dict[str, Any]:
    path = folder / "checkpoints" / f"{number}-{epoch}"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return {"path": str(path), "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def begun(study: Path, folder: Path) -> Ledger:
    return Ledger.create(folder, checks.read(study), {})


def driver_of(ledger: Ledger) -> Driver:
    return Driver(ledger, lambda: None)


def run_out(ledger: Ledger, folder: Path, reborn: bool) -> list[Any]:
    """Runs the budget one trial at a time; `reborn` drops the driver after every single report."""
    said: list[Any] = []
    driver = driver_of(ledger)
    while (proposal := driver.next()) is not None:
        epoch, goes_on = proposal.resume_epoch, True
        said.append((proposal.number, dict(proposal.config)))
        while goes_on:
            epoch += 1
            goes_on = driver.report(proposal.number, a_report(proposal, epoch, kept(folder, proposal.number, epoch)))
            said.append((epoch, goes_on))
            if reborn:
                driver = driver_of(ledger)
                if goes_on:  # the trial was in flight: it is the first to go on
                    assert driver.requeued == 1
                    again = driver.next()
                    assert again is not None
                    assert (again.number, again.seed, again.resume_epoch) == (proposal.number, proposal.seed, epoch)
    return said


@pytest.mark.parametrize(
    ("sampler", "rule", "more"),
    [
        ("tpe", "pareto_halving", ""),
        ("nsga2", "pareto_halving", ""),
        ("random", "pareto_halving", ""),
        ("tpe", "pareto_halving", "reduction = 2\nbrackets = 3"),
        ("tpe", "asha", "reduction = 2\nbrackets = 2"),
        ("tpe", "median_stopping", ""),
        ("random", "median_stopping", "grace = 2\nquorum = 5"),
    ],
)
def test_a_driver_killed_after_every_report_decides_as_one_that_lived(
    curves: Curves, tmp_path: Path, sampler: str, rule: str, more: str
) -> None:
    study = curves(trials=20, epochs=5, sampler=sampler, early_stopping=rule, rule=more)
    if rule != "pareto_halving":  # Ray's are for one objective
        study.write_text(re.sub(r'\[\[objectives\]\]\s+metric = "robustness"[^[]*', "", study.read_text()))
    with begun(study, tmp_path / "lived") as ledger:
        lived = run_out(ledger, tmp_path / "lived", reborn=False)
    with begun(study, tmp_path / "reborn") as ledger:
        assert run_out(ledger, tmp_path / "reborn", reborn=True) == lived
    ended = records.trials(tmp_path / "lived").select(["state", "epochs"]).to_pylist()
    states = {one["state"]: {two["epochs"] for two in ended if two["state"] == one["state"]} for one in ended}
    assert states["complete"] == {5}  # and none other may stand on the front
    assert states["stopped"] <= {1, 2, 3, 4}


def test_a_trial_takes_up_no_checkpoint_that_the_ledger_does_not_know(curves: Curves, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    with begun(curves(epochs=9), folder) as ledger:
        driver = driver_of(ledger)
        proposal = driver.next()
        assert proposal is not None
        assert proposal.resume_epoch == 0  # what lies there is of a study that was here before
        driver.report(0, a_report(proposal, 1, kept(folder, 0, 1)))
        assert driver.retried(0) == 1


def test_a_checkpoint_written_anew_counts_and_the_scores_stay(curves: Curves, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    with begun(curves(epochs=9, early_stopping="none"), folder) as ledger:
        driver = driver_of(ledger)
        proposal = driver.next()
        assert proposal is not None
        driver.report(0, a_report(proposal, 1, kept(folder, 0, 1, b"on the first node")))
        other = a_report(proposal, 1, kept(folder, 0, 1, b"on the second node"))
        assert driver.report(0, {**other, "metrics": {"accuracy": 0.5, "robustness": 0.5}})
        (row,) = ledger.requeue()
        assert row.epoch == 1  # the file is whole by what the ledger says of it now
        after = driver_of(ledger).next()
        assert after is not None
        assert after.resume_epoch == 1


def test_nothing_remains_of_an_exhausted_grid(curves: Curves, tmp_path: Path) -> None:
    study = curves(trials=50, epochs=1, sampler="grid", early_stopping="none")
    study.write_text(study.read_text().replace("uniform = [0, 1]", "choice = [0.1, 0.2]"))
    with begun(study, tmp_path / "study") as ledger:
        driver = driver_of(ledger)
        assert driver.remaining == 4
        while (proposal := driver.next()) is not None:
            driver.report(proposal.number, a_report(proposal, 1))
        assert driver.remaining == 0
        assert driver_of(ledger).remaining == 0
