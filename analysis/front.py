"""Which finished trials nothing dominates, and how much of the space of objectives they attain."""

from collections.abc import Sequence
from itertools import pairwise

import moocore
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from analysis.wording import shown
from search_spaces.study import Objective, Study

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def losses(values: Floats, goals: Sequence[str]) -> Floats:
    """Returns the (n, m) values with every objective turned so that lower is better; done here alone."""
    signs = np.array([1.0 if goal == "min" else -1.0 for goal in goals])
    turned: Floats = np.asarray(values, dtype=np.float64) * signs
    return turned


def nondominated(points: Floats) -> Mask:
    """Returns (n,) whether no other row of the (n, m) losses is as low everywhere and lower somewhere; twins stay."""
    mask: Mask = np.asarray(moocore.is_nondominated(np.asarray(points, dtype=np.float64), keep_weakly=True), dtype=bool)
    return mask


def scores(trials: pa.Table, study: Study) -> Floats:
    """Returns (trials, objectives) scores of the last epoch, NaN where a trial has none."""
    columns = [trials[f"metrics.{one.metric}"].to_numpy(zero_copy_only=False) for one in study.objectives]
    return np.array(columns, dtype=np.float64).reshape(len(study.objectives), trials.num_rows).T


def feasible(trials: pa.Table, study: Study) -> Mask:
    """Returns (trials,) whether the constraints of the last epoch hold by its scores; without one they do not."""
    holds = np.ones(trials.num_rows, dtype=bool)
    for constraint in study.bounds:
        column = trials[f"metrics.{constraint.metric}"].to_pylist()
        holds &= np.array([value is not None and constraint.violation(value) <= 0 for value in column], dtype=bool)
    return holds


def eligible(trials: pa.Table, study: Study) -> Mask:
    """Returns (trials,) whether a trial may stand on a front: complete, of full epochs, feasible, of finite scores."""
    spent = np.array(pc.and_(pc.equal(trials["state"], "complete"), pc.equal(trials["epochs"], study.budget.epochs)))
    mask: Mask = spent.astype(bool) & feasible(trials, study) & np.isfinite(scores(trials, study)).all(axis=1)
    return mask


def front(trials: pa.Table, study: Study) -> pa.Table:
    """Returns the rows of `analysis.records.trials` that nothing eligible dominates, best first objective first."""
    chosen = np.flatnonzero(eligible(trials, study))
    points = losses(scores(trials, study)[chosen], goals(study))
    kept = nondominated(points)
    order = np.lexsort([*points[kept].T[::-1]])
    return trials.take(pa.array(chosen[kept][order], pa.int64()))


def goals(study: Study) -> tuple[str, ...]:
    """Returns "max" or "min" of each objective."""
    return tuple(one.goal for one in study.objectives)


def hypervolume(values: Floats, objectives: Sequence[Objective]) -> float:
    """Returns the volume that the (n, m) values dominate up to the reference point, in the product of their units.

    Points beyond the reference contribute nothing, neither do points that are not finite.
    """
    directions = [one.goal for one in objectives]
    points = losses(np.asarray(values, dtype=np.float64).reshape(-1, len(objectives)), directions)
    reference = losses(np.array([[one.reference for one in objectives]]), directions)[0]
    points = points[np.isfinite(points).all(axis=1)]
    return float(moocore.hypervolume(points, ref=reference)) if len(points) else 0.0


def hypervolume_history(trials: pa.Table, study: Study) -> pa.Table:
    """Returns (finished, trial, hypervolume): after the first, second, ... trial that ended, in the order of ending."""
    ended = trials.filter(pc.is_valid(trials["ended_seq"])).sort_by("ended_seq")
    counts_for = eligible(ended, study)
    values = scores(ended, study)
    volumes: list[float] = []
    best: Floats = np.empty((0, len(study.objectives)))
    for number in range(ended.num_rows):
        if counts_for[number]:
            best = np.vstack([best, values[number]])
            best = best[nondominated(losses(best, goals(study)))]
            volumes.append(hypervolume(best, study.objectives))
        else:
            volumes.append(volumes[-1] if volumes else 0.0)
    return pa.table(
        {
            "finished": pa.array(range(1, ended.num_rows + 1), pa.int64()),
            "trial": ended["number"],
            "hypervolume": pa.array(volumes, pa.float64()),
        }
    )


def staircase(values: Floats, objectives: Sequence[Objective]) -> Floats:
    """Returns (k, 2) corners of the edge of what the (n, 2) front values dominate, from reference to reference.

    The edge's ends are left out where a point lies beyond the reference on that side.
    """
    directions = [one.goal for one in objectives]
    points = np.unique(losses(values, directions), axis=0)
    if not len(points):
        return np.empty((0, 2))
    reference = losses(np.array([[one.reference for one in objectives]]), directions)[0]
    corners = [(points[0][0], max(points[0][1], reference[1])), tuple(points[0])]
    for before, after in pairwise(points):
        corners += [(after[0], before[1]), tuple(after)]
    corners.append((max(points[-1][0], reference[0]), points[-1][1]))
    edge = losses(np.array(corners), directions)
    moved = np.ones(len(edge), dtype=bool)
    moved[1:] = (edge[1:] != edge[:-1]).any(axis=1)
    return edge[moved]


def attained(values: Floats, objectives: Sequence[Objective]) -> Floats:
    """Returns (k, 2) corners of a polygon whose area is the hypervolume of the (n, 2) values; none where that is 0."""
    directions = [one.goal for one in objectives]
    reference = np.array([[one.reference for one in objectives]])
    better = (losses(values, directions) < losses(reference, directions)).all(axis=1)
    if not better.any():
        return np.empty((0, 2))
    return np.vstack([staircase(values[better], objectives), reference])


def rows(front: pa.Table, study: Study) -> list[dict[str, str]]:
    """Returns the table's rows as text for people: trial, the objectives, then the searched options that were given."""
    columns = {"trial": "number"}
    columns.update({one.metric: f"metrics.{one.metric}" for one in study.objectives})
    columns.update({name: f"options.{name}" for name in study.space})
    cells = {title: [shown(value) for value in front[name].to_pylist()] for title, name in columns.items()}
    return [{title: column[place] for title, column in cells.items()} for place in range(front.num_rows)]
