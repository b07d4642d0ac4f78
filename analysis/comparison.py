"""Which of several methods attains more, and how sure that is."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa

from analysis import resampling
from analysis.attainment_surfaces import gains
from analysis.compared import Method
from analysis.comparison_notes import remarks
from analysis.front import Floats, front, hypervolume
from search_spaces.study import Objective

LEANING: Final = 0.8
"""Probability from which on a method is called probably better; it is better where the interval leaves out 0."""


@dataclass(frozen=True)
class Standing:
    """What one method reached: the hypervolume of each search, their mean with its 95 % interval.

    Attributes:
        resampled: what the interval is over: seeds, or trials where there is one seed.
        best: probability that its mean is the greatest of all methods.
    """

    method: Method
    volumes: tuple[float, ...]
    mean: float
    low: float
    high: float
    resampled: Literal["seeds", "trials"]
    best: float


@dataclass(frozen=True)
class Pair:
    """Two methods by their place: how much greater the mean hypervolume of the first is than that of the second.

    Attributes:
        probability: that it is greater at all.
        p_value: of the permutation test over seeds; None where one of them has one seed.
        more_one: volume that more searches of the first attain, times how many more; None where it takes too long.
        more_other: the reverse; the first less this one is the difference.
    """

    one: int
    other: int
    difference: float
    low: float
    high: float
    probability: float
    p_value: float | None
    more_one: float | None
    more_other: float | None

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0

    @property
    def leaning(self) -> bool:
        """Whether that of the greater mean is greater with a probability worth saying, clear or not.

        Draws over trials may lean to the other one: where many trials are as good as its best, few draws lack them all.
        """
        return self.clear or (self.probability if self.difference >= 0 else 1 - self.probability) >= LEANING

    @property
    def turned(self) -> "Pair":
        """The same the other way round."""
        return Pair(
            self.other,
            self.one,
            -self.difference,
            -self.high,
            -self.low,
            1 - self.probability,
            self.p_value,
            self.more_other,
            self.more_one,
        )


@dataclass(frozen=True)
class Comparison:
    """Methods by the same objectives: where each stands, every two against each other, and what must be known."""

    objectives: tuple[Objective, ...]
    standings: tuple[Standing, ...]
    pairs: tuple[Pair, ...]
    notes: tuple[str, ...]

    @property
    def methods(self) -> tuple[Method, ...]:
        """The methods, in the order given."""
        return tuple(one.method for one in self.standings)


def compare(every: Sequence[Method], seed: int = 0) -> Comparison:
    """Returns the comparison of methods whose studies have the same objectives.

    Args:
        every: at least one, as `analysis.compared.agreed` and `methods` give them.
        seed: of the resampling; the same gives the same numbers.
    """
    objectives = every[0].searches[0].study.objectives
    volume = partial(hypervolume, objectives=objectives)
    volumes = [tuple(volume(one) for one in method.fronts) for method in every]
    draws = [_draws(method, own, _generator(method.name, seed)) for method, own in zip(every, volumes, strict=True)]
    best = _best(draws)
    standings = tuple(
        _standing(method, own, drawn, share)
        for method, own, drawn, share in zip(every, volumes, draws, best, strict=True)
    )
    pairs = []
    for one, other in combinations(range(len(every)), 2):
        apart = gains(every[one].fronts, every[other].fronts, objectives) or (None, None)
        p_value = resampling.dealt(volumes[one], volumes[other], _generator("dealt", seed))
        pairs.append(_pair(one, other, standings, draws[one] - draws[other], p_value, apart))
    return Comparison(objectives, standings, tuple(pairs), (*remarks(every), *_without_width(standings)))


def points_table(compared: Comparison) -> pa.Table:
    """Returns the front of every search: method, study, seed, place, trial, and metrics.NAME of each objective."""
    rows: list[dict[str, Any]] = []
    for method in compared.methods:
        for one in method.searches:
            best = front(one.trials, one.study)
            names = [f"metrics.{part.metric}" for part in compared.objectives]
            for row in best.select(["number", *names]).to_pylist():
                where = {"method": method.name, "study": one.study.name, "seed": one.study.seed, "place": one.place}
                rows.append({**where, "trial": row["number"], **{name: row[name] for name in names}})
    kinds = [("method", pa.string()), ("study", pa.string()), ("seed", pa.int64()), ("place", pa.string())]
    scored = [(f"metrics.{part.metric}", pa.float64()) for part in compared.objectives]
    return pa.Table.from_pylist(rows, pa.schema([*kinds, ("trial", pa.int64()), *scored]))


def volumes_table(compared: Comparison) -> pa.Table:
    """Returns a row for each search: its hypervolume, its method's mean, its interval, and how likely that is best."""
    rows = [
        {
            **{"method": one.method.name, "study": search.study.name, "seed": search.study.seed},
            **{"place": search.place, "hypervolume": volume, "mean": one.mean, "low": one.low, "high": one.high},
            **{"resampled": one.resampled, "best": one.best, "trials": search.ended},
            "epochs": sum(search.trials["epochs"].to_pylist()),
            "front": len(search.front),
        }
        for one in compared.standings
        for search, volume in zip(one.method.searches, one.volumes, strict=True)
    ]
    return pa.Table.from_pylist(rows)


def pairs_table(compared: Comparison) -> pa.Table:
    """Returns a row for every two methods: what `Pair` holds, by name."""
    numbers = ("difference", "low", "high", "probability", "p_value", "more_one", "more_other")
    names = [one.method.name for one in compared.standings]
    columns: dict[str, Any] = {
        "one": pa.array([names[pair.one] for pair in compared.pairs], pa.string()),
        "other": pa.array([names[pair.other] for pair in compared.pairs], pa.string()),
    }
    for name in numbers:
        columns[name] = pa.array([getattr(pair, name) for pair in compared.pairs], pa.float64())
    return pa.table(columns)


def _draws(method: Method, volumes: Sequence[float], generator: np.random.Generator) -> Floats:
    if len(volumes) > 1:
        return resampling.over_seeds(volumes, generator)
    (search,) = method.searches
    return resampling.over_trials(search.candidates, max(1, search.ended), search.study.objectives, generator)


def _generator(name: str, seed: int) -> np.random.Generator:
    """A method's own, so that its interval is the same whatever it is compared with."""
    return np.random.default_rng([seed, *hashlib.sha256(name.encode()).digest()])


def _best(draws: Sequence[Floats]) -> list[float]:
    """The share of draws in which each is the greatest, shared out where several are."""
    every = np.array(draws)
    tops = every >= every.max(axis=0) - max(map(resampling.drawn_error, draws))
    shares: list[float] = (tops / tops.sum(axis=0)).mean(axis=1).tolist()
    return shares


def _standing(method: Method, volumes: tuple[float, ...], draws: Floats, best: float) -> Standing:
    mean = float(np.mean(volumes))
    low, high = _around(mean, draws)
    over: Literal["seeds", "trials"] = "seeds" if len(volumes) > 1 else "trials"
    return Standing(method, volumes, mean, max(0.0, low), high, over, best)


def _pair(
    one: int,
    other: int,
    standings: Sequence[Standing],
    differences: Floats,
    p_value: float | None,
    apart: tuple[float | None, float | None],
) -> Pair:
    gap = standings[one].mean - standings[other].mean
    low, high = _around(gap, differences)
    return Pair(one, other, gap, low, high, resampling.probability(differences), p_value, *apart)


def _without_width(standings: Sequence[Standing]) -> Iterator[str]:
    """What must be known where seeds that are alike say nothing of how far others would lie."""
    for one in standings:
        if one.resampled == "seeds" and len(set(one.volumes)) == 1:
            yield f"all seeds of {one.method.name} reached the same hypervolume, so its interval has no width"


def _around(found: float, draws: Floats) -> tuple[float, float]:
    """The interval of the draws, and what was found within it: very skewed draws lie beside it almost all."""
    low, high = resampling.interval(draws)
    return min(low, found), max(high, found)
