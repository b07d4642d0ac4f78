"""Plain sentences on what a page cannot show, or shows of too little."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from analysis.front import scores
from search_spaces.study import Study

LISTED: Final = 12
"""Trials that a sentence names; more of them are counted."""


def notes(trials: pa.Table, front: pa.Table, study: Study) -> list[str]:
    """Returns what has to be known of a study's trials before its front is read; nothing of an ordinary study.

    Args:
        trials: as `analysis.records.trials` gives them.
        front: as `analysis.front.front` gives it.
        study: theirs.
    """
    states = trials["state"].to_pylist()
    ended = sum(state != "running" for state in states)
    if not states:
        return ["No trial has begun: there is nothing to show yet"]
    found = [_unfinished(states, study)] if not front.num_rows else []
    if ended == 1 and front.num_rows:
        found.append("One trial has ended: a single point says nothing of what robustness costs")
    return [text for text in (*found, _equal(trials, study), _not_finite(trials, study), _gaps(trials)) if text]


def _unfinished(states: Sequence[str], study: Study) -> str:
    if "complete" in states:
        return ""  # they break a constraint, which the place of the front's table says
    if set(states) == {"failed"}:
        return f"All {len(states)} trials failed; why stands below" if len(states) > 1 else "The only trial failed"
    epochs = "epoch" if study.budget.epochs == 1 else f"{study.budget.epochs} epochs"
    return f"No trial has finished its {epochs}: there is no front, and points are of trials that ended earlier"


def _equal(trials: pa.Table, study: Study) -> str:
    """Where a search could not tell its trials apart."""
    values = scores(trials, study)[[state == "complete" for state in trials["state"].to_pylist()]]
    values = values[np.isfinite(values).all(axis=1)]
    same = len(values) > 1 and bool((values == values[0]).all())
    return f"All {len(values)} complete trials have the same scores: their points lie upon each other" if same else ""


def _not_finite(trials: pa.Table, study: Study) -> str:
    """A score that is missing is another thing: the table shows none."""
    values = scores(trials, study)
    absent = np.array([trials[f"metrics.{one.metric}"].is_null().to_pylist() for one in study.objectives]).T
    bad = (~np.isfinite(values) & ~absent.reshape(values.shape)).any(axis=1)
    numbers = [number for number, wrong in zip(trials["number"].to_pylist(), bad, strict=True) if wrong]
    if not numbers:
        return ""
    return f"Scores that are no finite number keep {_listed(numbers)} out of the front and its chart"


def _gaps(trials: pa.Table) -> str:
    """The ledger has every trial; MLflow has those whose runs nobody deleted."""
    numbers = set(trials["number"].to_pylist())
    gone = [number for number in range(max(numbers)) if number not in numbers]
    if not gone:
        return ""
    return f"The record lacks {_listed(gone)}: deleted in MLflow, or never sent there"


def _listed(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"trial {numbers[0]}"
    if len(numbers) > LISTED:
        return f"{len(numbers):,} trials"
    return f"trials {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"
