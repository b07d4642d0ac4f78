"""Early stopping for several objectives at once: asynchronous successive halving on Pareto ranks.

Source: asynchronous successive halving is Li et al. 2020 (ASHA), here in its stopping form: a trial is judged when it
reaches a rung, and never promoted later. Ranking by non-dominated front and then by spread is Deb et al. 2002
(NSGA-II), with feasibility first as there. Brackets are those of Hyperband (Li et al. 2018). Where ours deviates, the
comments say so.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import moocore
import numpy as np
from numpy.typing import NDArray

from analysis.front import losses
from robustune.brackets import Brackets
from search_spaces.study import EarlyStopping, Study

Array = NDArray[np.float64]

DIGITS: Final = 9
"""Decimals at which two spreads or violations are equal, so that rescaling an objective breaks no tie."""


def rungs(early_stopping: EarlyStopping, epochs: int) -> tuple[int, ...]:
    """Epochs at which trials of any bracket are compared, ascending, and then the last one, `epochs`.

    Without early stopping there is but the last.
    """
    return (*early_stopping.rungs(epochs), epochs)


class ParetoHalving:
    """Lets the best of each rung go on, about one in `reduction`, by what has arrived there so far.

    It keeps nothing but the scores that arrived at each rung, so remembering the reports in their order rebuilds it.

    Trials of one bracket are compared with each other alone, also where two brackets have a rung at the same epoch:
    those of an earlier bracket were selected on their way there, and beside them fewer of a later one would go on than
    one in `reduction`, who trained so long without being compared so that none is stopped too soon.

    Args:
        study: its objectives, constraints, budget, early stopping and seed.
    """

    def __init__(self, study: Study) -> None:
        rule, epochs = study.early_stopping, study.budget.epochs
        self._brackets = Brackets(study)
        self._rungs = [
            {epoch: Rung(study, epoch) for epoch in rule.rungs(epochs, bracket)} for bracket in range(rule.brackets)
        ]

    def report(self, number: int, epoch: int, metrics: Mapping[str, float]) -> bool:
        """Whether a trial goes on after an epoch; between its rungs, and at the last epoch, it always does.

        Args:
            number: the trial's number. A trial that reports to a rung again is told what it was told.
            epoch: how many epochs it has trained.
            metrics: the value of every objective and constraint that is measured by then. Where one is missing or not
                finite the trial does not go on, and the rung does not remember it.
        """
        rung = self._rung(number, epoch)
        return rung is None or rung.report(number, metrics)

    def remember(self, number: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Takes up a report of before without deciding on it again; the arguments are those of `report`."""
        if (rung := self._rung(number, epoch)) is not None:
            rung.remember(number, metrics)

    def stopped(self, number: int) -> None:
        """Takes no notice of which of the remembered trials were stopped: a rung keeps their scores all the same."""

    def _rung(self, number: int, epoch: int) -> "Rung | None":
        return self._rungs[self._brackets.of(number)].get(epoch)


@dataclass(frozen=True)
class Arrival:
    """How many trials came to a rung before one, how many distinct rows they had, and the place of its own row."""

    earlier: int
    distinct: int
    row: int


class Rung:
    """The scores that arrived at one rung, in their order, and what was decided of each.

    Equal rows count once: they are one net trained again, or nets that collapsed to one answer, and would take the
    places of those that go on.
    """

    def __init__(self, study: Study, epoch: int) -> None:
        self._reduction = study.early_stopping.reduction
        self._objectives = study.objectives_at(epoch)
        self._constraints = study.constraints_at(epoch)
        self._decisions: dict[int, bool] = {}
        self._arrived: dict[int, Arrival] = {}
        self._rows = Rows(len(self._objectives) + len(self._constraints))
        self._places: dict[tuple[float, ...], int] = {}

    def remember(self, number: int, metrics: Mapping[str, float]) -> bool:
        """Takes up a newcomer's scores, unless one is missing or not finite; returns whether the rung has them."""
        if number in self._arrived:
            return True
        objectives, bounds = self._objectives, self._constraints
        needed = [one.metric for one in objectives] + [one.metric for one in bounds]
        if not all(math.isfinite(metrics.get(name, math.nan)) for name in needed):
            return False
        scores = [metrics[one.metric] for one in objectives]
        row = (*scores, *(max(0.0, one.violation(metrics[one.metric])) for one in bounds))
        distinct = len(self._places)
        own = self._places.setdefault(row, distinct)
        if own == distinct:
            self._rows.add(row)
        self._arrived[number] = Arrival(len(self._arrived), distinct, own)
        return True

    def report(self, number: int, metrics: Mapping[str, float]) -> bool:
        """Inserts a newcomer, ranks it among all that came before it, and says whether it goes on."""
        if not self.remember(number, metrics):
            return False
        if number not in self._decisions:
            self._decisions[number] = self._goes_on(self._arrived[number])
        return self._decisions[number]

    def _goes_on(self, newcomer: Arrival) -> bool:
        if newcomer.earlier + 1 < self._reduction:
            return True
        own = self._rows.first(newcomer.row + 1)[newcomer.row :]
        rows = np.concatenate([self._rows.first(newcomer.distinct), own])
        width = len(self._objectives)
        costs = losses(rows[:, :width], [one.goal for one in self._objectives])
        violations = total_violations(rows[:, width:])
        # Rounding down: a newcomer's place among exchangeable trials is uniform on 1..count, so it goes on with
        # probability floor(count / reduction) / count, which is never above the share allowed and tends to it. Where
        # twins leave fewer rows than the reduction, the best of them goes on all the same, an infeasible one too.
        count = max(newcomer.distinct, newcomer.row + 1)
        return leads(costs, violations) or place(costs, violations) < max(1, count // self._reduction)


class Rows:
    """Rows of numbers that are added one by one and read as an array."""

    def __init__(self, width: int) -> None:
        self._held = np.empty((16, width))
        self._count = 0

    def add(self, row: Sequence[float]) -> None:
        """Adds a row; what `first` returned before stays as it is."""
        if self._count == len(self._held):
            self._held = np.concatenate([self._held, np.empty_like(self._held)])
        self._held[self._count] = row
        self._count += 1

    def first(self, count: int) -> Array:
        """The first rows, (count, width)."""
        return self._held[:count]


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
