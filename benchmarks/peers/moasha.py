"""Syne Tune's MOASHA, spoken to as its tuner does: several objectives stopped early, proposals by chance.

Source: Schmucker et al. 2021, as in syne-tune 0.16. There a row's priority is not its rank: the rows stand sorted where
ranks are meant, so that a newcomer is judged by where the worst row of all arrived. It is taken as it is published.
"""

import datetime
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import moocore
import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from syne_tune.backend.trial_status import Trial
from syne_tune.config_space import choice, lograndint, loguniform, randint, uniform
from syne_tune.optimizer.scheduler import SchedulerDecision
from syne_tune.optimizer.schedulers.multiobjective.moasha import MOASHA
from syne_tune.optimizer.schedulers.multiobjective.multiobjective_priority import MOPriority

from analysis.front import goals, losses
from robustune.distributions import Translator
from robustune.driver import Proposal
from search_spaces import Study
from trainables.seeds import derive

EPOCH = "epoch"
GRACE, REDUCTION = 1, 3
"""MOASHA's defaults."""


class LastFirst(MOPriority):  # type: ignore[misc]
    """MOASHA's default priority, in seconds where that takes minutes of a search.

    MOASHA compares the last entry alone, and the published sorting is of the third order in the rows. Here the order
    within fronts before the last one is that of arrival, which changes no decision.
    """

    def priority_unsafe(self, objectives: NDArray[np.float64]) -> NDArray[np.int64]:
        """Returns the rows' places by front, those of the last front spread out from the best of the first objective.

        Args:
            objectives: (rows, objectives), smaller is better.
        """
        fronts = moocore.pareto_rank(objectives)
        order = np.argsort(fronts, kind="stable")
        last = np.flatnonzero(fronts == fronts.max())
        order[len(order) - len(last) :] = last[_spread_out(objectives[last])]
        return order


def _spread_out(rows: NDArray[np.float64]) -> NDArray[np.int64]:
    """What `compute_epsilon_net` returns, of the second order; it calls ranks in the order of choice an order."""
    ranks = np.empty(len(rows), dtype=np.int64)
    chosen = int(np.argmin(rows[:, 0]))
    nearest = np.full(len(rows), np.inf)
    for rank in range(len(rows)):
        ranks[chosen] = rank
        nearest = np.minimum(nearest, np.linalg.norm(rows - rows[chosen], axis=-1))
        nearest[chosen] = -np.inf
        chosen = int(np.argmax(nearest))
    return ranks


class SyneTune:
    """MOASHA over a study's domains and objectives; of constraints it knows nothing.

    It draws from NumPy's global stream, so each search has a state of it of its own that is in place while MOASHA
    computes. It has one sense for all metrics, so maxima are turned.

    Args:
        study: what is searched; every objective is measured from the first epoch on.
        grace: epochs that every trial may train.
        reduction: of that many trials at a rung about one goes on.
    """

    def __init__(self, study: Study, grace: int, reduction: int) -> None:
        self._study = study
        self._translator = Translator(study.space)
        self._names = [one.metric for one in study.objectives]
        self._trials: dict[int, Trial] = {}
        seed = derive(study.seed, "peer") % 2**32
        self._state = np.random.RandomState(seed).get_state()
        self._scheduler = MOASHA(
            {name: _domain(law) for name, law in self._translator.all_laws.items()},
            metrics=self._names,
            time_attr=EPOCH,
            multiobjective_priority=LastFirst(),
            max_t=study.budget.epochs,
            grace_period=grace,
            reduction_factor=reduction,
            random_seed=seed,
        )

    def next(self) -> Proposal:
        """Asks for the next trial; there always is one. Options that are not active are drawn and left out."""
        number = len(self._trials)
        with self._drawing():
            suggestion = self._scheduler.suggest()
            assert suggestion is not None
            self._trials[number] = Trial(number, suggestion.config, datetime.datetime.min)
            self._scheduler.on_trial_add(self._trials[number])
        config = self._translator.config({name: _plain(value) for name, value in suggestion.config.items()})
        return Proposal(number, derive(self._study.seed, number, "trial"), config, 0)

    def report(self, number: int, report: Mapping[str, Any]) -> bool:
        """Tells the scheduler one epoch, and returns whether it lets the trial go on."""
        trial = self._trials[number]
        if report["failure"] is not None:
            self._scheduler.on_trial_error(trial)
            return False
        scores = np.array([[report["metrics"][name] for name in self._names]])
        turned = losses(scores, goals(self._study))[0].tolist()
        with self._drawing():
            told = dict(zip(self._names, turned, strict=True)) | {EPOCH: report["epoch"]}
            decision = self._scheduler.on_trial_result(trial, told)
        return bool(decision == SchedulerDecision.CONTINUE)

    @contextmanager
    def _drawing(self) -> Iterator[None]:
        before = np.random.get_state()
        np.random.set_state(self._state)
        try:
            yield
        finally:
            self._state = np.random.get_state()
            np.random.set_state(before)


def as_ours(study: Study, clock: Callable[[], float]) -> SyneTune:
    """Begins MOASHA with the study's grace and reduction."""
    return SyneTune(study, study.early_stopping.grace, study.early_stopping.reduction)


def by_default(study: Study, clock: Callable[[], float]) -> SyneTune:
    """Begins MOASHA with its own grace and reduction."""
    return SyneTune(study, GRACE, REDUCTION)


def _domain(law: BaseDistribution) -> Any:
    if isinstance(law, CategoricalDistribution):
        return choice(list(law.choices))
    assert isinstance(law, FloatDistribution | IntDistribution)
    if isinstance(law, IntDistribution):
        return (lograndint if law.log else randint)(law.low, law.high)
    return (loguniform if law.log else uniform)(law.low, law.high)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
