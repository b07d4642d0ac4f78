"""Whether a confirmation's intervals hold what they say: many made-up studies whose true scores are known.

Coverage is absolute: `target` says within which bounds. Where there is a peer, it is what one has without confirmation:
the searched front's own scores, or the uncorrected hypervolume.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis.confirmation.confirming import fresh, standing, volume
from analysis.confirmation.drawing import deviations, likely
from analysis.confirmation.nets import Nets, Whole
from analysis.confirmation.racing import FIRST_SEEDS, wanted
from analysis.confirmation.tables import intervals
from analysis.confirmation.variances import Spread, spread
from analysis.front import Mask, hypervolume, nondominated
from benchmarks.confirmation_worlds import OBJECTIVES, STUDY, Searched, World, searched
from benchmarks.pool import worked
from benchmarks.rows import Row, row

SEEDS = 5
STUDIES = 2_000
CHUNK = 50
DRAWS = 300

WORLDS = {
    "images and seeds alike": World(),
    "seeds alone": World(source_sd=(0.007, 0.012), residual_sd=(0.02, 0.03)),
    "heavier tails, less equal": World(skewness=2.8, unequal=0.7),
    "normal, equal": World(skewness=0.0, unequal=0.0),
    "few trials": World(trials=6),
}


@dataclass(frozen=True)
class Job:
    """Some studies of one world, the budget spent by racing or not."""

    world: World
    racing: bool
    first: int
    studies: int


def rows(device: str) -> list[Row]:
    found: list[Row] = []
    for name, world in WORLDS.items():
        for racing in (False, True):
            told = simulated(world, STUDIES, racing, workers=len(os.sched_getaffinity(0)))
            found += _rows(f"{name}, {'--budget' if racing else f'{SEEDS} seeds'}", told)
    return found


def simulated(world: World, studies: int, racing: bool, workers: int = 1) -> dict[str, float]:
    """Returns means over studies of what `judged` says of each."""
    jobs = [Job(world, racing, first, min(CHUNK, studies - first)) for first in range(0, studies, CHUNK)]
    told = [one for _, some in sorted(worked(work, jobs, workers), key=lambda pair: pair[0].first) for one in some]
    return {name: _mean([one[name] for one in told]) for name in told[0]}


def _mean(values: Sequence[float]) -> float:
    """Of those studies that have one."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def work(job: Job) -> list[dict[str, float]]:
    studies = range(job.first, job.first + job.studies)
    return [judged(searched(job.world, SEEDS, np.random.default_rng([0, one])), job.racing) for one in studies]


def raced(study: Searched, most: int) -> Whole:
    """Returns the seeds of each candidate where clear ones get no more."""
    counts = np.full(len(study.candidates), FIRST_SEEDS)
    while more := wanted(study.nets(counts.tolist()), STUDY, most):
        for point, seeds in more.items():
            counts[point] += seeds
    return counts


def judged(study: Searched, racing: bool) -> dict[str, float]:
    """Holds one study's confirmation against the truth."""
    counts = raced(study, SEEDS) if racing else np.full(len(study.candidates), SEEDS)
    nets = study.nets(counts.tolist())
    seen = spread(nets)
    stands = standing(seen.means[None], nets.metrics, STUDY)[0]
    return {
        "nets": float(counts.sum()),
        "saved": 1 - float(counts.mean()) / SEEDS,
        "points": float(len(counts)),
        **_points(study, seen, stands, counts),
        **_second_selection(study, nets, seen, stands),
        **_volumes(study, seen, nets.metrics),
        **_probability(study, seen, nets.metrics),
    }


def _points(study: Searched, seen: Spread, stands: Mask, counts: Whole) -> dict[str, float]:
    low, high = intervals(seen)
    inside = (low <= study.true) & (study.true <= high)
    sizes = study.seed_sd[study.candidates]
    noisy = sizes >= np.median(sizes)
    return {
        "coverage": inside.mean(),
        "coverage of the confirmed front": inside[stands].mean(),
        "coverage of the noisier half": inside[noisy].mean(),
        "coverage of the stopped": inside[counts < SEEDS].mean() if (counts < SEEDS).any() else np.nan,
        "coverage of differences": _differences(study, seen),
    }


def _differences(study: Searched, seen: Spread) -> float:
    """Of all pairs of points and both scores, by the joint covariance."""
    points, names = seen.means.shape
    blocks = seen.covariance.reshape(points, names, points, names)
    first, second = np.triu_indices(points, 1)
    held = []
    for m in range(names):
        joint = blocks[:, m, :, m]
        own = np.diag(joint)
        sizes = np.sqrt(np.maximum(own[first] + own[second] - 2 * joint[first, second], 0.0))
        t = stats.t.ppf(0.975, np.minimum(seen.seed_df[first, m], seen.seed_df[second, m]))
        off = (seen.means - study.true)[:, m]
        held.append(np.abs(off[first] - off[second]) <= t * sizes)
    return float(np.mean(held)) if len(first) else np.nan


def _second_selection(study: Searched, nets: Nets, seen: Spread, stands: Mask) -> dict[str, float]:
    """Mean true loss above what is said of the confirmed front, in SD of a net over seeds; 0 is honest."""
    sd = np.sqrt(seen.score)
    held_out = fresh(nets, STUDY, stands)[stands]
    searched_front = nondominated(study.promised)
    return {
        "flattery of the promise": ((study.truth - study.promised)[searched_front] / sd).mean(),
        "flattery of the confirmed means": ((study.true - seen.means)[stands] / sd).mean(),
        "flattery of the fresh means": np.nanmean((study.true[stands] - held_out) / sd),
    }


def _volumes(study: Searched, seen: Spread, metrics: Sequence[str]) -> dict[str, float]:
    drawn = seen.means + deviations(seen, DRAWS, np.random.default_rng(0))
    said = volume(seen, drawn, metrics, STUDY)
    true = hypervolume(study.true, OBJECTIVES)
    members = nondominated(study.promised)
    half = (said.high - said.low) / 2
    return {
        "true hypervolume": true,
        "excess of the promised hypervolume": hypervolume(study.promised, OBJECTIVES)
        - hypervolume(study.truth[members], OBJECTIVES),
        "excess of the confirmed hypervolume": said.confirmed - true,
        "excess of the corrected hypervolume": said.corrected - true,
        "coverage of the corrected hypervolume": float(said.low <= true <= said.high),
        "coverage of the uncorrected hypervolume": float(abs(said.confirmed - true) <= half),
    }


def _probability(study: Searched, seen: Spread, metrics: Sequence[str]) -> dict[str, float]:
    """Whether points of such a probability belong so often, and how often searched members do."""
    chance = standing(likely(seen, DRAWS, np.random.default_rng(1)), metrics, STUDY).mean(axis=0)
    true = nondominated(study.true)
    found = {"mean probability": chance.mean(), "share on the true front": true.mean()}
    for low, high in ((0.0, 0.1), (0.1, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.01)):
        among = (chance >= low) & (chance < high)
        found[f"on the true front of those at {low:g} to {min(high, 1):g}"] = (
            true[among].mean() if among.any() else np.nan
        )
    members = nondominated(study.promised)
    found["share of the searched front that is on the true one"] = nondominated(study.truth)[members].mean()
    return found


def _rows(name: str, told: dict[str, float]) -> list[Row]:
    found = [
        row(f"{name}: {key}", value, None, "", value / 0.95, "0.93 to 0.97" if key in _HELD else "")
        for key, value in told.items()
        if key.startswith("coverage") and not np.isnan(value)
    ]
    for key, peer, unit in _BESIDE:
        found.append(row(f"{name}: {key}", told[key], told[peer], unit, abs(told[peer] / told[key]), ""))
    rest = [key for key in told if not key.startswith("coverage") and key not in {each[0] for each in _BESIDE}]
    return [*found, *(row(f"{name}: {key}", told[key], None, "", 1.0, "") for key in rest)]


_HELD = ("coverage", "coverage of differences", "coverage of the corrected hypervolume")
_BESIDE = (
    ("flattery of the confirmed means", "flattery of the promise", "SD over seeds"),
    ("flattery of the fresh means", "flattery of the promise", "SD over seeds"),
    ("excess of the confirmed hypervolume", "excess of the promised hypervolume", ""),
    ("excess of the corrected hypervolume", "excess of the promised hypervolume", ""),
)
