"""Intervals against known truth, noise skewed, correlated, unequal; `python -m benchmarks confirmation` has more."""

import os

import pytest

from benchmarks.confirmation import WORLDS, simulated

SKEWED = WORLDS["images and seeds alike"]


def test_intervals_cover_in_a_small_simulation() -> None:
    told = simulated(SKEWED, 25, racing=False)
    assert 0.90 < told["coverage"] < 0.985
    assert 0.90 < told["coverage of differences"] < 0.985
    assert told["excess of the promised hypervolume"] > 3 * abs(told["excess of the corrected hypervolume"])
    assert told["flattery of the promise"] > 2 * told["flattery of the confirmed means"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("racing", [False, True])
@pytest.mark.parametrize("world", list(WORLDS))
def test_intervals_cover_with_and_without_a_budget(world: str, racing: bool) -> None:
    told = simulated(WORLDS[world], 150, racing, workers=len(os.sched_getaffinity(0)))
    # Of 150 studies coverage is known to about 0.007; 2,000 are held to 0.93 to 0.97 by the benchmark.
    assert 0.92 < told["coverage"] < 0.98
    assert 0.92 < told["coverage of differences"] < 0.98
    assert told["coverage of the corrected hypervolume"] > 0.89
    assert abs(told["mean probability"] - told["share on the true front"]) < 0.08
