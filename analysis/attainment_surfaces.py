"""What shares of several searches attain: the edge of what so many of them reach, and where one method's reach more.

Both are taken within the reference point, where the integral of the difference is that of the mean hypervolumes.

Source: Grunert da Fonseca, Fonseca & Hall 2001 (the attainment function); Lopez-Ibanez, Paquete & Stuetzle 2010 (its
differences).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from analysis.front import Floats, losses, staircase
from search_spaces.study import Objective

SLABS_MOST: Final = 20_000
"""Slabs of the objectives beyond the second; one takes a tenth of a millisecond."""


@dataclass(frozen=True)
class Cell:
    """A rectangle of two objectives, by values, in which the difference of attainment is the same.

    `share` is the share of one method's searches that attain it less the share of the other's, -1 to 1 and never 0.
    """

    left: float
    right: float
    low: float
    high: float
    share: float


def surface(fronts: Sequence[Floats], objectives: Sequence[Objective], count: int) -> Floats:
    """Returns (k, 2) corners of the edge of what at least `count` of the searches attain; none where so few do.

    Args:
        fronts: (n, 2) values of each search; an empty one attains nothing.
        objectives: the two.
        count: of searches, 1 to all of them.
    """
    edges, heights = _columns(fronts, objectives)
    reached = np.sort(heights, axis=0)[count - 1]
    within = reached < _reference(objectives)[1]
    turned = np.column_stack([edges[:-1], reached])[within]
    return staircase(_values(turned, objectives), objectives)


def difference(one: Sequence[Floats], other: Sequence[Floats], objectives: Sequence[Objective]) -> tuple[Cell, ...]:
    """Returns where within the reference the searches of one method attain more, or less, than those of another.

    Args:
        one: (n, 2) values of each search of the one method.
        other: of each search of the other.
        objectives: the two.

    Returns:
        Rectangles that do not overlap; the sum of area times share is the difference of the mean hypervolumes.
    """
    edges, heights = _columns([*one, *other], objectives)
    top = _reference(objectives)[1]
    weights = np.array([1 / len(one)] * len(one) + [-1 / len(other)] * len(other))
    open_cells: dict[tuple[float, float, float], float] = {}
    found: list[tuple[float, float, float, float, float]] = []
    for left, column in zip(edges[:-1].tolist(), heights.T, strict=True):
        now = _levels(column, weights, top)
        found += [(open_cells.pop(key), left, *key) for key in list(open_cells) if key not in now]
        for key in now:
            open_cells.setdefault(key, left)
    found += [(begun, float(edges[-1]), *key) for key, begun in open_cells.items()]
    return tuple(_cell(one_found, objectives) for one_found in sorted(found))


def gains(
    one: Sequence[Floats], other: Sequence[Floats], objectives: Sequence[Objective]
) -> tuple[float, float] | None:
    """Returns the volume that more searches of one method attain, each part times the difference, and the reverse.

    The first less the second is the difference of the mean hypervolumes; of one search each they are what it alone
    attains.

    Args:
        one: (n, m) values of each search of the one method.
        other: of each search of the other.
        objectives: the m.

    Returns:
        None where so many objectives and points would take too long.
    """
    goals, reference = [part.goal for part in objectives], _reference(objectives)
    every = [losses(np.asarray(front).reshape(-1, len(objectives)), goals) for front in (*one, *other)]
    inside = [points[(points < reference).all(axis=1)] for points in every]
    slabs = [len(np.unique(np.concatenate([points[:, place] for points in inside]))) for place in range(len(goals))]
    if math.prod(slabs[2:]) > SLABS_MOST:
        return None
    weights = np.array([1 / len(one)] * len(one) + [-1 / len(other)] * len(other))
    more, less = _gains(inside, reference, weights)
    return more, less


def reached(bests: Sequence[float], objective: Objective) -> Floats:
    """Returns (k, 2) corners of the share of searches that attain a score, over the scores, best score first.

    Args:
        bests: the best score of each search of one objective; NaN where it has none.
        objective: the one.
    """
    known = sorted(
        losses(np.array([[best] for best in bests if np.isfinite(best)]).reshape(-1, 1), [objective.goal])[:, 0]
    )
    corners: list[tuple[float, float]] = []
    for place, best in enumerate(known):
        corners += [(best, place / len(bests)), (best, (place + 1) / len(bests))]
    turned = np.array(corners).reshape(-1, 2)
    return np.column_stack([losses(turned[:, :1], [objective.goal])[:, 0], turned[:, 1]])


def _gains(inside: Sequence[Floats], reference: Floats, weights: Floats) -> Floats:
    """(2,) volumes of more and of less, of losses within the reference: slab by slab of the last objective."""
    if len(reference) > 2:
        levels = np.unique(np.concatenate([points[:, -1] for points in inside]))
        total = np.zeros(2)
        for level, thickness in zip(levels, np.diff(np.append(levels, reference[-1])), strict=True):
            there = [points[points[:, -1] <= level, :-1] for points in inside]
            total += thickness * _gains(there, reference[:-1], weights)
        return total
    if len(reference) == 1:
        widths = np.ones(1)
        heights = np.array([[points.min(initial=reference[0])] for points in inside])
    else:
        edges, heights = _steps(inside, reference)
        widths = np.diff(edges)
    order = np.argsort(heights, axis=0)
    levels = np.take_along_axis(heights, order, axis=0)
    shares = np.cumsum(weights[order], axis=0)
    shares[np.abs(shares) < 1e-9] = 0.0  # as many of either
    spans = np.diff(levels, axis=0, append=np.full((1, len(widths)), reference[-1])) * widths
    return np.array([(spans * np.maximum(shares, 0)).sum(), (spans * np.maximum(-shares, 0)).sum()])


def _columns(fronts: Sequence[Floats], objectives: Sequence[Objective]) -> tuple[Floats, Floats]:
    """(k + 1,) first losses between which nothing changes, and the (fronts, k) second loss attained from each on."""
    reference = _reference(objectives)
    goals = [one.goal for one in objectives]
    inside = []
    for front in fronts:
        points = losses(np.asarray(front, dtype=np.float64).reshape(-1, 2), goals)
        inside.append(points[(points < reference).all(axis=1)])
    return _steps(inside, reference)


def _steps(inside: Sequence[Floats], reference: Floats) -> tuple[Floats, Floats]:
    """The same of (n, 2) losses within the reference."""
    firsts = np.unique(np.concatenate([points[:, 0] for points in inside]))
    heights = np.full((len(inside), len(firsts)), reference[1])
    for row, points in zip(heights, inside, strict=True):
        np.minimum.at(row, np.searchsorted(firsts, points[:, 0]), points[:, 1])
    return np.append(firsts, reference[0]), np.minimum.accumulate(heights, axis=1)


def _levels(column: Floats, weights: Floats, top: float) -> dict[tuple[float, float, float], None]:
    """Second losses from and to which a share of other than 0 attains, with the share, of one column."""
    order = np.argsort(column, kind="stable")
    levels, shares = column[order], np.cumsum(weights[order])
    last = np.append(np.flatnonzero(np.diff(levels)), len(levels) - 1)  # of those at the same level
    ends = np.append(levels[last][1:], top)
    cells = zip(levels[last].tolist(), ends.tolist(), shares[last].tolist(), strict=True)
    return {(low, high, round(share, 9)): None for low, high, share in cells if low < high and round(share, 9)}


def _cell(found: tuple[float, float, float, float, float], objectives: Sequence[Objective]) -> Cell:
    left, right, low, high, share = found
    (x, y), (a, b) = _values(np.array([[left, low], [right, high]]), objectives).tolist()
    return Cell(min(x, a), max(x, a), min(y, b), max(y, b), share)


def _reference(objectives: Sequence[Objective]) -> Floats:
    reference: Floats = losses(np.array([[one.reference for one in objectives]]), [one.goal for one in objectives])[0]
    return reference


def _values(turned: Floats, objectives: Sequence[Objective]) -> Floats:
    return losses(turned, [one.goal for one in objectives])  # turning twice gives the values again
