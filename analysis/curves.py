"""Computes the lines of a page: scores by epoch."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from analysis.breaks import changes, pieces, told
from analysis.measuring import ways_of
from analysis.panels import Axis, count_axis, value_axis
from analysis.placement import Position
from analysis.wording import GOALS, readable
from search_spaces.study import Study

EXPLODED: Final = 10.0
"""Scores so many times greater than every last one lie beyond the axis, where they would flatten all others."""


@dataclass(frozen=True)
class Curve:
    """The line of one trial, or of the whole study where `trial` is None, in pieces where it is broken."""

    trial: int | None
    on_front: bool
    pieces: tuple[tuple[Position, ...], ...]


@dataclass(frozen=True)
class Curves:
    """Two axes and the lines on them, those of the front last.

    `breaks` are the epochs from which on the score is measured in another way; lines do not lead across, and `note`
    says so.
    """

    title: str
    x: Axis
    y: Axis
    lines: tuple[Curve, ...]
    breaks: tuple[int, ...] = ()
    note: str = ""


def by_epoch(epochs: pa.Table, front: pa.Table, study: Study) -> tuple[Curves, ...]:
    """Returns, for each objective that was scored, every trial's score after each epoch."""
    best = set(front["number"].to_pylist())
    across = count_axis("Epoch", float(study.budget.epochs))
    found = []
    for objective in study.objectives:
        scored = _scored(epochs, f"metrics.{objective.metric}")
        if not scored:
            continue
        breaks = changes(ways_of(epochs), objective.metric, study.budget.epochs)
        lines = [Curve(trial, trial in best, pieces(corners, breaks)) for trial, corners in scored.items()]
        values = np.array([y for corners in scored.values() for _, y in corners])
        last = max(abs(corners[-1][1]) for corners in scored.values())
        values = values[np.abs(values) <= EXPLODED * last] if last else values
        up = value_axis(GOALS[objective.goal], values, ["complete"] * len(values), None)
        lines.sort(key=lambda line: line.on_front)
        title, firsts = f"{readable(objective.metric)} by epoch", tuple(first for first, _ in breaks)
        found.append(Curves(title, across, up, tuple(lines), firsts, told(breaks)))
    return tuple(found)


def _scored(epochs: pa.Table, column: str) -> dict[int, list[Position]]:
    found: dict[int, list[Position]] = {}
    rows = zip(epochs["trial"].to_pylist(), epochs["epoch"].to_pylist(), epochs[column].to_pylist(), strict=True)
    for trial, epoch, value in rows:
        if value is not None and np.isfinite(value):
            found.setdefault(trial, []).append((float(epoch), float(value)))
    return found
