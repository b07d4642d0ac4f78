"""How far scores scatter over seeds and sources: variances shrunk towards each other, the covariance of means."""

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, polygamma

from analysis.confirmation.nets import Floats, Nets, NotConfirmable, Whole


@dataclass(frozen=True)
class Shrunk:
    """Variances of K points after each has learned from the others.

    Attributes:
        variances: (K,) shrunk.
        df: (K,) degrees of freedom of each: its own and those that the others lend it, never more than all have.
        pooled: the weighted mean variance.
    """

    variances: Floats
    df: Floats
    pooled: float


@dataclass(frozen=True)
class Spread:
    """Where the mean scores of K points by M metrics come from, and how uncertain they are.

    Attributes:
        means: (K, M).
        seeds: (K, M, M) covariance of a point's mean that is due to its seeds.
        sources: (K * M, K * M) covariance of all means that is due to the sources, which all points share.
        seed_df: (K, M) degrees of freedom of `seeds`.
        source_df: (M,) of `sources`.
        residual: (M,) variance of net by source, pooled.
        score: (M,) variance of a net's score over seeds, pooled.
    """

    means: Floats
    seeds: Floats
    sources: Floats
    seed_df: Floats
    source_df: Floats
    residual: Floats
    score: Floats

    @property
    def variances(self) -> Floats:
        """(K, M) of the means."""
        own = np.einsum("kmm->km", self.seeds)
        found: Floats = own + np.diag(self.sources).reshape(own.shape)
        return found

    @property
    def covariance(self) -> Floats:
        """(K * M, K * M) of all means, by point, then metric."""
        points, names = self.means.shape
        found = self.sources.copy()
        for point in range(points):
            block = slice(point * names, (point + 1) * names)
            found[block, block] += self.seeds[point]
        return found

    @property
    def df(self) -> Floats:
        """(K, M) degrees of freedom of `variances` (Satterthwaite 1946)."""
        own = np.einsum("kmm->km", self.seeds)
        shared = np.diag(self.sources).reshape(own.shape)
        scatter = own**2 / self.seed_df + shared**2 / self.source_df
        with np.errstate(invalid="ignore", divide="ignore"):
            found: Floats = np.where(scatter > 0, (own + shared) ** 2 / scatter, self.seed_df)
        return found


def shrunk(variances: Floats, df: Whole, kurtosis: float = 0.0) -> Shrunk:
    """Returns variances of several points, each drawn towards all others as far as they agree.

    True variances are taken as drawn from a scaled inverse chi-squared distribution, whose two parameters are estimated
    from the spread of the logarithms. Where sample variances differ no more than by chance, all get the mean one. Heavy
    tails make sample variances differ more by chance than a normal distribution does, and tell less: each then counts
    as one of the fewer degrees of freedom, nu with 2 / nu = 2 / df + kurtosis / (df + 1).

    Args:
        variances: (K,) sample variances; those without degrees of freedom are not looked at.
        df: (K,) degrees of freedom of each, one less than its values.
        kurtosis: excess of the values that the variances are of.

    Raises:
        NotConfirmable: no point has a degree of freedom.

    Source: Smyth 2004, Statistical Applications in Genetics and Molecular Biology 3, article 3, section 6.2; the limit
        of the degrees of freedom is that of the R package limma. What kurtosis does to a variance: Box 1953,
        Biometrika 40, 318-335.
    """
    told = df > 0
    if not told.any():
        raise NotConfirmable("outcomes: one net for each trial; give at least one trial two seeds or more")
    pooled = float((variances[told] * df[told]).sum() / df.sum())
    worth = np.zeros(len(df))
    worth[told] = 2 / (2 / df[told] + kurtosis / (df[told] + 1))
    total = float(worth.sum())
    lent, mean = _prior(variances[told], worth[told], pooled)
    if not np.isfinite(lent):
        return Shrunk(np.full(len(df), pooled), np.full(len(df), total), pooled)
    own = np.where(told, variances, 0.0)
    return Shrunk((lent * mean + worth * own) / (lent + worth), np.minimum(lent + worth, total), pooled)


def excess_kurtosis(inner: Floats, seeds: Whole, point: Whole) -> float:
    """Returns the excess kurtosis of values about their points' means, between 0 and 6: ratio of sums over points.

    Points of four values or more tell it by unbiased fourth cumulants over unbiased squared variances; those of three
    or more by their skewness, as of a gamma distribution, whose excess kurtosis is 1.5 times the squared skewness. The
    larger counts.

    Args:
        inner: (N,) values less the mean of their point.
        seeds: (K,) values of each point.
        point: (N,) which point each is of, ascending.
    """
    second, third, fourth = (averages(inner**power, point, len(seeds)) for power in (2, 3, 4))
    found = 0.0
    three, four = seeds >= 3, seeds >= 4
    if three.any() and second[three].any():
        n = seeds[three]
        cumulants = n**2 * third[three] / ((n - 1) * (n - 2))
        skewness = cumulants.sum() / ((second[three] * n / (n - 1)) ** 1.5).sum()
        found = 1.5 * skewness**2
    if four.any() and second[four].any():
        n, m2 = seeds[four], second[four]
        cumulants = n**2 * ((n + 1) * fourth[four] - 3 * (n - 1) * m2**2) / ((n - 1) * (n - 2) * (n - 3))
        squares = ((m2 * n / (n - 1)) ** 2 - cumulants / n) * (n - 1) / (n + 1)
        found = max(found, float(cumulants.sum() / max(squares.sum(), 1e-300)))
    return float(np.clip(found, 0.0, 6.0))


def _prior(variances: Floats, df: Floats, pooled: float) -> tuple[float, float]:
    """Degrees of freedom and variance of what the true variances are drawn from."""
    if pooled <= 0 or len(variances) < 3:  # two points cannot tell unequal variances from chance
        return np.inf, pooled
    logs = np.log(np.maximum(variances, 1e-5 * pooled)) - digamma(df / 2) + np.log(df / 2)
    excess = float(logs.var(ddof=1) - polygamma(1, df / 2).mean())
    if excess <= 0:
        return np.inf, pooled
    lent = 2 * _trigamma_inverse(excess)
    return lent, float(np.exp(logs.mean() + digamma(lent / 2) - np.log(lent / 2)))


def _trigamma_inverse(value: float) -> float:
    """Newton's method on 1 / trigamma, which is convex and nearly linear (Smyth 2004, appendix)."""
    found = 0.5 + 1 / value
    for _ in range(50):
        known = float(polygamma(1, found))
        step = known * (1 - known / value) / float(polygamma(2, found))
        found += step
        if -step / found < 1e-9:
            break
    return found


def spread(nets: Nets) -> Spread:
    """Returns means of points over seeds and sources with their joint covariance, seeds and sources crossed.

    Raises:
        NotConfirmable: no point has two nets, or a metric has one source alone.
    """
    points, names = len(nets.trials), len(nets.metrics)
    if lone := [name for name, each in zip(nets.metrics, nets.values, strict=True) if each.shape[1] < 2]:
        raise NotConfirmable(f"outcomes: {lone[0]!r} has one source; at least two are needed for an interval")
    counts, scores = nets.seeds, nets.scores
    means = averages(scores, nets.point, points)
    inner = scores - means[nets.point]
    squares = averages(inner**2, nets.point, points) * counts[:, None]
    df = counts - 1
    tails = [excess_kurtosis(inner[:, m], counts, nets.point) for m in range(names)]
    each = [shrunk(squares[:, m] / np.maximum(df, 1), df, tails[m]) for m in range(names)]
    sd = np.sqrt(np.column_stack([one.variances for one in each]))
    seeds = sd[:, :, None] * _correlations(inner) * sd[:, None, :] / counts[:, None, None]
    shared, residual = _shared(nets, means, scores)
    return Spread(
        means=means,
        seeds=seeds,
        sources=shared,
        seed_df=np.column_stack([one.df for one in each]),
        source_df=np.array([values.shape[1] - 1.0 for values in nets.values]),
        residual=residual,
        score=np.array([one.pooled for one in each]),
    )


def averages(rows: Floats, point: Whole, points: int) -> Floats:
    """Returns (points, ...) the mean of the (N, ...) rows of each point; rows are in the order of points."""
    counts = np.bincount(point, minlength=points).astype(float)
    starts = np.concatenate([[0], np.cumsum(counts[:-1])]).astype(np.int64)
    found: Floats = np.add.reduceat(rows, starts, axis=0) / counts.reshape(-1, *[1] * (rows.ndim - 1))
    return found


def _correlations(inner: Floats) -> Floats:
    """(M, M) correlation of metrics over the seeds of one point, pooled over points."""
    products = inner.T @ inner
    size = np.sqrt(np.diag(products))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.where(np.outer(size, size) > 0, products / np.outer(size, size), 0.0)
    np.fill_diagonal(found, 1.0)
    return found


def _shared(nets: Nets, means: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """Covariance of all means over sources, without what is noise of single nets there, and that noise's variance.

    The mean of n nets at a source carries 1/n of the residual of each. The covariance over nets counts that already, as
    part of how far scores differ between seeds; so it is taken off here.
    """
    points, names = means.shape
    every = np.unique(np.concatenate(nets.sources))
    influence = np.zeros((points, names, len(every)))
    rest = np.zeros((len(nets.point), names, len(every)))
    for m, values in enumerate(nets.values):
        count, at_source = values.shape[1], averages(values, nets.point, points)
        scale, place = np.sqrt(count / (count - 1.0)) / count, np.searchsorted(every, nets.sources[m])
        influence[:, m, place] = (at_source - means[:, m, None]) * scale
        inner = values - at_source[nets.point] - (scores[:, m] - means[nets.point, m])[:, None]
        rest[:, m, place] = inner * scale
    flat = influence.reshape(points * names, len(every))
    covariance = flat @ flat.T
    noise, pooled = _noise(rest, nets)
    for point in range(points):
        block = slice(point * names, (point + 1) * names)
        covariance[block, block] -= noise[point]
    # What is left on the diagonal bounds the rest, or no distribution has this covariance.
    left = np.maximum(np.diag(covariance), 0.0)
    bound = np.sqrt(np.outer(left, left))
    counts = np.array([values.shape[1] for values in nets.values])
    return np.clip(covariance, -bound, bound), np.diag(pooled) * counts


def _noise(rest: Floats, nets: Nets) -> tuple[Floats, Floats]:
    """(K, M, M) of each point's mean, and (M, M) of one net pooled over points, which a point of one net gets too."""
    df = nets.seeds - 1
    products = averages(np.einsum("nms,nqs->nmq", rest, rest), nets.point, len(df)) * nets.seeds[:, None, None]
    pooled = products.sum(axis=0) / df.sum()
    own = products / np.maximum(df, 1)[:, None, None]
    return np.where(df[:, None, None] > 0, own, pooled) / nets.seeds[:, None, None], pooled
