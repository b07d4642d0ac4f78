"""Computes the points of curves over weight noise: means over nets, and how far nets and draws of noise lie apart."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from analysis.knobs import NotDrawable
from analysis.noise_nets import Net, Nets, Score
from analysis.recipes import said, varied
from analysis.wording import within

ARMS_MOST: Final = 6
"""Curves of one kind that colours still tell apart."""


@dataclass(frozen=True)
class Arm:
    """Nets that differ in the noise of training and their seed alone.

    Attributes:
        name: the options in which it differs from other arms, with their values; "" where there is no other.
        short: their values alone.
        nets: in the order of the studies.
    """

    name: str
    short: str
    nets: tuple[Net, ...]


@dataclass(frozen=True)
class Point:
    """A mean score at one noise scale.

    Attributes:
        arm: place of its arm among all.
        noisy: whether it is under noise at inference.
        scale: of the noise of training.
        inference: of the noise at inference.
        mean: over the nets, of each its mean over draws.
        deviation: standard deviation over nets and draws; None where there is one net alone and no draws are known.
        low: the least that the mean is of.
        high: the greatest.
        seeds: how many nets there are, each of a seed of its own.
        draws: of noise for each net, the fewest.
        names: of the nets.
    """

    arm: int
    noisy: bool
    scale: float
    inference: float
    mean: float
    deviation: float | None
    low: float
    high: float
    seeds: int
    draws: int
    names: tuple[str, ...]

    @property
    def band(self) -> tuple[float, float] | None:
        """The mean less and plus one standard deviation; None where it has none."""
        return None if self.deviation is None else (self.mean - self.deviation, self.mean + self.deviation)


def arms(found: Nets) -> tuple[Arm, ...]:
    """Returns the nets by the options that they were trained with.

    Raises:
        NotDrawable: there are more than ARMS_MOST.
    """
    grouped: dict[str, list[Net]] = {}
    for net in found.nets:
        grouped.setdefault(repr(sorted(net.options.items())), []).append(net)
    groups = sorted(grouped.values(), key=lambda nets: min(net.place for net in nets))
    differ = varied([nets[0].options for nets in groups])
    if len(groups) > ARMS_MOST:
        names = ", ".join(differ)
        raise NotDrawable(
            found.studies[0],
            f"besides noise_scale its nets differ in {names}, which makes {len(groups)} curves, and colours tell at "
            f"most {ARMS_MOST} apart; hold some of that in [options], or draw fewer studies at a time",
        )
    return tuple(
        Arm(
            ", ".join(f"{within(name)} {said(nets[0].options.get(name))}" for name in differ),
            ", ".join(said(nets[0].options.get(name)) for name in differ),
            tuple(nets),
        )
        for nets in groups
    )


def points(every: Sequence[Arm]) -> tuple[Point, ...]:
    """Returns for each arm both curves, with clean weights first, each by the noise scale of training."""
    found = []
    for place, arm in enumerate(every):
        for noisy in (False, True):
            for scale in sorted({net.scale for net in arm.nets}):
                nets = [net for net in arm.nets if net.scale == scale]
                found.append(_point(place, noisy, nets))
    return tuple(found)


def total_deviation(scores: Sequence[Score]) -> float | None:
    """Returns the standard deviation over nets and draws: the square root of the total variance, or rather more.

    It is the variance of the nets' means (of a sample) plus the mean of the nets' variances over draws. A mean over n
    draws itself varies by an n-th of the latter, which is not taken off: nets share their draws, so it may be less.
    None where it is not known: one net alone whose draws were not told.

    Args:
        scores: of each net, at least one.
    """
    between = statistics.variance([score.mean for score in scores]) if len(scores) > 1 else 0.0
    known = [score.deviation for score in scores if score.deviation is not None]
    if len(known) < len(scores):
        return math.sqrt(between) if len(scores) > 1 else None
    return math.sqrt(between + math.fsum(deviation**2 for deviation in known) / len(known))


def table_of(found: Sequence[Point], series: Sequence[str], metric: str, split: str) -> pa.Table:
    """Returns the points as a table.

    Columns: study, arm (what tells its nets from others; "" for a single one), metric, split, noisy (whether under
    noise at inference), training_scale, inference_scale, mean, deviation, low, high, seeds, draws, and trials ("study:
    trial" of each net), all as `Point` says.

    Args:
        found: the points.
        series: what each arm is called.
        metric: that was scored.
        split: of the images.
    """
    studies = [dict.fromkeys(name.rpartition(": ")[0] for name in point.names) for point in found]
    columns = {
        "study": pa.array([", ".join(names) for names in studies], pa.string()),
        "arm": pa.array([series[point.arm] for point in found], pa.string()),
        "metric": pa.array([metric] * len(found), pa.string()),
        "split": pa.array([split] * len(found), pa.string()),
        "noisy": pa.array([point.noisy for point in found], pa.bool_()),
        "training_scale": pa.array([point.scale for point in found], pa.float64()),
        "inference_scale": pa.array([point.inference for point in found], pa.float64()),
        "mean": pa.array([point.mean for point in found], pa.float64()),
        "deviation": pa.array([point.deviation for point in found], pa.float64()),
        "low": pa.array([point.low for point in found], pa.float64()),
        "high": pa.array([point.high for point in found], pa.float64()),
        "seeds": pa.array([point.seeds for point in found], pa.int64()),
        "draws": pa.array([point.draws for point in found], pa.int64()),
        "trials": pa.array([list(point.names) for point in found], pa.list_(pa.string())),
    }
    return pa.table(columns)


def _point(arm: int, noisy: bool, nets: Sequence[Net]) -> Point:
    alone = len(nets) == 1
    scores = [net.noisy if noisy else Score(net.clean, None if alone else 0.0, 1) for net in nets]
    means = [score.mean for score in scores]
    return Point(
        arm,
        noisy,
        nets[0].scale,
        nets[0].inference if noisy else 0.0,
        math.fsum(means) / len(means),
        total_deviation(scores),
        min(means),
        max(means),
        len(nets),
        min(score.draws for score in scores),
        tuple(net.name for net in nets),
    )
