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

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, Trial

from robustune.lessons import Attributes, Lesson
from search_spaces.study import Study


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
