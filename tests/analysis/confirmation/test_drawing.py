"""Draws of all true means: the covariance they are to have, units, and noise that is not there."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.confirmation.drawing import deviations, likely, undominated
from analysis.confirmation.nets import Nets
from analysis.confirmation.variances import spread
from analysis.front import nondominated

Floats = NDArray[np.float64]
Shape = tuple[int, int, int]


def nets_of(first: Floats, second: Floats, points: int) -> Nets:
    seeds = len(first) // points
    ids = np.arange(first.shape[1])
    point, replicate = np.repeat(np.arange(points), seeds), np.tile(np.arange(seeds), points)
    return Nets(tuple(range(points)), ("a", "b"), point, replicate, (first, second), (ids, ids))


def noisy(points: int, seeds: int, sources: int) -> Floats:
    rng = np.random.default_rng(points)
    own = rng.normal(0, 1, (points * seeds, sources)) + np.repeat(rng.normal(0, 1, points), seeds)[:, None]
    found: Floats = own + rng.normal(0, 1, sources) + rng.normal(0, 0.3, (points * seeds, 1))
    return found


PARTS: dict[str, Callable[[int, int, int], Floats]] = {
    "all equal": lambda points, seeds, sources: np.ones((points * seeds, sources)),
    "no noise": lambda points, seeds, sources: (
        np.repeat(np.arange(points) * np.ones(points), seeds)[:, None] + np.zeros(sources)
    ),
    "seeds alone": lambda points, seeds, sources: np.arange(points * seeds)[:, None] % 7 + np.zeros(sources),
    "sources alone": lambda points, seeds, sources: np.zeros((points * seeds, 1)) + np.arange(sources) % 5,
    "all": noisy,
}


@pytest.mark.parametrize("first", PARTS)
@pytest.mark.parametrize("second", PARTS)
@pytest.mark.parametrize("points", [1, 2, 6])
def test_draws_are_finite_whatever_noise_there_is_none_of(first: str, second: str, points: int) -> None:
    seen = spread(nets_of(PARTS[first](points, 3, 20), PARTS[second](points, 3, 20), points))
    assert np.isfinite(likely(seen, 20, np.random.default_rng(0))).all()
    assert np.isfinite(seen.df).all()


def test_deviations_have_the_covariance_of_the_means() -> None:
    seen = spread(nets_of(noisy(6, 8, 30), noisy(6, 8, 30)[::-1], 6))
    drawn = deviations(seen, 20_000, np.random.default_rng(0)).reshape(20_000, -1)
    wanted = seen.covariance
    for point in range(6):  # the t of the seeds is wider than a normal of that covariance
        block = slice(2 * point, 2 * point + 2)
        df = seen.seed_df[point].min()
        wanted[block, block] += seen.seeds[point] * (df / (df - 2) - 1)
    np.testing.assert_allclose(np.cov(drawn.T), wanted, atol=0.06 * np.diag(wanted).max())


def test_likely_truths_do_not_depend_on_units() -> None:
    first, second = noisy(7, 4, 25), noisy(7, 4, 25)[::-1]
    one = likely(spread(nets_of(first, second, 7)), 500, np.random.default_rng(0))
    other = likely(spread(nets_of(1000 * first, second / 1000, 7)), 500, np.random.default_rng(0))
    chance, same = (undominated(drawn).mean(axis=0) for drawn in (one, other))
    np.testing.assert_allclose(chance, same, atol=0.07)


def test_undominated_is_the_front_of_each_draw() -> None:
    drawn = np.random.default_rng(0).integers(0, 4, (50, 8, 3)).astype(float)
    np.testing.assert_array_equal(undominated(drawn), [nondominated(one) for one in drawn])
