"""Computes parallel coordinates: an axis for each searched option and each objective, and a line for each trial."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa

from analysis.front import Floats, feasible
from analysis.option_axes import option_axis
from analysis.panels import Axis, value_axis
from analysis.wording import GOALS, readable
from search_spaces.study import Study

Fate = Literal["front", "complete", "infeasible", "stopped", "failed", "running"]
FATES: Final[dict[Fate, str]] = {
    "front": "front",
    "complete": "complete",
    "infeasible": "breaks a constraint",
    "stopped": "stopped early",
    "failed": "failed",
    "running": "still running",
}
SEED: Final = 0
"""Of which lines are drawn where not all are."""


@dataclass(frozen=True)
class Upright:
    """One upright axis.

    Attributes:
        column: of the trials, "options.NAME" or "metrics.NAME".
        axis: its range, ticks and title; a logarithmic one has logarithms to base 10.
        scale: how a value becomes a place: itself, its logarithm, or the place of its name in `known`.
        known: places of the values of a choice or a subset.
        flipped: whether low values are at the top, since they are better.
        objective: "" for an option, else which way is better.
    """

    column: str
    axis: Axis
    scale: Literal["linear", "log", "names"]
    known: Mapping[Any, int]
    flipped: bool = False
    objective: str = ""

    def up(self, share: float) -> float:
        """Returns how high a share of the axis lies, in [0, 1]."""
        return 1 - share if self.flipped else share


@dataclass(frozen=True)
class Parallel:
    """What parallel coordinates show.

    Attributes:
        axes: options in the order of the study, then objectives.
        numbers: of the trials.
        fates: what became of each.
        heights: (trials, axes) how high each line crosses each axis, in [0, 1]; NaN for an option that was not drawn
            and a score that is not there, not finite or not comparable.
    """

    axes: tuple[Upright, ...]
    numbers: tuple[int, ...]
    fates: tuple[Fate, ...]
    heights: Floats

    @property
    def missing(self) -> tuple[bool, ...]:
        """For each axis whether some line has no value on it."""
        return tuple(bool(np.isnan(self.heights[:, place]).any()) for place in range(len(self.axes)))

    def table(self) -> pa.Table:
        """Returns a row for each line: trial, fate, and its height on each axis."""
        columns: dict[str, Any] = {
            "trial": pa.array(self.numbers, pa.int64()),
            "fate": pa.array(self.fates, pa.string()),
        }
        for place, one in enumerate(self.axes):
            columns[f"height.{one.column}"] = pa.array(self.heights[:, place], pa.float64(), from_pandas=True)
        return pa.table(columns)

    def sample(self, most: int) -> list[int]:
        """Returns the rows that are drawn where at most so many are: the front's, then others at random; front last."""
        best = [row for row, fate in enumerate(self.fates) if fate == "front"]
        others = [row for row, fate in enumerate(self.fates) if fate != "front"]
        room = max(0, most - len(best))
        if len(others) > room:
            chosen = np.random.default_rng(SEED).choice(len(others), room, replace=False)
            others = [others[place] for place in sorted(chosen)]
        weight = list(FATES)
        return sorted(others, key=lambda row: -weight.index(self.fates[row])) + best


def parallel(trials: pa.Table, front: pa.Table, study: Study) -> Parallel:
    """Returns the lines of all trials.

    Args:
        trials: as `analysis.records.trials` gives them.
        front: as `analysis.front.front` gives it.
        study: whose options and objectives have axes.
    """
    fates = _fates(trials, front, study)
    axes, heights = [], []
    for name, domain in study.space.items():
        column = f"options.{name}"
        values = trials[column].to_pylist()
        own = option_axis(name, domain, values)
        axes.append(
            Upright(column, own.axis, "names" if own.known else "log" if own.logarithmic else "linear", own.known)
        )
        heights.append(_heights(axes[-1], np.array([own.position(value) for value in values], np.float64)))
    for objective in study.objectives:
        column = f"metrics.{objective.metric}"
        scores = trials[column].to_numpy(zero_copy_only=False).astype(np.float64)
        finite = np.isfinite(scores)
        spent = ["complete" if fate in ("front", "complete") else "stopped" for fate in fates]
        kept = [kind for kind, known in zip(spent, finite, strict=True) if known]
        axis = value_axis(readable(objective.metric), scores[finite], kept, None)  # type: ignore[arg-type]
        axes.append(Upright(column, axis, "linear", {}, objective.goal == "min", GOALS[objective.goal]))
        heights.append(_heights(axes[-1], np.where(finite, scores, np.nan)))
    drawn = np.array(heights, dtype=np.float64).reshape(len(axes), trials.num_rows).T
    return Parallel(tuple(axes), tuple(trials["number"].to_pylist()), fates, drawn)


def _fates(trials: pa.Table, front: pa.Table, study: Study) -> tuple[Fate, ...]:
    best, lawful = set(front["number"].to_pylist()), feasible(trials, study)
    found: list[Fate] = []
    for number, state, within in zip(trials["number"].to_pylist(), trials["state"].to_pylist(), lawful, strict=True):
        if number in best:
            found.append("front")
        else:
            found.append("infeasible" if state == "complete" and not within else state)
    return tuple(found)


def _heights(one: Upright, values: Floats) -> Floats:
    shares = (values - one.axis.low) / (one.axis.high - one.axis.low)
    shares = np.clip(1 - shares if one.flipped else shares, 0.0, 1.0)
    found: Floats = np.where(np.isfinite(values), shares, np.nan)
    return found
