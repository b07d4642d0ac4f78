"""What a study has used of its budget, and what ends it."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from analysis import ending, records
from analysis.ending import STOPPED, End
from analysis.front import losses
from search_spaces.extent import trial_limit
from search_spaces.study import Study

SECONDS_AN_HOUR = 3600.0


class Spending:
    """Counts trials, epochs and what trials brought, in the order of the ledger, so that a resumed search counts alike.

    A bound that was reached stays reached: trials in flight may still enlarge the hypervolume after the patience ended.

    Args:
        study: its budget, objectives and constraints.
        extended: the event after which the patience is counted; 0 where the study was never extended.
    """

    def __init__(self, study: Study, extended: float = 0) -> None:
        self._study = study
        self._extended = extended
        self._limit = trial_limit(study)
        self._front: list[list[float]] = []
        self._without_gain = 0
        self._out_of_patience = False
        self.trials = 0
        self.epochs = 0

    def asked(self) -> None:
        """Counts a trial that begins."""
        self.trials += 1

    def reported(self) -> None:
        """Counts an epoch."""
        self.epochs += 1

    def ended(self, state: str, metrics: Mapping[str, float], event: int | None = None) -> None:
        """Counts a trial that ended; one that failed says nothing of what there is to gain.

        Args:
            state: "complete", "stopped" or "failed".
            metrics: scores of its last epoch.
            event: its number in the ledger; None: it happens now.
        """
        if state not in ("complete", "stopped"):
            return
        gained = state == "complete" and self._gains(metrics)
        if event is not None and event <= self._extended:
            return
        self._without_gain = 0 if gained else self._without_gain + 1
        patience = self._study.budget.patience
        self._out_of_patience |= patience is not None and self._without_gain >= patience

    def end(self, seconds: float) -> End | None:
        """Which bound is reached, after so many seconds of all drivers; None: another trial may begin."""
        budget = self._study.budget
        if self._out_of_patience:
            return End("patience", f"{budget.patience} trials in a row brought no gain in hypervolume (patience)")
        if budget.hours is not None and seconds >= budget.hours * SECONDS_AN_HOUR:
            return End("hours", f"the budget of {budget.hours:g} hours is spent")
        if budget.total_epochs is not None and self.epochs >= budget.total_epochs:
            return End("total_epochs", f"the budget of {budget.total_epochs} epochs is spent ({self.epochs} trained)")
        if self.trials < self._limit:
            return None
        if self._limit < budget.trials:
            return End("grid", f"all {self._limit} points of the grid were tried")
        return End("trials", f"all {budget.trials} trials of the budget were run")

    def left(self, seconds: float) -> int:
        """How many trials may still begin, as far as the other bounds allow that."""
        return 0 if self.end(seconds) is not None else self._limit - self.trials

    def _gains(self, metrics: Mapping[str, float]) -> bool:
        """Takes up a trial of full epochs, and says whether it enlarges the hypervolume.

        It does where it is better than the reference everywhere and no other is as good everywhere: no volume needs to
        be computed, and no rounding decides.
        """
        objectives = self._study.objectives
        scores = [metrics.get(one.metric, math.nan) for one in objectives]
        held = all(one.violation(metrics.get(one.metric, math.nan)) <= 0 for one in self._study.bounds)
        if not held or not all(map(math.isfinite, scores)):
            return False
        both = losses(np.array([scores, [one.reference for one in objectives]]), [one.goal for one in objectives])
        point, reference = both.tolist()
        if any(value >= worst for value, worst in zip(point, reference, strict=True)):
            return False
        if any(_as_good(other, point) for other in self._front):
            return False
        self._front = [other for other in self._front if not _as_good(point, other)] + [point]
        return True


def _as_good(one: Iterable[float], other: Iterable[float]) -> bool:
    return all(left <= right for left, right in zip(one, other, strict=True))


def spending(folder: Path, study: Study | None = None, extended: float | None = None) -> Spending:
    """Counts what the ledger of a study holds, against its own budget or another one.

    Args:
        folder: of the study.
        study: with the budget that counts; None: as the ledger holds it.
        extended: the event after which the patience is counted; None: the last extension.

    Raises:
        LedgerError: there is no whole ledger.
    """
    since = records.extended(folder) if extended is None else extended
    found = Spending(study or records.read_study(folder), since)
    for event in records.events(folder):
        if event.kind == "asked":
            found.asked()
        elif event.kind == "reported":
            found.reported()
        else:
            found.ended(event.state, event.metrics, event.seq)
    return found


def end_of(folder: Path) -> End | None:
    """Which bound ended a study that no driver works on; None where it has not ended, or was stopped before.

    Raises:
        LedgerError: there is no whole ledger.
    """
    told = ending.ended(folder)
    if told is not None and told.key != STOPPED:
        return told
    return spending(folder).end(records.driver_seconds(folder))
