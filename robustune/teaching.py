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

Which rung is asked: of those that have enough rows, each in turn. The last one knows what the search wants, but of
few trials, and of those that survived: what is bad it has hardly seen. A low one knows all trials, but prefers what
learns fast. In turn, neither fault is for long. Rungs before a fifth of the epochs are left out: they stop trials, and
teach nothing. In the table of classification the first of nine epochs ranks nets nearly by chance (Kendall's tau 0.13
to 0.19 to the last epoch, 0.42 to 0.54 for the second; benchmarks/tables/README.md). Where too few
trials of the budget would come to any later rung (grace 1 of 50 epochs, say), the sampler would draw at random to the
end, and as many early rungs as it takes do teach. A rung where an objective is not measured yet (`from_epoch`) is asked
only while no later one has rows enough. Enough is what the sampler needs to do more than guess; see `robustune.makers`.
docs/search-quality.md compares this rule with others.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, Trial

from robustune.brackets import reaching
from robustune.lessons import Attributes, Lesson
from search_spaces.study import Study
from trainables.seeds import derive

EARLY: Final = 5
"""Rungs before the first one of so many parts of the epochs has ended are too early to teach."""


class Teaching:
    """Holds one Optuna study per rung and tells each what it may know.

    Args:
        study: what is searched.
        rungs: epochs at which trials are compared, ascending; the last is the full budget.
        enough: rows from which on a rung is asked; before any has them it is the lowest.
        imputes: a trial that failed by its own options is given the worst scores of its rung in place of a violation
            beyond all others, which a model of the scores would try to explain.
    """

    def __init__(self, study: Study, rungs: Sequence[int], enough: int, imputes: bool = False) -> None:
        self._study = study
        self._enough = enough
        self._lessons = {
            rung: Lesson([objective.goal for objective in study.objectives_at(rung)], imputes)
            for rung in self.telling(rungs)
        }

    def telling(self, rungs: Sequence[int]) -> tuple[int, ...]:
        """Those of the rungs that teach, ascending: those too early only as far as later ones will lack rows.

        Rows are expected of the budget's trials, one in `reduction` of them going on at every rung.
        """
        early = [rung for rung in rungs if rung * EARLY < rungs[-1]]
        told = list(rungs[len(early) :])
        while early and self._expected(told[0]) < self._enough:
            told.insert(0, early.pop())
        return tuple(told)

    def _expected(self, rung: int) -> Fraction:
        budget = self._study.budget
        return budget.trials * reaching(self._study.early_stopping, budget.epochs, rung)

    def asked(self, number: int) -> int:
        """The rung that a new trial is drawn at.

        Args:
            number: the trial's number; with the study's seed it decides whose turn it is.
        """
        ready = [rung for rung, lesson in self._lessons.items() if lesson.rows >= self._enough]
        whole = [rung for rung in ready if len(self._study.objectives_at(rung)) == len(self._study.objectives)]
        if turns := whole or ready:
            return turns[derive(self._study.seed, number, "rung") % len(turns)]
        return min(self._lessons)

    def goals(self, number: int) -> list[str]:
        """Of the objectives that are measured at the rung that a new trial is drawn at."""
        return [objective.goal for objective in self._study.objectives_at(self.asked(number))]

    def rows(self, number: int) -> int:
        """How many trials have scores at the rung that a new trial is drawn at."""
        return self._lessons[self.asked(number)].rows

    def trials(self, number: int) -> list[FrozenTrial]:
        """What the rung that a new trial is drawn at knows now: trials with scores, and those that are running."""
        return self._lessons[self.asked(number)].trials()

    def ask(self, number: int, sampler: BaseSampler, draw: Callable[[Trial], None]) -> tuple[Trial, Attributes]:
        """Draws a new trial at the rung whose turn it is and sets it running at every rung.

        Returns:
            The trial of that rung, and what must be kept to restore it: `{rung: {"trial": ..., "study": ...}}`.
        """
        asked = self.asked(number)
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
        """Tells a rung what a trial scored there; FAIL if a score is missing or not finite. Once told, it stays.

        Nothing is told at a rung that is too early to be asked.
        """
        if rung not in self._lessons:
            return
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
