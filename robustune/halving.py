"""Early stopping for several objectives at once: asynchronous successive halving on Pareto ranks.

Source: asynchronous successive halving is Li et al. 2020 (ASHA), here in its stopping form: a trial is judged when it
reaches a rung, and never promoted later. Ranking by non-dominated front and then by spread is Deb et al. 2002
(NSGA-II), with feasibility first as there. Where ours deviates, the comments say so.
"""

import math
from collections.abc import Mapping
from typing import Final

import moocore
import numpy as np
from numpy.typing import NDArray

from analysis.front import losses
from search_spaces.study import EarlyStopping, Study

Array = NDArray[np.float64]

DIGITS: Final = 9
"""Decimals at which two spreads or violations are equal, so that rescaling an objective breaks no tie."""


def rungs(early_stopping: EarlyStopping, epochs: int) -> tuple[int, ...]:
    """Epochs at which trials are compared, ascending: grace * reduction^k while below `epochs`, then `epochs`.

    Without early stopping there is but the last.
    """
    found = []
    rung = early_stopping.grace
    while early_stopping.name != "none" and rung < epochs:
        found.append(rung)
        rung *= early_stopping.reduction
    return (*found, epochs)


class ParetoHalving:
    """Lets the best of each rung go on, about one in `reduction`, by what has arrived there so far.

    It keeps nothing but the scores that arrived at each rung, so replaying the reports in their order rebuilds it.

    Args:
        study: its objectives, constraints, budget and early stopping.
    """

    def __init__(self, study: Study) -> None:
        self._study = study
        self._rungs = {rung: Rung(study, rung) for rung in rungs(study.early_stopping, study.budget.epochs)[:-1]}

    def report(self, number: int, epoch: int, metrics: Mapping[str, float]) -> bool:
        """Whether a trial goes on after an epoch; between rungs, and at the last epoch, it always does.

        Args:
            number: the trial's number. A trial that reports to a rung again is told what it was told.
            epoch: how many epochs it has trained.
            metrics: the value of every objective and constraint that is measured by then. Where one is missing or not
                finite the trial does not go on, and the rung does not remember it.
        """
        rung = self._rungs.get(epoch)
        return rung is None or rung.report(number, metrics)


class Rung:
    """The scores that arrived at one rung, in their order, and what was decided of each."""

    def __init__(self, study: Study, epoch: int) -> None:
        self._reduction = study.early_stopping.reduction
        self._objectives = study.objectives_at(epoch)
        self._constraints = study.constraints_at(epoch)
        self._decisions: dict[int, bool] = {}
        self._scores: list[list[float]] = []
        self._violations: list[list[float]] = []

    def report(self, number: int, metrics: Mapping[str, float]) -> bool:
        """Inserts a newcomer, ranks it among all, and says whether it goes on."""
        if number in self._decisions:
            return self._decisions[number]
        objectives, bounds = self._objectives, self._constraints
        needed = [one.metric for one in objectives] + [one.metric for one in bounds]
        if not all(math.isfinite(metrics.get(name, math.nan)) for name in needed):
            return False
        self._scores.append([metrics[one.metric] for one in objectives])
        self._violations.append([max(0.0, one.violation(metrics[one.metric])) for one in bounds])
        self._decisions[number] = self._goes_on()
        return self._decisions[number]

    def _goes_on(self) -> bool:
        count, reduction = len(self._scores), self._reduction
        if count < reduction:
            return True
        costs = losses(np.asarray(self._scores, dtype=np.float64), [one.goal for one in self._objectives])
        violations = total_violations(np.asarray(self._violations, dtype=np.float64).reshape(count, -1))
        # Rounding down: a newcomer's place among exchangeable trials is uniform on 1..count, so it goes on with
        # probability floor(count / reduction) / count, which is never above the share allowed and tends to it.
        return leads(costs, violations) or place(costs, violations) < count // reduction


def total_violations(violations: Array) -> Array:
    """Sum of each row's violations, every constraint in units of the largest violation in its column.

    Args:
        violations: (rows, constraints), at least 0.

    Returns:
        (rows,); 0 is feasible.
    """
    if violations.shape[1] == 0:
        return np.zeros(len(violations))
    largest = violations.max(axis=0)
    total = (violations / np.where(largest > 0, largest, 1.0)).sum(axis=1)
    # A violation too small for the digits is one all the same.
    rounded: Array = np.where(total > 0, np.maximum(np.round(total, DIGITS), 10.0**-DIGITS), 0.0)
    return rounded


def leads(costs: Array, violations: Array) -> bool:
    """Whether the last row is feasible and strictly the best feasible one on some single objective.

    Only strictly, because the first to reach a best value went on for it: where all trials share one value (a collapsed
    objective), nobody else is to be spared for that.
    """
    if violations[-1] > 0:
        return False
    rivals = costs[:-1][violations[:-1] == 0]
    return bool(len(rivals) == 0 or (costs[-1] < rivals.min(axis=0)).any())


def place(costs: Array, violations: Array) -> int:
    """How many rows stand before the last one, by total violation, then front, then spread; ties to the earlier row.

    Fronts and spreads are those among rows of the newcomer's own total violation, so that infeasible rows neither push
    feasible ones to a later front nor stretch their scale.

    Args:
        costs: (rows, objectives), smaller is better.
        violations: (rows,) totals, 0 is feasible.
    """
    before = int((violations < violations[-1]).sum())
    peers = costs[violations == violations[-1]]
    fronts = moocore.pareto_rank(peers)
    own = fronts == fronts[-1]
    room = spread(peers[own], np.ptp(peers, axis=0))
    return before + int((fronts < fronts[-1]).sum()) + int((room[:-1] >= room[-1]).sum())


def spread(costs: Array, scales: Array) -> Array:
    """Room around each row of one front: the gap between its neighbours, summed over objectives, infinite at the ends.

    A row that shares its value with another has no room on that objective. (NSGA-II gives the room to whichever of
    them is sorted first, so the order of arrival would decide.)

    Args:
        costs: (rows, objectives).
        scales: (objectives,) the range of each objective in the rung.

    Returns:
        (rows,) in units of the ranges, rounded.
    """
    room = np.zeros(len(costs))
    for column, scale in zip(costs.T, scales, strict=True):
        values, where, twins = np.unique(column, return_inverse=True, return_counts=True)
        padded = np.concatenate([[-np.inf], values, [np.inf]])
        gaps = np.where(twins == 1, padded[2:] - padded[:-2], 0.0)
        room += gaps[where] / (scale or 1.0)
    return np.round(room, DIGITS)
