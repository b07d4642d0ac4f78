"""Computes the learning curves of chosen trials: each recorded metric after each epoch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from analysis.breaks import changes
from analysis.knobs import NotDrawable
from analysis.lines import Line, LinePanel, Names
from analysis.measuring import ways_of
from analysis.panels import count_axis, value_axis
from analysis.wording import GOALS, readable
from search_spaces.study import Study


@dataclass(frozen=True)
class Learning:
    """A panel for each metric, whose lines belong to trials."""

    trials: Names
    panels: tuple[LinePanel, ...]


def learning_curves(epochs: pa.Table, study: Study, trials: Sequence[int], metrics: Sequence[str] = ()) -> Learning:
    """Returns the scores of trials after each epoch.

    Args:
        epochs: as `analysis.records.epochs` gives them.
        study: that recorded them.
        trials: numbers; each has a line of its own colour.
        metrics: in the order of the panels; none means every recorded one.

    Raises:
        NotDrawable: a metric is not recorded, or no trial of these reported an epoch.
    """
    if unknown := [name for name in metrics if name not in study.metrics]:
        raise NotDrawable(study, f"it records no {unknown[0]}; recorded: {', '.join(study.metrics)}")
    rows = [row for row in epochs.to_pylist() if row["trial"] in trials]
    if not rows:
        raise NotDrawable(study, f"no epoch is recorded of trial {', '.join(map(str, trials)) or 'none'}")
    found = []
    for metric in metrics or study.metrics:
        lines = [_line(place, trial, metric, rows) for place, trial in enumerate(trials)]
        drawn = tuple(line for line in lines if line.corners)
        if not drawn:
            continue
        values = np.array([score for line in drawn for _, score in line.corners])
        goal = next((one.goal for one in study.objectives if one.metric == metric), None)
        up = value_axis(GOALS[goal] if goal else "", values, ["complete"] * len(values), None)
        across = count_axis("Epoch", float(study.budget.epochs))
        breaks = changes(ways_of(epochs), metric, study.budget.epochs)
        found.append(LinePanel(metric, readable(metric), across, up, drawn, breaks))
    return Learning(Names(tuple(f"trial {trial}" for trial in trials)), tuple(found))


def _line(place: int, trial: int, metric: str, rows: Sequence[dict[str, float]]) -> Line:
    scored = sorted((float(row["epoch"]), row[f"metrics.{metric}"]) for row in rows if row["trial"] == trial)
    known = [(epoch, float(score)) for epoch, score in scored if score is not None and math.isfinite(score)]
    return Line(place, tuple(known), (), 1)
