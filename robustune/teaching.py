"""What a trial teaches the sampler, above all one that was stopped early.

A stopped trial has scores of few epochs. Told as final values they would hold the sampler away from whatever learns
slowly; told as pruned they are lost, since Optuna takes no values of pruned trials under several objectives. So there
is one in-memory Optuna study for each rung, and in it only vectors that were measured at that rung:

- a trial that reaches a rung is told there with its scores of that epoch, and stays so whatever becomes of it later;
- a trial in flight is RUNNING at every rung it may still reach, so that a sampler that counts pending trials (TPE's
  constant liar) keeps away from it;
- a stopped trial is FAIL, which samplers ignore, at the rungs it never reaches, and so is one whose worker was lost;
- a trial that failed by its own options (it diverged, say) is infeasible at the rungs it never reached, worse than by
  any constraint. Ignored, its region would stay unexplored for the sampler, and TPE, which goes where good is likely
  and bad is rare, would ask for it again and again.

The highest rung with enough rows is asked: the nearest to what the search wants that can already be learned from.
Enough is what the sampler needs to do more than guess; see `robustune.sampler`.
"""

import logging
import math
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

from search_spaces.study import Study

FAILED_VIOLATION = 1e9
"""Above what constraints on scores can sum up to."""

Attributes = dict[str, Any]
"""What Optuna's sampler keeps with a trial and with its study (NSGA-II: generation, parents); plain JSON data."""


_LONG_AGO: Final = datetime(2000, 1, 1)
_IDLE: Final = RandomSampler(seed=0)  # a study's sampler while nothing is drawn: told of endings, it does nothing


class Teaching:
    """Holds one Optuna study per rung and tells each what it may know.

    Args:
        study: what is searched.
        rungs: epochs at which trials are compared, ascending; the last is the full budget.
        enough: rows from which on a rung above the lowest is asked.
        imputes: a trial that failed by its own options is given the worst scores of its rung in place of a violation
            beyond all others, which a model of the scores would try to explain.
    """

    def __init__(self, study: Study, rungs: Sequence[int], enough: int, imputes: bool = False) -> None:
        self._study = study
        self._lessons = {
            rung: Lesson([objective.goal for objective in study.objectives_at(rung)], imputes) for rung in rungs
        }
        self._enough = enough

    @property
    def asked(self) -> int:
        """The highest rung with enough rows, else the lowest."""
        ready = [rung for rung, lesson in self._lessons.items() if lesson.rows >= self._enough]
        return max(ready, default=min(self._lessons))

    @property
    def goals(self) -> list[str]:
        """Of the objectives that are measured at the asked rung."""
        return [objective.goal for objective in self._study.objectives_at(self.asked)]

    @property
    def rows(self) -> int:
        """How many trials have scores at the asked rung."""
        return self._lessons[self.asked].rows

    def trials(self) -> list[FrozenTrial]:
        """What the asked rung knows now: trials with scores, and those that are running."""
        return self._lessons[self.asked].trials()

    def ask(self, number: int, sampler: BaseSampler, draw: Callable[[Trial], None]) -> tuple[Trial, Attributes]:
        """Draws a new trial at the asked rung and sets it running at every rung.

        Returns:
            The trial of the asked rung, and what must be kept to restore it: `{rung: {"trial": ..., "study": ...}}`.
        """
        asked = self.asked
        trial, kept = self._lessons[asked].begin(number, sampler, draw)
        others = self.give(number, trial.params, trial.distributions, sampler, asked)
        return trial, {**({str(asked): kept} if kept else {}), **others}

    def give(
        self,
        number: int,
        parameters: Mapping[str, Any],
        laws: Mapping[str, BaseDistribution],
        kin: BaseSampler | None,
        beside: int | None = None,
    ) -> Attributes:
        """Sets a trial running that was drawn elsewhere, at every rung but `beside`; returns what must be kept of it.

        Args:
            number: the trial's number, a negative one for a trial of another study.
            parameters: its values.
            laws: their distributions.
            kin: the sampler that may count the trial into a generation; None: no such sampler.
            beside: the rung where it is running already.
        """
        attributes: Attributes = {}
        for rung, lesson in self._lessons.items():
            if rung != beside:
                kept = lesson.place(number, parameters, laws, kin)
                attributes |= {str(rung): kept} if kept else {}
        return attributes

    def restore(
        self,
        number: int,
        parameters: Mapping[str, Any],
        laws: Mapping[str, BaseDistribution],
        attributes: Mapping[str, Attributes],
    ) -> None:
        """Sets a trial that was drawn before running at every rung, without drawing."""
        for rung, lesson in self._lessons.items():
            lesson.restore(number, parameters, laws, attributes.get(str(rung), {}))

    def tell(self, number: int, rung: int, metrics: Mapping[str, float]) -> None:
        """Tells a rung what a trial scored there; FAIL if a score is missing or not finite. Once told, it stays."""
        needed = [objective.metric for objective in self._study.objectives_at(rung)]
        bounds = self._study.constraints_at(rung)
        if all(math.isfinite(metrics.get(name, math.nan)) for name in (*needed, *(bound.metric for bound in bounds))):
            violations = {
                f"{place}:{bound.metric}": bound.violation(metrics[bound.metric]) for place, bound in enumerate(bounds)
            }
            self._lessons[rung].complete(number, [metrics[name] for name in needed], violations)
        else:
            self._lessons[rung].fail(number)

    def close(self, number: int, blamed: bool = False) -> None:
        """Takes an ended trial out of every rung that it has not reached; as infeasible where `blamed`."""
        for lesson in self._lessons.values():
            if blamed:
                lesson.blame(number)
            else:
                lesson.fail(number)


class Lesson:
    """One rung's Optuna study, held in memory and spoken to through ask and tell alone."""

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
        self.rows = 0

    def begin(self, number: int, sampler: BaseSampler, draw: Callable[[Trial], None]) -> tuple[Trial, Attributes]:
        """Sets a trial running, its parameters drawn by `draw`; returns it with what the sampler left behind."""
        before = self._storage.get_study_system_attrs(self._id)
        self._study.sampler = sampler
        trial = self._study.ask()
        draw(trial)
        self._study.sampler = _IDLE
        self._running[number] = trial.number
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
        self._running[number] = self._storage.get_n_trials(self._id) - 1

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
