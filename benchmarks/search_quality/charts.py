"""Computes what the figures of `search-quality` draw: medians and quartiles over seeds, in time and in objectives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import moocore
import numpy as np
from numpy.typing import NDArray

from analysis.front import goals, losses, staircase
from analysis.panels import Axis, ticks
from analysis.wording import GOALS, readable
from benchmarks.search_quality.measures import Searches, soonest
from robustune.replaying import SHARE

Floats = NDArray[np.float64]
DRAWN: Final = ("ours", "ours-random", "random", "optuna-tpe", "optuna-nsga2", "moasha")
"""Methods that have a line; six colours are told apart. The tables have all."""
POINTS: Final = 300
FIRST: Final = 2.0
"""Full trials' time at which the clock of a figure begins."""
STOPS: Final = (2, 5, 10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True)
class Course:
    """One method's share of the best hypervolume: median and quartiles over seeds at the times of its panel."""

    colour: int
    label: str
    low: Floats
    middle: Floats
    high: Floats


@dataclass(frozen=True)
class HistoryPanel:
    """The methods with one number of workers; times are in full trials that fit into them, of all workers together."""

    title: str
    x: Axis
    y: Axis
    times: Floats
    courses: tuple[Course, ...]
    share: float = SHARE


@dataclass(frozen=True)
class Band:
    """One method's attainment surfaces: (k, 2) corners of what a quarter, half and three quarters of seeds attained."""

    colour: int
    label: str
    quarter: Floats
    half: Floats
    most: Floats


@dataclass(frozen=True)
class AttainmentPanel:
    """Two objectives, whatever the others were, at one time."""

    title: str
    x: Axis
    y: Axis
    bands: tuple[Band, ...]


def history_panels(by_workers: Mapping[int, Mapping[str, Searches]]) -> tuple[HistoryPanel, ...]:
    """Returns a panel for each number of workers, all on the same axes."""
    return tuple(_history(workers, searches) for workers, searches in by_workers.items())


def _history(workers: int, searches: Mapping[str, Searches]) -> HistoryPanel:
    some = next(iter(searches.values()))
    unit = some.table.trial_seconds / workers
    last = some.horizon / unit
    times = np.geomspace(FIRST, last, POINTS)
    courses = []
    for colour, name in enumerate(DRAWN):
        if name in searches:
            shares = searches[name].at(times * unit)
            low, middle, high = np.quantile(shares, [0.25, 0.5, 0.75], axis=0, method="inverted_cdf")
            courses.append(Course(colour, searches[name].method.label, low, middle, high))
    stops = tuple(float(stop) for stop in STOPS if stop <= last)
    x = Axis("Full trials that would fit into the time", FIRST, last, stops, None)
    y = Axis("Share of the best hypervolume", 0.0, 1.0, ticks(0.0, 1.0), None)
    return HistoryPanel(f"{workers} worker{'' if workers == 1 else 's'}", x, y, times, tuple(courses))


def attainment_panels(searches: Mapping[str, Searches], seconds: float) -> tuple[AttainmentPanel, ...]:
    """Returns a panel for each two objectives: ours, and the peers that are soonest with and without early stopping."""
    shown = [searches["ours"], soonest(searches, "full"), soonest(searches, "stopping")]
    objectives = shown[0].table.study.objectives
    return tuple(_attainment(shown, pair, seconds) for pair in combinations(range(len(objectives)), 2))


def _attainment(shown: Sequence[Searches], pair: tuple[int, int], seconds: float) -> AttainmentPanel:
    study = shown[0].table.study
    chosen = tuple(study.objectives[place] for place in pair)
    bands = []
    for one in shown:
        surfaces = [staircase(points, chosen) for points in _surfaces(one, pair, seconds)]
        colour = DRAWN.index(one.method.name) if one.method.name in DRAWN else len(DRAWN)
        bands.append(Band(colour, one.method.label, *surfaces))
    corners = np.vstack([surface for band in bands for surface in (band.quarter, band.half, band.most)])
    across, up = (
        _axis(f"{readable(one.metric)} ({GOALS[one.goal]})", corners[:, place]) for place, one in enumerate(chosen)
    )
    return AttainmentPanel(f"{readable(chosen[0].metric)}, {readable(chosen[1].metric)}", across, up, tuple(bands))


def _surfaces(searches: Searches, pair: tuple[int, int], seconds: float) -> list[Floats]:
    """The points of the empirical attainment surfaces of a quarter, half and three quarters of the seeds."""
    study = searches.table.study
    names = [f"metrics.{study.objectives[place].metric}" for place in pair]
    reference = np.array([[study.objectives[place].reference for place in pair]])
    points, sets = [], []
    for seed, rows in enumerate(searches.ended):
        kept = (rows["state"].to_numpy(zero_copy_only=False) == "complete") & (rows["seconds"].to_numpy() <= seconds)
        # Every seed attains the reference, so that one without a trial yet counts among the seeds.
        own = np.vstack(
            [np.column_stack([rows[name].to_numpy(zero_copy_only=False) for name in names])[kept], reference]
        )
        points.append(own)
        sets += [seed] * len(own)
    directions = [goals(study)[place] for place in pair]
    worst = losses(reference, directions)
    turned = np.minimum(losses(np.vstack(points), directions), worst)
    found = moocore.eaf(turned, sets=sets, percentiles=[25, 50, 75])
    return [losses(found[found[:, -1] == percentile, :-1], directions) for percentile in (25, 50, 75)]


def _axis(label: str, values: Floats) -> Axis:
    low, high = float(values.min()), float(values.max())
    pad = 0.04 * ((high - low) or 1.0)
    return Axis(label, low - pad, high + pad, ticks(low - pad, high + pad, most=6), None)
