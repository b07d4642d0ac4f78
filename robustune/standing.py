"""Where a search stands, read from its ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from analysis import front as fronts
from analysis import records
from robustune.budget import End, end_of, spending
from robustune.unmet import Unmet, unmet


@dataclass(frozen=True)
class Standing:
    """Trials by state, the front so far, the time that is left, in seconds, as far as known, and what ended the search.

    A row of the front has the trial's number, then as many scores as there are `objectives`, then the trial's options.
    `unmet` tells of constraints that no trial has met.
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

    The time left assumes that trials go on ending at the rate of this run.

    Args:
        folder: of the study.
        seconds: how long this driver has trained; None where none does.
        earlier: trials that had ended before it began.

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
    ended = trials.num_rows - counts["running"]
    left = None
    if seconds is not None and ended > earlier:
        left = seconds / (ended - earlier) * max(0, study.budget.trials - ended)
    return Standing(
        name=study.name,
        trials=study.budget.trials,
        counts=counts,
        objectives=len(study.objectives),
        front=fronts.rows(front, study),
        hypervolume=history["hypervolume"][-1].as_py() if history.num_rows else 0.0,
        seconds_left=left,
        end=None if counts["running"] else end_of(folder),
        unmet=unmet(study, records.epochs(folder)) if study.constraints else (),
    )
