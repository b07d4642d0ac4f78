"""One rung's Optuna study, held in memory and spoken to through ask and tell alone."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from datetime import datetime
from typing import Any, Final

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, NSGAIIISampler, NSGAIISampler, RandomSampler
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, Trial, TrialState

FAILED_VIOLATION = 1e9
"""Above what constraints on scores can sum up to."""

Attributes = dict[str, Any]
"""What Optuna's sampler keeps with a trial and with its study (NSGA-II: generation, parents); plain JSON data."""

_LONG_AGO: Final = datetime(2000, 1, 1)
_IDLE: Final = RandomSampler(seed=0)  # a study's sampler while nothing is drawn: told of endings, it does nothing


class Lesson:
    """What one rung knows of trials: those with scores of that rung's epoch, and those that may still reach it.

    Args:
        goals: "max" or "min" of each objective.
        imputes: a trial that failed by its own options gets the worst scores so far, in place of a violation.
    """

    def __init__(self, goals: Sequence[str], imputes: bool = False) -> None:
        self._goals = list(goals)
        self._imputes = imputes
        self._worst: list[float] = []
        self._violations: dict[str, float] = {}
        self._storage = InMemoryStorage()
        with quiet():
            self._study = optuna.create_study(
                storage=self._storage, directions=["maximize" if goal == "max" else "minimize" for goal in goals]
            )
        self._id = self._storage.get_study_id_from_name(self._study.study_name)
        self._running: dict[int, int] = {}  # Optuna's number of each trial, by ours
        self._held = 0  # trials in the study; Optuna would copy the list of them to count it
        self.rows = 0

    def begin(self, number: int, sampler: BaseSampler, draw: Callable[[Trial], None]) -> tuple[Trial, Attributes]:
        """Sets a trial running, its parameters drawn by `draw`; returns it with what the sampler left behind."""
        before = self._storage.get_study_system_attrs(self._id)
        self._study.sampler = sampler
        trial = self._study.ask()
        draw(trial)
        self._study.sampler = _IDLE
        self._running[number] = trial.number
        self._held += 1
        after = self._storage.get_study_system_attrs(self._id)
        kept = {
            "trial": dict(self._storage.get_trial(self._row(number)).system_attrs),
            "study": {key: value for key, value in after.items() if key not in before},
        }
        return trial, {owner: values for owner, values in kept.items() if values}

    def place(
        self, number: int, parameters: Mapping[str, Any], laws: Mapping[str, BaseDistribution], kin: BaseSampler | None
    ) -> Attributes:
        """Sets a trial running that was drawn elsewhere; returns what its kin, if it breeds, counted it into.

        Raises:
            ValueError: a parameter lies outside its distribution.
        """
        self._take(number, parameters, laws, {})
        if not isinstance(kin, NSGAIISampler | NSGAIIISampler):
            return {}
        kin.get_trial_generation(self._study, self._storage.get_trial(self._row(number)))
        return {"trial": dict(self._storage.get_trial(self._row(number)).system_attrs)}

    def restore(
        self,
        number: int,
        parameters: Mapping[str, Any],
        laws: Mapping[str, BaseDistribution],
        attributes: Attributes,
    ) -> None:
        """Sets a trial running that was drawn before, with what `begin` or `place` returned of it.

        Raises:
            ValueError: a parameter lies outside its distribution.
        """
        self._take(number, parameters, laws, attributes.get("trial", {}))
        for key, value in attributes.get("study", {}).items():
            self._storage.set_study_system_attr(self._id, key, value)

    def _take(
        self,
        number: int,
        parameters: Mapping[str, Any],
        laws: Mapping[str, BaseDistribution],
        attributes: Mapping[str, Any],
    ) -> None:
        self._study.add_trial(Row.running(parameters, laws, attributes))
        self._running[number] = self._held
        self._held += 1

    def complete(self, number: int, values: Sequence[float], violations: Mapping[str, float]) -> None:
        """Tells finite values and violations (feasible at or below 0) of a running trial; nothing for another."""
        if number in self._running:
            self._tell(number, values, violations)
            self.rows += 1
            self._remember_worst(values, violations)

    def blame(self, number: int) -> None:
        """Makes a running trial worse than every other; nothing for one that was told.

        Samplers rank infeasible trials by their violations alone, so the values, which Optuna wants, count for nothing.
        Where scores are imputed they are the worst that the rung has seen; before there are any the trial is ignored.
        """
        if self._imputes:
            self._impute(number)
        elif number in self._running:
            self._tell(number, [0.0] * len(self._goals), {"failed": FAILED_VIOLATION})

    def trials(self) -> list[FrozenTrial]:
        """Trials with scores and running ones; Optuna replaces one that it changes, so these stay as they are."""
        return self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.RUNNING))

    def _remember_worst(self, values: Sequence[float], violations: Mapping[str, float]) -> None:
        worst = self._worst or list(values)
        turns = [min if goal == "max" else max for goal in self._goals]
        self._worst = [turn(old, new) for turn, old, new in zip(turns, worst, values, strict=True)]
        self._violations = {key: max(self._violations.get(key, new), new) for key, new in violations.items()}

    def _impute(self, number: int) -> None:
        if not self._worst:
            self.fail(number)
        elif number in self._running:
            self._tell(number, self._worst, self._violations)

    def fail(self, number: int) -> None:
        """Makes samplers ignore a running trial; nothing for one that was told."""
        if number in self._running:
            self._study.tell(self._running.pop(number), state=TrialState.FAIL)

    def _tell(self, number: int, values: Sequence[float], violations: Mapping[str, float]) -> None:
        if violations:
            trial = Trial(self._study, self._row(number))
            for key, violation in violations.items():
                trial.set_constraint(key, violation)
        self._study.tell(self._running.pop(number), list(values))

    def _row(self, number: int) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._id, self._running[number])


class Row(FrozenTrial):
    """A trial that was drawn elsewhere, which the rungs hold between them: parameters and distributions stand once.

    Drawn again by a sampler that only repeats them, each parameter would be copied at each rung, with a distribution of
    its own. A storage keeps a deep copy of what is added; it replaces what it changes, so a shallow one does.
    """

    @classmethod
    def running(
        cls, parameters: Mapping[str, Any], laws: Mapping[str, BaseDistribution], attributes: Mapping[str, Any]
    ) -> "Row":
        """A trial in flight; mappings that are dicts are kept, not copied, the attributes excepted."""
        return cls(
            number=0,  # the storage gives both numbers
            trial_id=0,
            state=TrialState.RUNNING,
            params=parameters if isinstance(parameters, dict) else dict(parameters),
            distributions=laws if isinstance(laws, dict) else dict(laws),
            user_attrs={},
            system_attrs=dict(attributes),
            value=None,
            intermediate_values={},
            datetime_start=_LONG_AGO,
            datetime_complete=None,
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> "Row":
        return copy(self)


@contextmanager
def quiet() -> Iterator[None]:
    """Optuna logs nothing below a warning inside, and whatever the user had set outside."""
    logger = logging.getLogger("optuna")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
