"""Computes the heat maps of a grid over two knobs: one cell for each pair of values, one map for each metric."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import pyarrow as pa

from analysis.front import front
from analysis.knobs import Knob, NotDrawable, check_drawn, knobs, known_metrics, pairs
from analysis.wording import GOALS, aligned, readable, within
from search_spaces.study import Study

State = Literal["complete", "stopped", "failed", "running", "missing", "outside"]
NOTES: Final[dict[State, str]] = {
    "complete": "no score",
    "stopped": "stopped",
    "failed": "failed",
    "running": "running",
    "missing": "no trial",
    "outside": "",
}


@dataclass(frozen=True)
class Cell:
    """One pair of values and what became of its trial.

    Attributes:
        across: place of the pair on the map's x axis, from 0 at its low end.
        up: place on the y axis.
        state: of the trial; "missing" where the pair was not tried yet, "outside" where the grid has no such pair.
        trial: its number; None where there is none.
        written: what stands in the cell: the score of a complete trial, else why there is none.
        share: where the score lies on the colour scale, 0 to 1; None without one.
        best: whether the trial stands on the front; with one objective: whether none is better.
    """

    across: int
    up: int
    state: State
    trial: int | None
    written: str
    share: float | None
    best: bool


@dataclass(frozen=True)
class HeatMap:
    """A metric over two knobs, the first one upwards and the second one to the right; cells by rows from below.

    `low` and `high` are the least and the greatest score, where the colour scale begins and ends; None without any.
    """

    metric: str
    title: str
    x: Knob
    y: Knob
    cells: tuple[Cell, ...]
    low: float | None
    high: float | None


def heat_maps(trials: pa.Table, study: Study, metrics: Sequence[str] = ()) -> tuple[HeatMap, ...]:
    """Returns one map for each metric asked for, for each recorded one where none is.

    Only trials that spent their full epochs have a score here: one that was stopped is not compared with them.

    Args:
        trials: as `analysis.records.trials` gives them.
        study: a grid over two knobs.
        metrics: recorded ones, in the order of the maps.

    Raises:
        NotDrawable: the study is no grid over two knobs, or does not record a metric.
    """
    y, x = _axes(study)
    check_drawn(trials, (y, x), study)
    best = set(front(trials, study)["number"].to_pylist())
    rows = {(row[f"options.{y.name}"], row[f"options.{x.name}"]): row for row in trials.to_pylist()}
    return tuple(_map(metric, x, y, rows, best, study) for metric in known_metrics(study, metrics))


def _axes(study: Study) -> tuple[Knob, Knob]:
    names = ", ".join(study.space)
    if len(study.space) != 2:
        other = "plot_knob" if len(study.space) == 1 else "plot_front"
        raise NotDrawable(
            study,
            f"a heat map shows a grid over two knobs, and this study searches {len(study.space)}: {names}; draw it "
            f"with `python -m analysis.{other}`",
        )
    if study.sampler.name != "grid":
        raise NotDrawable(
            study,
            f"a heat map shows a grid, and the sampler {study.sampler.name} drew {names} freely; take the sampler "
            '"grid", or draw it with `python -m analysis.plot_front`',
        )
    first, second = knobs(study)
    return first, second


def _map(
    metric: str, x: Knob, y: Knob, rows: dict[tuple[Any, Any], dict[str, Any]], best: set[int], study: Study
) -> HeatMap:
    scores = {pair: row[f"metrics.{metric}"] for pair, row in rows.items() if _counts(row, metric, study)}
    low, high = (min(scores.values()), max(scores.values())) if scores else (None, None)
    texts = dict(zip(scores, aligned(list(scores.values())), strict=True))
    tried = pairs(study)
    cells = []
    for up, one in enumerate(y.values):
        for across, other in enumerate(x.values):
            row = rows.get((one, other))
            state: State = row["state"] if row else "missing" if (one, other) in tried else "outside"
            text = texts.get((one, other), NOTES[state])
            share = _share(scores[one, other], low, high) if (one, other) in scores else None
            number = row["number"] if row else None
            cells.append(Cell(across, up, state, number, text, share, number in best))
    return HeatMap(metric, _title(metric, study), x, y, tuple(cells), low, high)


def _counts(row: dict[str, Any], metric: str, study: Study) -> bool:
    value = row[f"metrics.{metric}"]
    spent = row["state"] == "complete" and row["epochs"] == study.budget.epochs
    return spent and value is not None and math.isfinite(value)


def _share(value: float, low: float | None, high: float | None) -> float:
    if low is None or high is None or low == high:
        return 0.5
    return (value / 2 - low / 2) / (high / 2 - low / 2)  # in halves, since the whole width may be no finite number


def _title(metric: str, study: Study) -> str:
    goal = next((one.goal for one in study.objectives if one.metric == metric), None)
    return f"{readable(metric)} ({GOALS[goal]})" if goal else readable(metric)


def best_legend(study: Study) -> str:
    """Returns what the outline of a cell means."""
    if len(study.objectives) == 1:
        return f"best trial by {within(study.objectives[0].metric)}"
    return "on the front"
