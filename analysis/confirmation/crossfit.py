"""What a choice made on one part of the nets and images is worth on the other part."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.confirmation.nets import Floats, Nets
from analysis.confirmation.variances import Spread, averages

SOURCE_FOLDS = 5

Rule = Callable[[Floats], NDArray[np.bool_]]
"""Which of K points a rule picks by their (K, M) means, as a (K,) mask."""


@dataclass(frozen=True)
class Fold:
    """One part of the nets and sources: means of all points without it, and in it alone.

    Attributes:
        others: (K, M) means of the other seeds at the other sources.
        held: (K, M) means of the held-out seeds at the held-out sources; NaN for a point that has no seed there.
        nets: (N,) which nets are held out.
    """

    others: Floats
    held: Floats
    nets: NDArray[np.bool_]


def folds(nets: Nets, seed: int = 0) -> Iterator[Fold]:
    """Yields the parts: seeds dealt to as many as the poorest point has, times five groups of sources.

    Choosing on `others` and looking at `held` shares neither a net nor a source, so what was chosen is not flattered.
    There is none where a point has one seed alone.

    Source: crossed folds as in Chiang, Kato, Ma & Sasaki 2022, Journal of Business & Economic Statistics 40, 1046-1056.
    """
    parts = int(nets.seeds.min())
    if parts < 2:
        return
    places = np.concatenate([np.arange(count) for count in nets.seeds]) % parts
    every = np.unique(np.concatenate(nets.sources))
    group = np.random.default_rng(seed).permutation(len(every)) % min(SOURCE_FOLDS, *(len(one) for one in nets.sources))
    for part in range(parts):
        held = places == part
        for number in range(int(group.max()) + 1):
            columns = [group[np.searchsorted(every, one)] == number for one in nets.sources]
            yield Fold(_means(nets, ~held, [~column for column in columns]), _means(nets, held, columns), held)


def _means(nets: Nets, kept: NDArray[np.bool_], columns: list[NDArray[np.bool_]]) -> Floats:
    found = []
    for values, column in zip(nets.values, columns, strict=True):
        rows = values[kept][:, column].mean(axis=1)
        found.append(averages(rows, nets.point[kept], len(nets.trials)))
    return np.column_stack(found)


@dataclass(frozen=True)
class Picked:
    """What a rule's picks are worth on nets and images that they were not picked by.

    Attributes:
        shares: (K,) how much of the estimate each point is: how often the rule picks it; they sum to 1.
        means: (M,) cross-fitted.
        variances: (M,) of `means` as an estimate of the picks' true scores.
        df: (M,) degrees of freedom of `variances`.
    """

    shares: Floats
    means: Floats
    variances: Floats
    df: Floats


def cross_fitted(nets: Nets, spread: Spread, rule: Rule, seed: int = 0) -> Picked | None:
    """Returns the worth of what a rule picks; None where a point has one seed alone, or the rule picks nothing.

    Where a rule picks several points of a fold, each counts alike.

    Args:
        nets: of the metrics of `spread`.
        spread: of the same nets.
        rule: which sees the means of a part, never those that the estimate is made of.
        seed: deals the sources to groups.
    """
    weights, total, count = np.zeros(len(nets.point)), np.zeros(len(nets.metrics)), 0
    for fold in folds(nets, seed):
        chosen = rule(fold.others)
        if not chosen.any():
            continue
        total += fold.held[chosen].mean(axis=0)
        mine = np.where(fold.nets & chosen[nets.point], 1.0, 0.0)
        per_point = np.bincount(nets.point, mine, minlength=len(nets.trials))
        weights += mine / np.maximum(per_point, 1)[nets.point] / chosen.sum()
        count += 1
    if not count:
        return None
    weights /= count
    shares: Floats = np.bincount(nets.point, weights, minlength=len(nets.trials)).astype(np.float64)
    single = np.einsum("kmm->km", spread.seeds) * nets.seeds[:, None]
    own = np.bincount(nets.point, weights**2, minlength=len(nets.trials)) @ single
    names = len(nets.metrics)
    shared = np.array([shares @ spread.sources[m::names, m::names] @ shares for m in range(names)])
    own_df = np.min(np.where(shares[:, None] > 0, spread.seed_df, np.inf), axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        df = (own + shared) ** 2 / (own**2 / own_df + shared**2 / spread.source_df)
    return Picked(shares, total / count, own + shared, np.where(np.isfinite(df), df, own_df))
