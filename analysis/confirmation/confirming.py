"""Holds the promise of a search against nets under fresh seeds: intervals, the confirmed front and its hypervolume."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import stats

from analysis.confirmation.crossfit import folds
from analysis.confirmation.drawing import deviations, likely, undominated
from analysis.confirmation.nets import Floats, Nets, NotConfirmable, nets_of
from analysis.confirmation.record import HYPERVOLUME, Confirmation
from analysis.confirmation.tables import LEVEL, Bounds, Verdict, points_table, scores_table, spread_table
from analysis.confirmation.variances import Spread, spread
from analysis.front import front, goals, hypervolume, losses, scores
from search_spaces.study import Study

DRAWS = 4_000
VOLUME_DRAWS = 1_000
NO_BOUNDS: Final[Bounds] = MappingProxyType({})


@dataclass(frozen=True)
class Volume:
    """The hypervolume of the confirmed front.

    Attributes:
        confirmed: of the mean scores as they are.
        corrected: without the upward bias of that, an estimate of the hypervolume of the true mean scores.
        low, high: ends of its 95 % interval, never below 0.
    """

    confirmed: float
    corrected: float
    low: float
    high: float


def confirmed(
    trials: pa.Table, outcomes: pa.Table, study: Study, seed: int = 0, bounds: Bounds = NO_BOUNDS
) -> Confirmation:
    """Returns promise beside confirmation; the same for the same arguments.

    Args:
        trials: of `analysis.records.trials`.
        outcomes: of the columns `record.OUTCOMES`; trials without a row are left out.
        study: theirs.
        seed: of the draws.
        bounds: least and greatest value of metrics that have such; their intervals are cut there.

    Raises:
        NotConfirmable: an objective is not among the outcomes, no trial has two nets, or the outcomes are not whole.
    """
    nets = nets_of(outcomes)
    joint = judged(nets, study)
    seen = spread(joint)
    stands = standing(seen.means[None], joint.metrics, study)[0]
    rng = np.random.default_rng(seed)
    drawn = seen.means + deviations(seen, VOLUME_DRAWS, rng)
    chance = standing(likely(seen, DRAWS, rng), joint.metrics, study).mean(axis=0)
    verdict = Verdict(stands, chance, fresh(joint, study, stands, seed))
    promised = hypervolume(scores(front(trials, study), study), study.objectives)
    size = volume(seen, drawn, joint.metrics, study)
    summary = {
        "promised": [promised],
        "confirmed": [size.confirmed],
        "corrected": [size.corrected],
        "low": [size.low],
        "high": [size.high],
        "gap": [promised - size.corrected],
        "optimism": [size.confirmed - size.corrected],
    }
    every = spread(nets)
    return Confirmation(
        points=points_table(trials, study, joint, seen, verdict, bounds),
        scores=scores_table(nets, every, bounds),
        hypervolume=pa.table(summary, schema=HYPERVOLUME),
        sd=spread_table(nets, every),
    )


def judged(nets: Nets, study: Study) -> Nets:
    """Returns the nets by the objectives, in their order, and by what is measured of the constraints' other metrics.

    Raises:
        NotConfirmable: an objective was not measured.
    """
    names = [one.metric for one in study.objectives]
    if missing := [name for name in names if name not in nets.metrics]:
        raise NotConfirmable(f"outcomes: no score of the objective {missing[0]!r}; measured: {', '.join(nets.metrics)}")
    bounds = [one.metric for one in study.bounds if one.metric in nets.metrics and one.metric not in names]
    return nets.of([*names, *dict.fromkeys(bounds)])


def standing(means: Floats, metrics: Sequence[str], study: Study) -> NDArray[np.bool_]:
    """Returns (draws, K) whether a point keeps the constraints and no other that does so dominates it.

    Args:
        means: (draws, K, M) of the metrics, the objectives first; a constraint on a metric that is not among them is
            taken to be kept.
        metrics: M names.
        study: whose objectives and constraints count.
    """
    turned = losses(means[:, :, : len(study.objectives)], goals(study))
    keeps = lawful(means, metrics, study)
    turned[~keeps] = np.inf
    return undominated(turned) & keeps


def lawful(means: Floats, metrics: Sequence[str], study: Study) -> NDArray[np.bool_]:
    """Returns (..., K) whether the (..., K, M) means keep all constraints on the metrics."""
    keeps = np.ones(means.shape[:-1], dtype=bool)
    for bound in study.bounds:
        if bound.metric in metrics:
            column = means[..., list(metrics).index(bound.metric)]
            keeps &= column >= (-np.inf if bound.at_least is None else bound.at_least)
            keeps &= column <= (np.inf if bound.at_most is None else bound.at_most)
    return keeps


def volume(seen: Spread, drawn: Floats, metrics: Sequence[str], study: Study) -> Volume:
    """Returns the hypervolume of the confirmed means, corrected by what the noise of the draws adds to it.

    Noise makes the best of several look better than it is. As much as one more helping of the same noise adds on
    average, so much is taken off; the interval is Student's t by the spread of the draws.

    Source: the bootstrap estimate of bias, Efron & Tibshirani 1993, chapter 10.
    """
    found = _volume(seen.means, metrics, study)
    sizes = np.array([_volume(one, metrics, study) for one in drawn])
    right = found - (float(sizes.mean()) - found)
    half = float(stats.t.ppf((1 + LEVEL) / 2, np.median(seen.df)) * sizes.std(ddof=1))
    return Volume(found, max(right, 0.0), max(right - half, 0.0), max(right + half, 0.0))


def _volume(means: Floats, metrics: Sequence[str], study: Study) -> float:
    kept = means[lawful(means, metrics, study)][:, : len(study.objectives)]
    return hypervolume(kept, study.objectives)


def fresh(nets: Nets, study: Study, stands: NDArray[np.bool_], seed: int = 0) -> Floats:
    """Returns (K, objectives) means of the front's points on nets and images that did not put them there; else NaN.

    Of each point on the front, over the folds whose other part puts it on the front, the mean of the held-out part. NaN
    where no fold does, a point has one seed alone, or the point is not on the front.
    """
    wide = len(study.objectives)
    total, times = np.zeros((len(nets.trials), wide)), np.zeros(len(nets.trials))
    for fold in folds(nets, seed):
        chosen = standing(fold.others[None], nets.metrics, study)[0] & stands
        total[chosen] += fold.held[chosen, :wide]
        times += chosen
    with np.errstate(invalid="ignore"):
        found: Floats = total / np.where(times > 0, times, np.nan)[:, None]
    return found
