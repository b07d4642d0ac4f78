"""How sure a difference is: closed forms, coverage on known truth, a slow twin, and an exact test."""

import numpy as np
import pytest
from scipy import stats

from analysis import resampling
from analysis.front import hypervolume
from search_spaces.study import Objective

TRADE = (Objective("clean_accuracy", "max", 0.0), Objective("mce", "min", 1.0))


def test_the_interval_over_seeds_is_as_wide_as_student_s() -> None:
    volumes = np.random.default_rng(0).normal(size=12)
    low, high = resampling.interval(resampling.over_seeds(volumes, np.random.default_rng(1)))
    ends = stats.t.interval(0.95, 11, volumes.mean(), stats.sem(volumes))
    assert (low, high) == pytest.approx(ends, abs=0.12 * (ends[1] - ends[0]))


@pytest.mark.parametrize(("seeds", "least", "most"), [(2, 0.9, 0.99), (3, 0.91, 0.99), (8, 0.91, 0.98)])
def test_the_interval_over_seeds_holds_the_truth_as_often_as_it_says(seeds: int, least: float, most: float) -> None:
    draw, hits = np.random.default_rng(seeds), 0
    for _ in range(250):
        low, high = resampling.interval(resampling.over_seeds(draw.normal(size=seeds), draw))
        hits += low <= 0.0 <= high
    assert least <= hits / 250 <= most


def test_of_very_skewed_volumes_it_holds_the_truth_about_nine_times_in_ten() -> None:
    draw, hits = np.random.default_rng(1), 0
    for _ in range(250):
        low, high = resampling.interval(resampling.over_seeds(1 - draw.exponential(size=5), draw))
        hits += low <= 0.0 <= high
    assert 0.83 <= hits / 250 <= 0.97


def test_equal_methods_are_seldom_told_apart() -> None:
    draw, told = np.random.default_rng(0), 0
    for _ in range(200):
        one, other = (resampling.over_seeds(1 - draw.exponential(size=4), draw) for _ in range(2))
        low, high = resampling.interval(one - other)
        told += not low <= 0.0 <= high
    assert told / 200 <= 0.06


def test_trials_drawn_again_vary_as_those_of_a_slow_twin_and_around_what_was_reached() -> None:
    draw = np.random.default_rng(0)
    values, ended = draw.random((40, 2)), 60
    twin = []
    for _ in range(800):
        drawn = draw.integers(ended, size=ended)
        twin.append(hypervolume(values[np.unique(drawn[drawn < 40])], TRADE))
    found = resampling.over_trials(values, ended, TRADE, draw)
    assert found.mean() == pytest.approx(hypervolume(values, TRADE), abs=1e-9)
    assert found.std() == pytest.approx(np.std(twin), rel=0.15)


def test_a_search_without_a_front_has_a_hypervolume_of_zero_whatever_is_drawn() -> None:
    draws = resampling.over_trials(np.empty((0, 2)), 5, TRADE, np.random.default_rng(0))
    assert draws.tolist() == [0.0] * resampling.DRAWS
    beyond = resampling.over_trials(np.array([[-1.0, 0.5]]), 1, TRADE, np.random.default_rng(0))
    assert not beyond.any()
    alone = resampling.over_trials(np.array([[0.5, 0.5]]), 1, TRADE, np.random.default_rng(0))
    assert alone == pytest.approx(0.25)


def test_the_test_of_dealt_seeds_is_exact() -> None:
    draw = np.random.default_rng(0)
    assert resampling.dealt([3, 4, 5], [0, 1, 2], draw) == pytest.approx(2 / 20)
    assert resampling.dealt([1, 1], [1, 1], draw) == 1.0
    assert resampling.dealt([1.0], [0, 1, 2], draw) is None
    one, other = draw.normal(size=5), draw.normal(size=6) + 1
    scipy_p = stats.permutation_test(
        (one, other), lambda a, b: np.mean(a) - np.mean(b), n_resamples=10_000, permutation_type="independent"
    ).pvalue
    assert resampling.dealt(one, other, draw) == pytest.approx(scipy_p, abs=0.01)
    many = resampling.dealt(draw.normal(size=30), draw.normal(size=30) + 3, draw)
    assert many == pytest.approx(1 / resampling.DEALT_MOST)


def test_the_probability_of_draws_counts_ties_half() -> None:
    assert resampling.probability(np.array([1.0, -1.0, 0.0, 0.0])) == 0.5
