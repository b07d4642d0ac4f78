"""Computes what one knob does: a line over the epochs and a group of bars for each of its values."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from analysis.arms import Arm, Recorded, Trained, arms
from analysis.bars import SERIES_MOST, Bar, Bars, bar_axis
from analysis.breaks import changes
from analysis.knobs import Knob, NotDrawable, known_metrics
from analysis.lines import Line, LinePanel, band_ends
from analysis.panels import count_axis, value_axis
from analysis.wording import GOALS, readable
from search_spaces.study import Study

SCORES: Final = ("clean_accuracy", "perturbed_training_accuracy", "perturbed_validation_accuracy")
"""What is shown where nothing else is asked for and every study records all of it."""


@dataclass(frozen=True)
class Column:
    """What is drawn of one arm: its title, a panel for each metric, and its bars."""

    title: str
    panels: tuple[LinePanel, ...]
    bars: Bars


@dataclass(frozen=True)
class Sweep:
    """What one knob does, in one arm or in several beside each other; `trials` is the most that a mean is of."""

    knob: Knob
    columns: tuple[Column, ...]
    trials: int


def sweep(recorded: Sequence[Recorded], metrics: Sequence[str] = ()) -> Sweep:
    """Returns the lines and bars of one or more studies of the same knob.

    Args:
        recorded: at least one study. Those that differ in nothing but their seed are drawn as one, with the mean of
            their trials; others, such as a control, beside each other. So are the values of a second knob.
        metrics: recorded by every study; where none is asked for SCORES if every study records them, else everything
            that all record, at most SERIES_MOST.

    Raises:
        NotDrawable: a study has neither one knob nor one and a second of named values; a metric is not recorded; two
            studies have different knobs.
    """
    chosen = _metrics([one.study for one in recorded], metrics)
    knob, sorted_out = arms(recorded)
    panels = [_panels(metric, sorted_out, [one.study for one in recorded]) for metric in chosen]
    bars = _bars(sorted_out, knob, chosen)
    columns = tuple(
        Column(arm.title, tuple(row[place] for row in panels), bars[place]) for place, arm in enumerate(sorted_out)
    )
    most = max((line.trials for column in columns for panel in column.panels for line in panel.lines), default=0)
    return Sweep(knob, columns, most)


def _metrics(studies: Sequence[Study], asked: Sequence[str]) -> tuple[str, ...]:
    if asked:
        for study in studies:
            known_metrics(study, asked)
    common = tuple(name for name in studies[0].metrics if all(name in study.metrics for study in studies))
    chosen = tuple(dict.fromkeys(asked)) or (SCORES if set(SCORES) <= set(common) else common[:SERIES_MOST])
    if not chosen:
        raise NotDrawable(studies[0], "the studies record no metric in common, so none can be drawn of all")
    if len(chosen) > SERIES_MOST:
        told = f"{len(chosen)} metrics were asked for, and colours tell at most {SERIES_MOST} bars apart"
        raise NotDrawable(studies[0], told)
    return chosen


def _panels(metric: str, sorted_out: Sequence[Arm], studies: Sequence[Study]) -> list[LinePanel]:
    """One panel for each arm, all on the same axes."""
    lines = [_lines(metric, arm) for arm in sorted_out]
    ends = band_ends([line for part in lines for line in part])
    goal = next((one.goal for one in studies[0].objectives if one.metric == metric), None)
    up = value_axis(GOALS[goal] if goal else "", np.array(ends), ["complete"] * len(ends), None)
    across = count_axis("Epoch", float(max(study.budget.epochs for study in studies)))
    return [
        LinePanel(metric, readable(metric), across, up, tuple(part), changes(arm.ways, metric, int(across.high)))
        for part, arm in zip(lines, sorted_out, strict=True)
    ]


def _lines(metric: str, arm: Arm) -> list[Line]:
    """The lines of the values that were scored; of a value's complete trials alone where it has any."""
    found = []
    for value in sorted({one.place for one in arm.trials}):
        scores: dict[int, list[float]] = {}
        courses = [course for one in _counted(arm, value) if (course := _course(one, metric))]
        for epoch, score in (corner for course in courses for corner in course):
            scores.setdefault(epoch, []).append(score)
        corners = tuple((float(epoch), _mean(scores[epoch])) for epoch in sorted(scores))
        spread = tuple((float(epoch), min(scores[epoch]), max(scores[epoch])) for epoch in sorted(scores))
        if corners:
            found.append(Line(value, corners, spread if len(courses) > 1 else (), len(courses)))
    return found


def _counted(arm: Arm, value: int) -> list[Trained]:
    every = [one for one in arm.trials if one.place == value]
    return [one for one in every if one.row["state"] == "complete"] or every


def _course(one: Trained, metric: str) -> list[tuple[int, float]]:
    scores = [(row["epoch"], row[f"metrics.{metric}"]) for row in one.epochs]
    return [(epoch, score) for epoch, score in scores if score is not None and math.isfinite(score)]


def _bars(sorted_out: Sequence[Arm], knob: Knob, metrics: Sequence[str]) -> list[Bars]:
    """The bars of each arm, all on the same axis."""
    every = [_bars_of(arm, metrics) for arm in sorted_out]
    axis = bar_axis("Score at the last epoch", [end for bars in every for bar in bars for end in (bar.low, bar.high)])
    names = tuple(readable(metric) for metric in metrics)
    return [
        Bars(arm.title, knob.label, knob.written, names, axis, tuple(bars), _notes(arm, len(knob.values), bars))
        for arm, bars in zip(sorted_out, every, strict=True)
    ]


def _bars_of(arm: Arm, metrics: Sequence[str]) -> list[Bar]:
    """The last epoch's scores of the trials that spent their epochs."""
    bars = []
    for group in sorted({one.place for one in arm.trials}):
        spent = [one.row for one in arm.trials if one.place == group and one.row["state"] == "complete"]
        for series, metric in enumerate(metrics):
            scores = [row[f"metrics.{metric}"] for row in spent]
            known = [score for score in scores if score is not None and math.isfinite(score)]
            if known:
                bars.append(Bar(group, series, _mean(known), min(known), max(known)))
    return bars


def _notes(arm: Arm, groups: int, bars: Sequence[Bar]) -> tuple[str, ...]:
    """For each group why it has no bar, or how many of its trials the bars are of where these are not all."""
    notes = []
    for group in range(groups):
        states = [one.row["state"] for one in arm.trials if one.place == group]
        if any(bar.group == group for bar in bars):
            spent = states.count("complete")
            notes.append("" if spent == len(states) else f"{spent} of {len(states)}")
        elif states:
            notes.append(next((state for state in ("running", "stopped", "failed") if state in states), "no score"))
        else:
            notes.append("no trial" if group in arm.tried else "")
    return tuple(notes)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
