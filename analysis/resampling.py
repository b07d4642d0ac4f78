"""How sure a difference of hypervolumes is: the bootstrap over seeds, or over trials where there is one seed."""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Final

import moocore
import numpy as np

from analysis.front import Floats, losses
from search_spaces.study import Objective

DRAWS: Final = 4_000
LAYERS: Final = 12
"""A resample leaves out a given trial with probability 1/e: twelve fronts one behind the other once in 160,000."""
DEALT_MOST: Final = 20_000


def over_seeds(volumes: Sequence[float], generator: np.random.Generator) -> Floats:
    """Returns DRAWS of the mean hypervolume of a method, each of as many seeds drawn again with replacement.

    The bootstrap of few is too narrow: its deviations are widened by sqrt(n / (n - 1)) and by a draw of
    sqrt((n - 1) / chi2), which makes them as wide as Student's t of n - 1 degrees of freedom. With 2 seeds and more.
    """
    known = np.asarray(volumes, dtype=np.float64)
    count = len(known)
    means = known[generator.integers(count, size=(DRAWS, count))].mean(axis=1)
    unknown = np.sqrt((count - 1) / generator.chisquare(count - 1, DRAWS))
    found: Floats = known.mean() + (means - known.mean()) * math.sqrt(count / (count - 1)) * unknown
    return found


def over_trials(values: Floats, ended: int, objectives: Sequence[Objective], generator: np.random.Generator) -> Floats:
    """Returns DRAWS of a search's hypervolume, each of as many trials as ended, drawn again with replacement.

    A resample never has a better trial than the search had, so its hypervolume is smaller: the draws are shifted so
    that their mean is the hypervolume that was reached. None is below 0.

    Args:
        values: (n, m) scores of the trials that may stand on a front.
        ended: trials that ended, those included.
        objectives: the m.
        generator: draws.
    """
    goals = [one.goal for one in objectives]
    points = losses(np.asarray(values).reshape(-1, len(objectives)), goals)
    reference = losses(np.array([[one.reference for one in objectives]]), goals)[0]
    points = points[(points < reference).all(axis=1)]
    if not len(points):
        return np.zeros(DRAWS)
    points = points[moocore.pareto_rank(points) < LAYERS]
    # How often each of these trials is drawn is binomial; given that it may be, all that counts is whether it is.
    shares = np.append(np.full(len(points), 1 / ended), max(0.0, 1 - len(points) / ended))
    drawn = generator.multinomial(ended, shares / shares.sum(), size=DRAWS)[:, :-1] > 0
    volumes = np.array(
        [moocore.hypervolume(points[chosen], ref=reference) if chosen.any() else 0.0 for chosen in drawn]
    )
    whole = float(moocore.hypervolume(points, ref=reference))
    found: Floats = np.maximum(0.0, volumes - volumes.mean() + whole)
    return found


def interval(draws: Floats) -> tuple[float, float]:
    """Returns the ends of the middle 95 % of the draws."""
    low, high = np.quantile(draws, (0.025, 0.975))
    return float(low), float(high)


def probability(differences: Floats) -> float:
    """Returns the share of draws above 0, those at 0 counted half."""
    near = drawn_error(differences)
    return float((differences > near).mean() + (np.abs(differences) <= near).mean() / 2)


def drawn_error(draws: Floats) -> float:
    """Returns how far draws may lie apart that would be equal had there been endlessly many of them.

    Those over trials are shifted by their mean, which is itself drawn: two equal searches would never tie.
    """
    return float(4 * draws.std() / math.sqrt(len(draws)))


def dealt(one: Sequence[float], other: Sequence[float], generator: np.random.Generator) -> float | None:
    """Returns how often seeds dealt anew to two methods differ in the mean as much as they do; None of one seed.

    All ways to deal are gone through where they are DEALT_MOST at most, otherwise as many are drawn. It is the p value
    of a two-sided permutation test, exact at any number of seeds.
    """
    if min(len(one), len(other)) < 2:
        return None
    every, count = np.array([*one, *other]), len(one)
    if math.comb(len(every), count) <= DEALT_MOST:
        hands = np.array(list(combinations(range(len(every)), count)))
        extra = 0
    else:
        hands = np.array([generator.permutation(len(every))[:count] for _ in range(DEALT_MOST - 1)])
        extra = 1  # the deal that was observed
    sums = every[hands].sum(axis=1)
    gaps = np.abs(sums / count - (every.sum() - sums) / (len(every) - count))
    seen = abs(np.mean(one) - np.mean(other))
    as_far = int((gaps >= seen * (1 - 1e-9) - 1e-15).sum())
    return float((as_far + extra) / (len(hands) + extra))
