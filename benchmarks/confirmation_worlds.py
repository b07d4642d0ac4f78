"""Made-up searches whose true scores are known, to hold the intervals of a confirmation against."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.confirmation.nets import Nets
from analysis.front import nondominated
from search_spaces.domains import Uniform
from search_spaces.study import Budget, Objective, Study

Floats = NDArray[np.float64]

OBJECTIVES = (Objective("error", "min", 0.5), Objective("mce", "min", 1.0))
STUDY = Study(
    name="made-up",
    trainer="closed_form",
    data="none",
    space={"x": Uniform(0, 1)},
    objectives=OBJECTIVES,
    budget=Budget(1, 1),
)


@dataclass(frozen=True)
class World:
    """How a made-up search and its confirmation scatter; scores are losses, two of them.

    Attributes:
        trials: of the search.
        sources: that a confirmation scores every net on; the search has as many of its own.
        seed_sd: standard deviation of a net's two true scores over seeds, of the median trial.
        unequal: standard deviation of the logarithm of that over trials.
        skewness: of the seeds' gamma-distributed parts; one is common to both scores, with 0.4 of the variance.
        source_sd: of one source's values; 0.7 of the variance is common to all trials, and that part is skewed too.
        residual_sd: of one net at one source.
    """

    trials: int = 20
    sources: int = 100
    seed_sd: tuple[float, float] = (0.015, 0.03)
    unequal: float = 0.5
    skewness: float = 2.0
    source_sd: tuple[float, float] = (0.07, 0.12)
    residual_sd: tuple[float, float] = (0.1, 0.15)


@dataclass(frozen=True)
class Searched:
    """One made-up search, and what nets of its candidates will score.

    Attributes:
        promised: (trials, 2) scores of the search, one seed each.
        truth: (trials, 2) true mean scores over seeds and sources.
        seed_sd: (trials,) of the first score.
        candidates: (K,) the front and the band below it.
        values: (K, seeds, sources, 2) of the candidates' nets.
    """

    promised: Floats
    truth: Floats
    seed_sd: Floats
    candidates: NDArray[np.int64]
    values: Floats

    @property
    def true(self) -> Floats:
        """(K, 2) true mean scores of the candidates."""
        found: Floats = self.truth[self.candidates]
        return found

    def nets(self, counts: Sequence[int]) -> Nets:
        """The first so many nets of each candidate."""
        points, _, sources, names = self.values.shape
        point = np.repeat(np.arange(points), counts)
        replicate = np.concatenate([np.arange(count) for count in counts])
        rows = self.values[point, replicate]
        ids = np.arange(sources)
        return Nets(
            trials=tuple(self.candidates.tolist()),
            metrics=tuple(one.metric for one in OBJECTIVES),
            point=point,
            replicate=replicate,
            values=tuple(rows[:, :, m] for m in range(names)),
            sources=(ids,) * names,
        )


def searched(world: World, seeds: int, rng: np.random.Generator, band: float = 2.0) -> Searched:
    """Returns a search over a curved trade-off with some waste, and `seeds` nets of each candidate."""
    along = rng.uniform(0, 1, world.trials)
    waste = rng.gamma(1.2, (0.015, 0.05), (world.trials, 2))
    truth = np.column_stack([0.05 + 0.3 * along, 0.2 + 0.49 * (1 - np.sqrt(along)) ** 1.3]) + waste
    sizes = np.exp(rng.normal(0, world.unequal, (world.trials, 1)))
    found = _values(world, truth, sizes, 1, rng)
    promised = found.mean(axis=(1, 2))
    candidates = np.flatnonzero(_near(promised, band * np.array(world.seed_sd)))
    values = _values(world, truth[candidates], sizes[candidates], seeds, rng)
    return Searched(promised, truth, sizes[:, 0] * world.seed_sd[0], candidates, values)


def many(world: World, seeds: int, studies: int, seed: int = 0) -> Iterator[Searched]:
    """Yields so many searches, each by a generator of its own."""
    yield from (searched(world, seeds, np.random.default_rng([seed, number])) for number in range(studies))


def _values(world: World, truth: Floats, sizes: Floats, seeds: int, rng: np.random.Generator) -> Floats:
    points, names = truth.shape
    common, own = _skewed(world, (points, seeds, 1), rng), _skewed(world, (points, seeds, names), rng)
    nets = truth[:, None] + sizes[:, None] * world.seed_sd * (np.sqrt(0.4) * common + np.sqrt(0.6) * own)
    shared = _skewed(world, (world.sources, names), rng)
    by_point = rng.standard_normal((points, world.sources, names))
    sources = (np.sqrt(0.7) * shared + np.sqrt(0.3) * by_point) * world.source_sd
    rest = rng.standard_normal((points, seeds, world.sources, names)) * world.residual_sd
    found: Floats = nets[:, :, None] + sources[:, None] + rest
    return found


def _skewed(world: World, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Mean 0, variance 1."""
    if world.skewness == 0:
        return rng.standard_normal(shape)
    form = 4 / world.skewness**2
    found: Floats = (rng.gamma(form, 1.0, shape) - form) / np.sqrt(form)
    return found


def _near(losses: Floats, width: Floats) -> NDArray[np.bool_]:
    best = losses[nondominated(losses)]
    better = losses - width
    over = np.all(best[None] <= better[:, None], axis=2) & np.any(best[None] < better[:, None], axis=2)
    found: NDArray[np.bool_] = ~np.any(over, axis=1)
    return found
