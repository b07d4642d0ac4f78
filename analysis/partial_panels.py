"""Computes what figures of partial dependence draw: axes, points and bands."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from analysis.importance import Importances
from analysis.option_axes import named_axis, option_axis
from analysis.panels import Axis, ticks
from analysis.wording import GOALS, readable, written
from search_spaces.domains import Choice, Subset
from search_spaces.study import Study


@dataclass(frozen=True)
class Spot:
    """A value of an option, what is foretold there, and both its spreads."""

    x: float
    mean: float
    low: float
    high: float
    least: float
    greatest: float


@dataclass(frozen=True)
class Dependence:
    """One option and one objective; `joined` where its values are sizes, that a line leads through."""

    objective: str
    option: str
    x: Axis
    y: Axis
    spots: tuple[Spot, ...]
    joined: bool


def dependences(found: Importances, study: Study) -> dict[str, tuple[Dependence, ...]]:
    """Returns, for each objective of which anything is said, its options, the one that matters most first.

    All panels of an objective have the same upright axis, so that slopes can be compared.
    """
    panels = {}
    rows = found.partial.to_pylist()
    for objective in study.objectives:
        own = [row for row in rows if row["objective"] == objective.metric]
        if not own:
            continue
        ends = [row[name] for row in own for name in ("low", "high", "least", "greatest")]
        pad = 0.05 * ((max(ends) - min(ends)) or abs(max(ends)) or 1.0)
        low, high = min(ends) - pad, max(ends) + pad
        y = Axis(GOALS[objective.goal], low, high, ticks(low, high, 5), None)
        order = ranked(found, objective.metric)
        parts = {option: list(part) for option, part in groupby(own, lambda row: str(row["option"]))}
        panels[objective.metric] = tuple(
            _dependence(objective.metric, option, parts[option], y, study) for option in order if option in parts
        )
    return panels


def ranked(found: Importances, objective: str) -> list[str]:
    """Returns the options, the one whose shuffling loses most first."""
    rows = [
        (-row["value"], place, row["option"])
        for place, row in enumerate(found.table.to_pylist())
        if row["objective"] == objective and row["evaluator"] == "permutation"
    ]
    return [option for _, _, option in sorted(rows)]


def _dependence(objective: str, option: str, rows: Sequence[dict[str, Any]], y: Axis, study: Study) -> Dependence:
    domain = study.space[option]
    names = isinstance(domain, Choice | Subset) and (bool(rows[0]["written"]))
    if names:
        texts = [written(row["written"]) for row in rows]
        axis: Axis = named_axis(readable(option), texts)
        places = [float(place) for place in range(len(rows))]
    else:
        own = option_axis(option, domain, [])
        axis, places = own.axis, [own.position(row["value"]) for row in rows]
    spots = tuple(
        Spot(place, *(row[name] for name in ("mean", "low", "high", "least", "greatest")))
        for place, row in zip(places, rows, strict=True)
    )
    return Dependence(objective, option, axis, y, spots, not names)
