"""What searches of many seeds come to: how soon they have a share of the best, and what they have in the end."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.search_quality.methods import METHODS, Method
from benchmarks.search_quality.tables import Table
from robustune.replaying import SHARE, quartiles

Floats = NDArray[np.float64]
SHARES: Final = (0.8, 0.9, SHARE, 0.99)
"""Of the best hypervolume, whose times are told; the targets are those of SHARE."""


@dataclass(frozen=True)
class Searches:
    """The searches of one method over one table with so many workers, one of each seed.

    Attributes:
        table: that was searched.
        method: that searched.
        workers: trials at a time.
        horizon: virtual seconds after which nothing counted.
        ended: of each seed the rows of `robustune.replaying.rows`.
    """

    table: Table
    method: Method
    workers: int
    horizon: float
    ended: tuple[pa.Table, ...]

    @cached_property
    def histories(self) -> tuple[tuple[Floats, Floats], ...]:
        """Of each seed the seconds at which trials ended, and the share of the best hypervolume that it had then."""
        return tuple(
            (rows["seconds"].to_numpy(), rows["hypervolume"].to_numpy() / self.table.reach) for rows in self.ended
        )

    def at(self, seconds: Sequence[float] | Floats) -> Floats:
        """Returns (seeds, times) shares of the best hypervolume that the searches had at those times."""
        found = []
        for times, shares in self.histories:
            places = np.searchsorted(times, np.asarray(seconds), side="right")
            found.append(np.concatenate([[0.0], shares])[places])
        return np.array(found)

    def times(self, share: float = SHARE) -> list[float]:
        """Seconds until each seed's search had the share; infinite where it had not by the horizon."""
        # A share is a quotient: what equals the best may be a last bit below 1.
        return [
            float(times[np.argmax(shares >= share - 1e-12)]) if (shares >= share - 1e-12).any() else math.inf
            for times, shares in self.histories
        ]

    @property
    def finals(self) -> list[float]:
        """Each seed's share of the best hypervolume at the horizon."""
        return [float(shares[-1]) if len(shares) else 0.0 for _, shares in self.histories]

    def median_time(self, share: float = SHARE) -> float:
        """The median over seeds of `times`, infinite where at most half of the searches had the share."""
        return quartiles(self.times(share))[1]

    @property
    def median_final(self) -> float:
        """The median over seeds of `finals`."""
        return quartiles(self.finals)[1]

    @property
    def reached(self) -> int:
        """How many seeds had the share that counts."""
        return sum(time < math.inf for time in self.times())


def of_kind(searches: Mapping[str, Searches], kind: str) -> Iterator[Searches]:
    """Yields the searches of one kind of method."""
    for name, one in searches.items():
        if METHODS[name].kind == kind:
            yield one


def soonest(searches: Mapping[str, Searches], kind: str) -> Searches:
    """Returns the searches whose median time is the least of their kind; of equal ones those that end highest."""
    return min(of_kind(searches, kind), key=lambda one: (one.median_time(), -one.median_final))


def highest(searches: Mapping[str, Searches]) -> Searches:
    """Returns the peer whose median final hypervolume is the highest."""
    peers = [*of_kind(searches, "full"), *of_kind(searches, "stopping")]
    return max(peers, key=lambda one: (one.median_final, -one.median_time()))
