"""What the nets of a confirmation scored, as arrays: nets by sources, for each metric."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


class NotConfirmable(ValueError):
    """Outcomes from which no interval can be had; the message says what is missing or wrong, and where."""


@dataclass(frozen=True)
class Nets:
    """The outcomes of N nets of K points, every net on the same sources.

    Attributes:
        trials: of the points, ascending.
        metrics: their names.
        point: (N,) index into `trials`.
        replicate: (N,) which seed of its point; nets are ordered by point, then replicate.
        values: for each metric (N, its sources); the mean of a row is the net's score.
        sources: for each metric the ids of its sources, ascending.
    """

    trials: tuple[int, ...]
    metrics: tuple[str, ...]
    point: Whole
    replicate: Whole
    values: tuple[Floats, ...]
    sources: tuple[Whole, ...]

    @property
    def scores(self) -> Floats:
        """(N, metrics) score of each net."""
        return np.column_stack([each.mean(axis=1) for each in self.values])

    @property
    def seeds(self) -> Whole:
        """(K,) nets of each point."""
        return np.bincount(self.point, minlength=len(self.trials))

    def of(self, metrics: Sequence[str]) -> "Nets":
        """The same nets by some of their metrics, in the order given."""
        places = [self.metrics.index(name) for name in metrics]
        values, sources = tuple(self.values[i] for i in places), tuple(self.sources[i] for i in places)
        return Nets(self.trials, tuple(metrics), self.point, self.replicate, values, sources)

    def only(self, kept: NDArray[np.bool_]) -> "Nets":
        """Some of the nets, by an (N,) mask that leaves every point one."""
        values = tuple(each[kept] for each in self.values)
        return Nets(self.trials, self.metrics, self.point[kept], self.replicate[kept], values, self.sources)


def nets_of(outcomes: pa.Table) -> Nets:
    """Returns the rows of a table of the columns `record.OUTCOMES` as arrays.

    Raises:
        NotConfirmable: no row, a value that is not finite, a net that lacks a metric or a source, or has one twice.
    """
    if not outcomes.num_rows:
        raise NotConfirmable("outcomes: no net has been scored; a confirmation needs at least two of one trial")
    trial = outcomes["trial"].to_numpy().astype(np.int64)
    replicate = outcomes["replicate"].to_numpy().astype(np.int64)
    width = int(replicate.max()) + 1
    keys, net = np.unique(trial * width + replicate, return_inverse=True)  # in a tenth of the time of unique rows
    known = np.column_stack([keys // width, keys % width])
    names = tuple(pc.unique(outcomes["metric"]).to_pylist())
    values, sources = [], []
    for name in names:
        rows = pc.equal(outcomes["metric"], name).to_numpy(zero_copy_only=False)
        found, place = np.unique(outcomes["source"].to_numpy()[rows], return_inverse=True)
        values.append(_filled(name, known, net[rows], found, place, outcomes["value"].to_numpy()[rows]))
        sources.append(found.astype(np.int64))
    trials, point = np.unique(known[:, 0], return_inverse=True)
    return Nets(tuple(trials.tolist()), names, point, known[:, 1], tuple(values), tuple(sources))


def _filled(name: str, known: Whole, net: Whole, sources: Whole, place: Whole, values: Floats) -> Floats:
    times = np.zeros((len(known), len(sources)), dtype=np.int64)
    np.add.at(times, (net, place), 1)
    wrong = np.argwhere(times != 1)
    if len(wrong):
        row, column = wrong[0]
        said = "has no" if times[row, column] == 0 else f"has {times[row, column]} times"
        raise NotConfirmable(
            f"outcomes: trial {known[row, 0]}, replicate {known[row, 1]} {said} {name!r} of source {sources[column]}; "
            "every net is scored once on every source"
        )
    if not np.isfinite(values).all():
        row = int(net[~np.isfinite(values)][0])
        raise NotConfirmable(
            f"outcomes: trial {known[row, 0]}, replicate {known[row, 1]}: a value of {name!r} is not finite; "
            "leave out a net that diverged"
        )
    filled: Floats = np.empty(times.shape)
    filled[net, place] = values
    return filled
