"""Computes what is drawn of promise and confirmation: for each objective a row of points with their intervals."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.confirmation import Confirmation
from analysis.panels import Axis, value_axis
from analysis.wording import GOALS, readable, shown
from search_spaces.study import Objective, Study

Standing = Literal["confirmed", "fell", "other"]
STANDINGS: dict[Standing, str] = {
    "confirmed": "on the confirmed front",
    "fell": "fell from the front",
    "other": "within the band, not on it",
}


@dataclass(frozen=True)
class Confirmed:
    """A trial's score as the search had it, None where it has none, and as fresh seeds have it."""

    trial: int
    promised: float | None
    mean: float
    low: float
    high: float
    standing: Standing


@dataclass(frozen=True)
class Forest:
    """One objective: trials below each other, the first one at the top."""

    metric: str
    x: Axis
    points: tuple[Confirmed, ...]


def forests(found: Confirmation, study: Study) -> tuple[Forest, ...]:
    """Returns a forest for each objective, trials in the order of `Confirmation.points`."""
    return tuple(_forest(found, objective) for objective in study.objectives)


def told(found: Confirmation, study: Study) -> tuple[str, ...]:
    """Returns in sentences how many were confirmed, how many fell, and what the hypervolume lost.

    Args:
        found: with a point at least.
        study: that was confirmed.
    """
    stood = len(found.front)
    searched = sum(bool(one) for one in found.points["searched"].to_pylist())
    fallen = ", ".join(map(str, found.fallen))
    seeds = found.points["seeds"].to_pylist()
    many = f"{min(seeds)}" if min(seeds) == max(seeds) else f"{min(seeds)} to {max(seeds)}"
    trials = "1 trial was" if len(seeds) == 1 else f"{len(seeds)} trials were"
    sentences = [
        f"{trials} trained again under {many} fresh seed{'' if many == '1' else 's'}; {searched} stood on the searched "
        f"front, and {stood} on the confirmed one.",
        f"Fallen: {fallen}." if fallen else "None of the searched front fell.",
    ]
    if len(study.objectives) > 1 and found.hypervolume.num_rows:
        row = found.hypervolume.to_pylist()[0]
        sentences.append(
            f"Hypervolume: promised {shown(row['promised'])}, confirmed {shown(row['corrected'])} "
            f"({shown(row['low'])} to {shown(row['high'])}); the gap is {shown(row['gap'])}."
        )
        if row["optimism"] > 0:
            sentences[-1] += (
                " Picking the confirmed front by its own means would flatter it by "
                f"{shown(row['optimism'])}, which is taken off."
            )
    return tuple(sentences)


def _forest(found: Confirmation, objective: Objective) -> Forest:
    name = objective.metric
    points = []
    for row in found.points.to_pylist():
        mean = row[f"mean.{name}"]
        if mean is None or not np.isfinite(mean):
            continue
        # An interval that is not known, as of a single net, is drawn as none.
        low, high = (
            mean if end is None or not np.isfinite(end) else end for end in (row[f"low.{name}"], row[f"high.{name}"])
        )
        promised = row[f"promised.{name}"]
        known = promised if promised is not None and np.isfinite(promised) else None
        standing: Standing = "confirmed" if row["confirmed"] else "fell" if row["fell"] else "other"
        points.append(Confirmed(row["trial"], known, mean, low, high, standing))
    ends = [end for one in points for end in (one.low, one.high, one.mean)]
    ends += [one.promised for one in points if one.promised is not None]
    label = f"{readable(name)} ({GOALS[objective.goal]})"
    return Forest(name, value_axis(label, np.array(ends, np.float64), ["complete"] * len(ends), None), tuple(points))
