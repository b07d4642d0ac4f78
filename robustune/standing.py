"""Where a search stands, read from its ledger."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis import front as fronts
from analysis import records
from analysis.ending import End, ended
from robustune.budget import SECONDS_AN_HOUR, end_of, spending
from robustune.remaining import Life, epochs_left
from robustune.unmet import Unmet, unmet
from search_spaces.extent import trial_limit
from search_spaces.study import Study


@dataclass(frozen=True)
class Standing:
    """Trials by state, the front so far, the time that is left, in seconds, as far as known, and what ended the search.

    `trials` is how many there may be, `epochs` how many all of them have trained together. A row of the front has the
    trial's number, then as many scores as there are `objectives`, then the trial's options. `unmet` tells of
    constraints that no trial has met.
    """

    name: str
    trials: int
    counts: Mapping[str, int]
    objectives: int
    front: list[dict[str, str]]
    hypervolume: float
    seconds_left: float | None
    end: End | None = None
    unmet: tuple[Unmet, ...] = ()
    epochs: int = 0

    @property
    def ended(self) -> int:
        """Trials that are complete, stopped or failed."""
        return sum(count for state, count in self.counts.items() if state != "running")


def trials_left(folder: Path) -> int:
    """Counts the trials that a search has still to run, those in flight included; a grid has no more than its points.

    Raises:
        LedgerError: there is no whole ledger.
    """
    running = records.counts(folder)["running"]
    return running + spending(folder).left(records.driver_seconds(folder))


def standing(folder: Path, seconds: float | None = None, earlier: int = 0) -> Standing:
    """Reads where the study in a folder stands.

    The time left assumes that epochs go on ending at the rate of this run, and that trials live as long as they have so
    far; it is not known before a few have ended.

    Args:
        folder: of the study.
        seconds: how long this driver has trained; None where none does.
        earlier: epochs that had been trained before it began.

    Raises:
        LedgerError: there is no whole ledger.
    """
    study = records.read_study(folder)
    trials = records.trials(folder)
    counts = dict.fromkeys(("running", "complete", "stopped", "failed"), 0)
    for state in trials["state"].to_pylist():
        counts[state] += 1
    front = fronts.front(trials, study)
    history = fronts.hypervolume_history(trials, study)
    limit = trial_limit(study)
    lives = [
        Life(epochs, state == "running")
        for epochs, state in zip(trials["epochs"].to_pylist(), trials["state"].to_pylist(), strict=True)
    ]
    return Standing(
        name=study.name,
        trials=limit,
        counts=counts,
        objectives=len(study.objectives),
        front=fronts.rows(front, study),
        hypervolume=history["hypervolume"][-1].as_py() if history.num_rows else 0.0,
        seconds_left=None if seconds is None else _seconds_left(folder, study, lives, seconds, earlier),
        end=_end(folder, counts["running"], at_work=seconds is not None),
        unmet=_unmet(folder, study, front.num_rows > 0),
        epochs=sum(life.epochs for life in lives),
    )


def _unmet(folder: Path, study: Study, reached: bool) -> tuple[Unmet, ...]:
    """What no trial has met; who stands on the front has met all that holds at the last epoch, and no epoch is read."""
    if study.constraints == (study.bounds if reached else ()):
        return ()
    return unmet(study, records.epochs(folder))


def _end(folder: Path, running: int, at_work: bool) -> End | None:
    told = None if at_work else ended(folder)
    return told or (None if running else end_of(folder))


def _seconds_left(folder: Path, study: Study, lives: Sequence[Life], seconds: float, earlier: int) -> float | None:
    """The time left at the pace of this run; None before each slot has brought an epoch, its start included."""
    budget, trained = study.budget, sum(life.epochs for life in lives)
    running = sum(life.running for life in lives)
    left = epochs_left(lives, max(0, trial_limit(study) - len(lives)), budget.epochs)
    if left is None or trained - earlier < max(1, running):
        return None
    if budget.total_epochs is not None:
        left = min(left, max(0, budget.total_epochs - trained))
    told = seconds / (trained - earlier) * left
    if budget.hours is None:
        return told
    return min(told, max(0.0, budget.hours * SECONDS_AN_HOUR - records.driver_seconds(folder, time.time())))
