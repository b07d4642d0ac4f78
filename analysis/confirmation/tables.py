"""The Arrow tables of a confirmation, of the arrays that were computed for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import stats

from analysis.confirmation.nets import Floats, Nets
from analysis.confirmation.record import SCORES, SPREAD, points_schema
from analysis.confirmation.variances import Spread
from analysis.front import front, goals, losses, scores
from search_spaces.study import Study

LEVEL = 0.95

Bounds = Mapping[str, tuple[float, float]]
"""The least and the greatest value that a metric can take, by its name; infinite where there is none."""
UNBOUNDED: Final = (-np.inf, np.inf)


@dataclass(frozen=True)
class Verdict:
    """What is said of K points: whether they stand on the confirmed front, how likely on the true one, fresh means."""

    stands: NDArray[np.bool_]
    probability: Floats
    fresh: Floats


def intervals(seen: Spread) -> tuple[Floats, Floats]:
    """Returns (K, M) low and high ends of the 95 % intervals of mean scores: Student's t, no selection allowed for."""
    half = stats.t.ppf((1 + LEVEL) / 2, seen.df) * np.sqrt(seen.variances)
    return seen.means - half, seen.means + half


def cut_intervals(seen: Spread, metrics: Sequence[str], bounds: Bounds) -> tuple[Floats, Floats]:
    """Returns `intervals`, cut at the bounds of each metric, which no true mean lies beyond; means always stay within.

    Args:
        seen: means and variances of K points by M metrics.
        metrics: M names.
        bounds: of those that have some.
    """
    low, high = intervals(seen)
    least, greatest = np.array([bounds.get(name, UNBOUNDED) for name in metrics], np.float64).T
    return np.minimum(np.maximum(low, least), seen.means), np.maximum(np.minimum(high, greatest), seen.means)


def points_table(
    trials: pa.Table, study: Study, nets: Nets, seen: Spread, verdict: Verdict, bounds: Bounds
) -> pa.Table:
    """Returns `Confirmation.points`, sorted by the mean of the first objective, the best first."""
    names = [one.metric for one in study.objectives]
    low, high = cut_intervals(seen, nets.metrics, bounds)
    searched = np.isin(nets.trials, front(trials, study)["number"].to_numpy())
    place = {number: row for row, number in enumerate(trials["number"].to_pylist())}
    rows = [place.get(number, -1) for number in nets.trials]
    promised = np.vstack([scores(trials, study), np.full(len(names), np.nan)])[rows]
    columns: dict[str, object] = {"trial": nets.trials, "seeds": nets.seeds}
    for m, name in enumerate(names):
        measured = {
            "promised": promised[:, m],
            "mean": seen.means[:, m],
            "low": low[:, m],
            "high": high[:, m],
            "se": np.sqrt(seen.variances[:, m]),
            "fresh": verdict.fresh[:, m],
        }
        columns.update({f"{part}.{name}": pa.array(values, from_pandas=True) for part, values in measured.items()})
    columns["probability"] = verdict.probability
    columns |= {"searched": searched, "confirmed": verdict.stands, "fell": searched & ~verdict.stands}
    order = np.lexsort([*losses(seen.means[:, : len(names)], goals(study)).T[::-1]])
    return pa.table(columns, schema=points_schema(names)).take(pa.array(order))


def scores_table(nets: Nets, seen: Spread, bounds: Bounds) -> pa.Table:
    """Returns `Confirmation.scores`, by trial, then metric as the outcomes have them."""
    low, high = cut_intervals(seen, nets.metrics, bounds)
    points, names = seen.means.shape
    return pa.table(
        {
            "trial": np.repeat(np.array(nets.trials, dtype=np.int64), names),
            "metric": list(nets.metrics) * points,
            "mean": seen.means.ravel(),
            "low": low.ravel(),
            "high": high.ravel(),
            "se": np.sqrt(seen.variances).ravel(),
            "df": seen.df.ravel(),
            "seeds": np.repeat(nets.seeds, names),
            "sources": [len(one) for one in nets.sources] * points,
        },
        schema=SCORES,
    )


def spread_table(nets: Nets, seen: Spread) -> pa.Table:
    """Returns `Confirmation.sd`: of a net's score as seen, and of its parts over seeds, sources and both."""
    points, names = seen.means.shape
    counts = np.array([len(one) for one in nets.sources])
    shared = np.diag(seen.sources).reshape(points, names).mean(axis=0) * counts
    parts = {
        "score": seen.score,
        "seeds": np.maximum(seen.score - seen.residual / counts, 0.0),
        "sources": shared,
        "residual": seen.residual,
    }
    columns = {name: np.sqrt(variances) for name, variances in parts.items()}
    return pa.table({"metric": list(nets.metrics), **columns}, schema=SPREAD)
