"""Ray's own rules of early stopping, asked by the driver, so that they too can be rebuilt from the ledger.

Ray Tune's schedulers decide inside a run and keep what they know there. Here each is driven by hand: it is told what
Ray would tell it for the same reports, with a stand-in for Ray's trial. Mapped to Ray 2.60, with `training_iteration`
for time:

- asha: `AsyncHyperBandScheduler(max_t=epochs, grace_period=grace, reduction_factor=reduction)`;
- median_stopping: `MedianStoppingRule(grace_period=grace, min_samples_required=quorum, hard_stop=True,
  min_time_slice=inf)`. Below infinity Ray would pause trials while fewer than the quorum have come as far.

Source: ASHA is Li et al. 2020; median stopping is Golovin et al. 2017 (Vizier), section 3.2.1.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from ray.tune.schedulers import AsyncHyperBandScheduler, MedianStoppingRule, TrialScheduler

from robustune.brackets import Brackets
from search_spaces.study import Study

TIME = "training_iteration"


@dataclass(frozen=True)
class StandIn:
    """What Ray's schedulers look at in a trial."""

    trial_id: str


class RayRule(ABC):
    """Asks a scheduler of Ray's about each report of a trial once, by the study's only objective.

    Constraints are not looked at: Ray's schedulers know none.
    """

    def __init__(self, study: Study) -> None:
        (self._objective,) = study.objectives
        self._epochs = study.budget.epochs
        self._latest: dict[int, int] = {}
        self._ends: dict[int, int] = {}

    def report(self, number: int, epoch: int, metrics: Mapping[str, float]) -> bool:
        """Whether a trial goes on after an epoch, as Ray says; at the last epoch it does.

        Args:
            number: the trial's number. A trial that reports an epoch again is told what it was told.
            epoch: how many epochs it has trained.
            metrics: where the objective is missing or not finite the trial does not go on, and nothing is remembered;
                before the objective is measured it does.
        """
        if epoch < self._objective.from_epoch:
            return True
        if epoch > self._latest.get(number, 0):
            if not math.isfinite(metrics.get(self._objective.metric, math.nan)):
                return False
            if not self._take(number, epoch, metrics, decides=True):
                self.stopped(number)
        return self._ends.get(number) != epoch

    def remember(self, number: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Takes up a report of before without deciding on it again; the arguments are those of `report`."""
        known = epoch <= self._latest.get(number, 0) or epoch < self._objective.from_epoch
        if not known and math.isfinite(metrics.get(self._objective.metric, math.nan)):
            self._take(number, epoch, metrics, decides=False)

    def stopped(self, number: int) -> None:
        """Takes up that a trial was stopped after its last report, which Ray then tells its scheduler once more."""
        if (epoch := self._latest.get(number)) is not None and number not in self._ends:
            self._ends[number] = epoch
            self._close(StandIn(str(number)))

    def _take(self, number: int, epoch: int, metrics: Mapping[str, float], decides: bool) -> bool:
        self._latest[number] = epoch
        result = {TIME: epoch, self._objective.metric: metrics[self._objective.metric]}
        return self._hear(number, StandIn(str(number)), result, decides)

    @abstractmethod
    def _hear(self, number: int, trial: StandIn, result: dict[str, Any], decides: bool) -> bool:
        """Tells the scheduler a new report; returns whether the trial goes on."""

    @abstractmethod
    def _close(self, trial: StandIn) -> None:
        """Tells the scheduler that a trial was stopped after the report it was told last."""


class Asha(RayRule):
    """Ray's asynchronous successive halving.

    There is a scheduler for each bracket. A single one would draw the brackets of trials from numpy's global state;
    here they are drawn by Ray's shares, from the study's seed and the trial's number.
    """

    def __init__(self, study: Study) -> None:
        super().__init__(study)
        self._brackets = Brackets(study)
        rule = study.early_stopping
        self._added: set[int] = set()
        self._schedulers: list[Any] = [  # Any: Ray's types want Ray's own trials
            AsyncHyperBandScheduler(
                time_attr=TIME,
                metric=self._objective.metric,
                mode=self._objective.goal,
                max_t=study.budget.epochs,
                grace_period=grace,
                reduction_factor=rule.reduction,
            )
            for bracket in range(rule.brackets)
            if (grace := rule.grace * rule.reduction**bracket) < study.budget.epochs
        ]

    def _hear(self, number: int, trial: StandIn, result: dict[str, Any], decides: bool) -> bool:
        bracket = self._brackets.of(number)
        if bracket >= len(self._schedulers) or result[TIME] >= self._epochs:
            return True
        scheduler = self._schedulers[bracket]
        if number not in self._added:
            self._added.add(number)
            with numpy_state_kept():  # Ray draws among the scheduler's brackets, also where there is one
                scheduler.on_trial_add(None, trial)
        return bool(scheduler.on_trial_result(None, trial, result) == TrialScheduler.CONTINUE)

    def _close(self, trial: StandIn) -> None:
        """Tells nothing: a rung takes each trial once."""


class MedianStopping(RayRule):
    """Ray's median stopping: who was never better than the median of the others' means so far ends."""

    def __init__(self, study: Study) -> None:
        super().__init__(study)
        rule = study.early_stopping
        self._last: dict[StandIn, dict[str, Any]] = {}
        self._scheduler: Any = MedianStoppingRule(
            time_attr=TIME,
            metric=self._objective.metric,
            mode=self._objective.goal,
            grace_period=rule.grace,
            min_samples_required=rule.quorum,
            min_time_slice=math.inf,  # type: ignore[arg-type]  # Ray only compares with it
            hard_stop=True,
        )

    def _hear(self, number: int, trial: StandIn, result: dict[str, Any], decides: bool) -> bool:
        self._last[trial] = result
        # At the last epoch Ray does not ask its scheduler, and tells it that the trial is complete. That alone takes up
        # a report without weighing it, so it is told of the remembered ones in the same way.
        if result[TIME] >= self._epochs or not decides:
            self._scheduler.on_trial_complete(None, trial, result)
            return True
        return bool(self._scheduler.on_trial_result(None, trial, result) == TrialScheduler.CONTINUE)

    def _close(self, trial: StandIn) -> None:
        self._scheduler.on_trial_complete(None, trial, self._last[trial])


@contextmanager
def numpy_state_kept() -> Iterator[None]:
    """Gives numpy's global random state back as it was."""
    state = np.random.get_state()
    try:
        yield
    finally:
        np.random.set_state(state)
