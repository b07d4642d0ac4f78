"""How far a search had come after each trial: over trials, over wall clock, and over the epochs that it spent."""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.curves import Curve, Curves
from analysis.front import Floats, eligible, goals, hypervolume_history, losses, scores
from analysis.panels import Axis, ticks, value_axis
from analysis.placement import Position
from analysis.wording import GOALS, readable, within
from search_spaces.study import Study

VOLUME: Final = "hypervolume"
BEST: Final = "best"
_UNITS: Final = (("seconds", 1.0), ("minutes", 60.0), ("hours", 3600.0), ("days", 86400.0))
BEYOND: Final = 1.03
_FEW: Final = 3.0
"""Of a unit, below which the next smaller one is taken."""


def progress(trials: pa.Table, study: Study) -> pa.Table:
    """Returns a row for each trial that ended, in the order of ending: what the search had reached and spent by then.

    Columns: finished (1, 2, ...), trial, state; epochs, of all trials ended so far; seconds of wall clock during which
    one of them was at work, so that pauses between two drivers do not count; and what was reached: `hypervolume`, or
    with one objective `best`, null until there is one.

    Args:
        trials: as `analysis.records.trials` gives them.
        study: whose objectives count.
    """
    ended = trials.filter(pc.is_valid(trials["ended_seq"])).sort_by("ended_seq")
    spent = np.cumsum(ended["epochs"].to_numpy()) if ended.num_rows else np.empty(0, np.int64)
    columns = {
        "finished": pa.array(range(1, ended.num_rows + 1), pa.int64()),
        "trial": ended["number"],
        "state": ended["state"],
        "epochs": pa.array(spent, pa.int64()),
        "seconds": pa.array(_busy(ended), pa.float64()),
    }
    if len(study.objectives) > 1:
        return pa.table({**columns, VOLUME: hypervolume_history(trials, study)["hypervolume"]})
    return pa.table({**columns, BEST: pa.array(_best(ended, study), pa.float64(), from_pandas=True)})


def progress_curves(reached: pa.Table, study: Study) -> tuple[Curves, ...]:
    """Returns the same steps over trials, over wall clock and over epochs; () where nothing was reached yet.

    Args:
        reached: as `progress` gives it.
        study: whose progress it is.
    """
    column = reached[measure(study)].to_numpy(zero_copy_only=False)
    known = np.isfinite(column)
    if not known.any():
        return ()
    several = len(study.objectives) > 1
    name = "Hypervolume" if several else f"Best {within(study.objectives[0].metric)}"
    label = GOALS["max"] if several else GOALS[study.objectives[0].goal]
    values = column[known]
    shown = np.array([0.0, *values]) if several else values
    up = value_axis(label, shown, ["complete"] * len(shown), None)
    rows = np.flatnonzero(known)
    unit, seconds = _unit(float(reached["seconds"].to_numpy()[-1]))
    across = (
        ("trials", "Trials ended", reached["finished"].to_numpy() * 1.0),
        ("wall clock", readable(unit), reached["seconds"].to_numpy() / seconds),
        ("epochs", "Epochs of the trials ended", reached["epochs"].to_numpy() * 1.0),
    )
    found = []
    for what, beside, place in across:
        steps = _steps(place[rows], values, float(place[-1]), several)
        x = _axis(beside, float(place[-1]), whole=what != "wall clock")
        found.append(Curves(f"{name} over {what}", x, up, (Curve(None, True, (steps,)),)))
    return tuple(found)


def measure(study: Study) -> str:
    """Returns the column of `progress` that says what was reached."""
    return VOLUME if len(study.objectives) > 1 else BEST


def gains(reached: pa.Table, study: Study) -> pa.Table:
    """Returns the rows of `progress` whose trial got the search farther."""
    column = reached[measure(study)].to_numpy(zero_copy_only=False)
    before = np.concatenate([[0.0 if measure(study) == VOLUME else np.nan], column[:-1]])[: len(column)]
    return reached.filter(pa.array(np.isfinite(column) & (column != before)))


def _busy(ended: pa.Table) -> Floats:
    """Seconds of the union of the trials' times up to each one's end; a clock that was turned back adds none."""
    began = ended["started"].to_numpy(zero_copy_only=False).astype(np.float64)
    until: Floats = np.fmax(began, ended["ended"].to_numpy(zero_copy_only=False).astype(np.float64))
    order = np.argsort(began, kind="stable")
    covered = np.maximum.accumulate(until[order]) if len(order) else until
    before = np.concatenate([began[order][:1], covered[:-1]])
    pauses = np.cumsum(np.maximum(0.0, began[order] - before))
    if not len(order):
        return until
    # What was paused before a moment is the pauses before the last trial that had begun by then.
    last = np.searchsorted(began[order], until, side="right") - 1
    busy: Floats = np.maximum.accumulate(until - began[order][0] - pauses[last])
    return busy


def _best(ended: pa.Table, study: Study) -> Floats:
    """The best eligible score so far, NaN where there is none."""
    values = scores(ended, study)
    turned = np.where(eligible(ended, study), losses(values, goals(study))[:, 0], np.inf)
    least = np.minimum.accumulate(turned) if len(turned) else turned
    found = losses(least[:, None], goals(study))[:, 0]
    best: Floats = np.where(np.isfinite(found), found, np.nan)
    return best


def _steps(x: Floats, y: Floats, end: float, from_zero: bool) -> tuple[Position, ...]:
    """The corners of the steps; what lies between two rises is left out, so that many trials are few corners."""
    corners: list[Position] = [(0.0, 0.0)] if from_zero else [(float(x[0]), float(y[0]))]
    for place, value in zip(x, y, strict=True):
        if value != corners[-1][1]:
            corners += [(float(place), corners[-1][1]), (float(place), float(value))]
    return (*corners, (end, corners[-1][1]))


def _unit(seconds: float) -> tuple[str, float]:
    return next(((name, size) for name, size in reversed(_UNITS) if seconds >= _FEW * size), _UNITS[0])


def _axis(label: str, end: float, whole: bool) -> Axis:
    """Ends a little after the last trial, whose step is else cut in half."""
    high = BEYOND * (end or 1.0)
    return Axis(label, 0.0, high, ticks(0.0, high, 6, whole), None)
