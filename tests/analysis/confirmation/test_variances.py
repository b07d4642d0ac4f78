"""Seeds and sources crossed: the analysis of variance in closed form, what sources cancel, what shrinking does."""

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.confirmation.nets import Nets, NotConfirmable
from analysis.confirmation.tables import intervals
from analysis.confirmation.variances import excess_kurtosis, shrunk, spread

Floats = NDArray[np.float64]


def nets_of_values(values: Floats, counts: list[int]) -> Nets:
    """Of (nets, sources, metrics) values, the nets of each point in turn."""
    point = np.repeat(np.arange(len(counts)), counts)
    replicate = np.concatenate([np.arange(count) for count in counts])
    names = tuple("abc"[: values.shape[2]])
    ids = np.arange(values.shape[1])
    columns = tuple(values[:, :, m] for m in range(len(names)))
    return Nets(tuple(range(len(counts))), names, point, replicate, columns, (ids,) * len(names))


def random_nets(counts: list[int], sources: int = 40, metrics: int = 2, seed: int = 0) -> Nets:
    rng = np.random.default_rng(seed)
    nets = sum(counts)
    shared = rng.normal(0, 0.3, (1, sources, metrics))
    return nets_of_values(
        shared + rng.normal(0, 0.1, (nets, 1, metrics)) + rng.normal(0, 0.2, (nets, sources, metrics)), counts
    )


def test_one_point_has_the_variance_of_the_two_way_analysis_of_variance() -> None:
    nets = random_nets([6], metrics=1)
    values = nets.values[0]
    seeds, sources = values.shape
    rows, columns, mean = values.mean(axis=1), values.mean(axis=0), values.mean()
    of_seeds = sources * ((rows - mean) ** 2).sum() / (seeds - 1)
    of_sources = seeds * ((columns - mean) ** 2).sum() / (sources - 1)
    rest = ((values - rows[:, None] - columns + mean) ** 2).sum() / ((seeds - 1) * (sources - 1))
    seen = spread(nets)
    assert seen.means[0, 0] == pytest.approx(mean)
    assert seen.variances[0, 0] == pytest.approx((of_seeds + of_sources - rest) / (seeds * sources))
    assert seen.residual[0] == pytest.approx(rest)
    parts = of_seeds / (seeds * sources), (of_sources - rest) / (seeds * sources)
    effective = excess_kurtosis(rows - mean, nets.seeds, nets.point)
    first = 2 / (2 / (seeds - 1) + effective / seeds)
    satterthwaite = sum(parts) ** 2 / (parts[0] ** 2 / first + parts[1] ** 2 / (sources - 1))
    assert seen.df[0, 0] == pytest.approx(satterthwaite)


def test_what_a_source_does_to_all_nets_alike_says_nothing_of_differences() -> None:
    nets = random_nets([4, 4], metrics=1)
    harder = np.random.default_rng(1).normal(0, 5, nets.values[0].shape[1])
    moved = Nets(nets.trials, nets.metrics, nets.point, nets.replicate, (nets.values[0] + harder,), nets.sources)

    def difference(seen: Nets) -> float:
        joint = spread(seen).covariance
        return float(joint[0, 0] + joint[1, 1] - 2 * joint[0, 1])

    assert difference(moved) == pytest.approx(difference(nets), rel=1e-3)
    assert spread(moved).variances[0, 0] > 100 * spread(nets).variances[0, 0]


def test_the_order_of_points_and_seeds_says_nothing() -> None:
    nets = random_nets([3, 5, 2])
    seen = spread(nets)
    turned = np.concatenate([np.flatnonzero(nets.point == point)[::-1] for point in range(3)])
    other = spread(
        Nets(nets.trials, nets.metrics, nets.point, nets.replicate, tuple(v[turned] for v in nets.values), nets.sources)
    )
    np.testing.assert_allclose(other.covariance, seen.covariance, atol=1e-12)


def test_scaling_and_turning_a_metric_scales_and_turns_its_interval() -> None:
    nets = random_nets([3, 4, 5])
    low, high = intervals(spread(nets))
    turned = Nets(
        nets.trials, nets.metrics, nets.point, nets.replicate, tuple(7 - 2 * v for v in nets.values), nets.sources
    )
    other_low, other_high = intervals(spread(turned))
    np.testing.assert_allclose(other_low, 7 - 2 * high)
    np.testing.assert_allclose(other_high, 7 - 2 * low)


def test_a_point_of_one_net_borrows_the_variance_of_the_others() -> None:
    seen = spread(random_nets([5, 5, 1]))
    assert (seen.variances[2] > seen.variances[0]).all()
    assert np.isfinite(seen.df).all()


def test_metrics_of_other_sources_do_not_covary() -> None:
    nets = random_nets([3, 3])
    apart = Nets(
        nets.trials, nets.metrics, nets.point, nets.replicate, nets.values, (nets.sources[0], nets.sources[1] + 1000)
    )
    assert np.abs(spread(apart).sources[0::2, 1::2]).max() == 0
    np.testing.assert_allclose(spread(apart).variances, spread(nets).variances)


def test_variances_that_agree_are_pooled_and_those_that_do_not_stay_apart() -> None:
    df = np.full(12, 4)
    alike = shrunk(np.linspace(0.9, 1.1, 12), df)
    np.testing.assert_allclose(alike.variances, 1.0)
    np.testing.assert_allclose(alike.df, 48.0)
    apart = np.geomspace(1e-4, 1e4, 12)
    kept = shrunk(apart, df)
    np.testing.assert_allclose(np.log(kept.variances)[5:], np.log(apart)[5:], atol=0.2)
    assert (kept.df < 6).all()
    assert shrunk(np.full(12, 1.0), df, kurtosis=3.0).df[0] < 48
    assert (shrunk(np.zeros(4), np.full(4, 3)).variances == 0).all()


def test_shrunk_variances_are_nearer_to_the_truth_than_their_own_or_the_pooled() -> None:
    rng = np.random.default_rng(0)
    off = np.zeros(3)
    for _ in range(60):
        true = np.exp(rng.normal(0, 0.6, 15))
        own = true * rng.chisquare(4, 15) / 4
        ways = shrunk(own, np.full(15, 4)).variances, own, np.full(15, own.mean())
        off += [float(((np.log(way) - np.log(true)) ** 2).mean()) for way in ways]
    assert off[0] < min(off[1], off[2])


def test_kurtosis_of_normal_values_is_small_and_that_of_exponential_ones_is_not() -> None:
    rng = np.random.default_rng(0)
    seeds, point = np.full(400, 5), np.repeat(np.arange(400), 5)

    def told(values: Floats) -> float:
        grouped = values.reshape(400, 5)
        return excess_kurtosis((grouped - grouped.mean(axis=1, keepdims=True)).ravel(), seeds, point)

    assert told(rng.standard_normal(2000)) < 0.5
    assert 4 < told(rng.exponential(size=2000)) <= 6
    assert told(np.zeros(2000)) == 0


def test_one_net_for_each_point_has_no_interval() -> None:
    with pytest.raises(NotConfirmable, match="two seeds or more"):
        spread(random_nets([1, 1, 1]))
    with pytest.raises(NotConfirmable, match="'a' has one source"):
        spread(random_nets([2, 2], sources=1))
