"""Picks one member of a front by a rule that is told, and says in a line why it is that one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analysis import front as fronts
from analysis.front import Floats
from analysis.wording import shown, within
from search_spaces.study import Objective, Study

SLACK: Final = 1e-9
"""What floating point may miss a bound by: 0.93 - 0.91 is more than 0.02 there."""

Places = NDArray[np.intp]


class Unchosen(Exception):
    """No member follows from the rule; the message says why, and what would do."""


@dataclass(frozen=True)
class Members:
    """A front to choose from: its trials' numbers and their (members, objectives) scores, as they were measured.

    There is at least one. `kind` is "searched" or "confirmed", and says which front it is.
    """

    numbers: tuple[int, ...]
    values: Floats
    objectives: tuple[Objective, ...]
    kind: str

    @property
    def scaled(self) -> Floats:
        """The (members, objectives) losses: 0 is the best of the members and 1 the worst, 0 where all are equal."""
        points = fronts.losses(self.values, [one.goal for one in self.objectives])
        span = np.ptp(points, axis=0)
        scaled: Floats = (points - points.min(axis=0)) / np.where(span > 0, span, 1.0)
        return scaled


@dataclass(frozen=True)
class Clean:
    """A score on clean images: of each member, NaN where it has none, and what a drop of it is measured against.

    `yardstick` is a score with the words that it is told by, as ("the baseline's", 0.89); None is the members' best.
    """

    metric: str
    goal: str
    values: Floats
    yardstick: tuple[str, float] | None = None

    @property
    def losses(self) -> Floats:
        """The scores, turned so that lower is better."""
        return fronts.losses(self.values[:, np.newaxis], [self.goal])[:, 0]


@dataclass(frozen=True)
class Choice:
    """The number of the trial that was picked, and why in one line."""

    trial: int
    why: str


def searched(trials: pa.Table, study: Study) -> Members:
    """Returns the front of `analysis.records.trials`, with the scores that steered the search; it may be empty."""
    rows = fronts.front(trials, study)
    return Members(tuple(rows["number"].to_pylist()), fronts.scores(rows, study), study.objectives, "searched")


def by_clean_drop(members: Members, clean: Clean, most: float, weights: Mapping[str, float] | None = None) -> Choice:
    """Picks, of those whose clean score is at most so much worse than the yardstick, the best by the other objectives.

    With several others that is the smallest weighted mean of their scaled losses; where there is none, the best clean
    score.

    Args:
        members: of the front.
        clean: their clean scores.
        most: the drop that is allowed, in the metric's own unit.
        weights: of objectives, by metric, the clean one perhaps among them; None: 1 for each other objective.

    Raises:
        Unchosen: no member has a clean score, or none is as close to the yardstick.
    """
    losses = clean.losses
    if not np.isfinite(losses).any():
        raise Unchosen(f"no member of the {members.kind} front has a score of {clean.metric}")
    best = int(np.nanargmin(losses))
    side = "below" if clean.goal == "max" else "above"
    words, score = clean.yardstick or ("the best there,", float(clean.values[best]))
    drops = losses - fronts.losses(np.array([[score]]), [clean.goal])[0, 0]
    inside = np.flatnonzero(np.isfinite(drops) & (drops <= most + SLACK))
    if not len(inside):
        raise Unchosen(
            f"no member of the {members.kind} front has a {clean.metric} at most {shown(most)} {side} {words} "
            f"{shown(score)}; the nearest, trial {members.numbers[best]}, is {shown(float(drops[best]))} {side} it: "
            "allow that much, or measure the drop against the front's own best"
        )
    others = [one.metric for one in members.objectives if one.metric != clean.metric]
    chosen, fact, rank = _best(members, weights or dict.fromkeys(others, 1.0), inside, clean)
    whose = "" if clean.yardstick else f" of trial {members.numbers[best]}"
    bound = f"whose {within(clean.metric)} is at most {shown(most)} {side} {words} {shown(score)}{whose}"
    return Choice(chosen, f"{fact}, {_counted(members, rank, len(inside))} {bound}")


def by_weights(members: Members, weights: Mapping[str, float]) -> Choice:
    """Picks the member with the smallest weighted mean of scaled losses; objectives without a weight play no part.

    A member inside a dent of the front is never picked so, whatever the weights: some other one has a smaller mean.

    Args:
        members: of the front.
        weights: at least one above 0, by metric; they say how much, the study's goals which way.
    """
    chosen, fact, rank = _best(members, weights, np.arange(len(members.numbers)))
    return Choice(chosen, f"{fact}, {_counted(members, rank)}")


def by_knee(members: Members) -> Choice:
    """Picks the knee: the member that lies farthest below the straight line between the ends of the front.

    Objectives are scaled so that the ends lie at (0, 1) and (1, 0); the distance is (1 - sum of the scaled losses) /
    sqrt(2). With three or more the line becomes the plane through the points that are worst by one objective and best
    by all others, and the member with the smallest sum is picked on whichever side of it. With one it is the best.

    Raises:
        Unchosen: there are two objectives and several members, and none lies below the line: the front has no knee.

    Source: Das 1999, On characterizing the "knee" of the Pareto curve based on normal-boundary intersection; the plane
        is that of NSGA-III, Deb & Jain 2014, section IV.C.
    """
    sums = members.scaled.sum(axis=1)
    place, ties = _lowest(members, sums, np.arange(len(sums)))
    distance = (1 - float(sums[place])) / np.sqrt(2)
    if not members.scaled.any():
        fact, rank = "nothing is traded", f"none is better by any objective{ties}"
    elif len(members.objectives) > 2:
        fact, rank = f"sum of scaled losses {shown(float(sums[place]))}", f"the smallest{ties}"
    elif distance > SLACK:
        fact, rank = f"{shown(float(distance))} of scaled losses below the line between the ends", f"the farthest{ties}"
    else:
        raise Unchosen(
            f"the {members.kind} front has no knee: none of its {len(sums)} members lies below the straight line "
            "between its ends; choose by --max-clean-drop or --weights"
        )
    return Choice(members.numbers[place], f"{fact}, {_counted(members, rank)}")


def _best(
    members: Members, weights: Mapping[str, float], inside: Places, clean: Clean | None = None
) -> tuple[int, str, str]:
    """The best member by weighted objectives, or by the clean score where there are none: its score, and its rank."""
    heavy = {name: weight for name, weight in weights.items() if weight > 0}
    columns = [place for place, one in enumerate(members.objectives) if one.metric in heavy]
    if not heavy and clean is not None:
        place, ties = _lowest(members, clean.losses, inside)
        return members.numbers[place], f"{within(clean.metric)} {shown(float(clean.values[place]))}", f"the best{ties}"
    share = np.array([heavy[members.objectives[column].metric] for column in columns])
    means = members.scaled[:, columns] @ share / share.sum()
    place, ties = _lowest(members, means, inside)
    if len(columns) == 1:
        name, value = members.objectives[columns[0]].metric, float(members.values[place, columns[0]])
        return members.numbers[place], f"{within(name)} {shown(value)}", f"the best{ties}"
    told = ", ".join(f"{within(name)} {shown(float(weight))}" for name, weight in heavy.items())
    fact = f"weighted mean of scaled losses {shown(float(means[place]))} ({told})"
    return members.numbers[place], fact, f"the smallest{ties}"


def _lowest(members: Members, criterion: Floats, inside: Places) -> tuple[int, str]:
    """The place of the lowest, and a remark on ties: the better sum of all scaled losses, then the lower number."""
    lowest = criterion[inside].min()
    equal = inside[criterion[inside] <= lowest + SLACK]
    order = np.lexsort((np.array(members.numbers)[equal], members.scaled[equal].sum(axis=1)))
    place, *others = equal[order].tolist()
    if not others:
        return place, ""
    numbers = ", ".join(str(members.numbers[other]) for other in sorted(others))
    rule = "the smaller sum of all scaled losses, then the lower number, decides"
    return place, f" (as good: trial{'s' if len(others) > 1 else ''} {numbers}; {rule})"


def _counted(members: Members, rank: str, inside: int | None = None) -> str:
    """What it is chosen from, as in "the best of the 3 members (of 5) of the searched front"."""
    count = len(members.numbers) if inside is None else inside
    whole = "" if count == len(members.numbers) else f" (of {len(members.numbers)})"
    before = "the only member" if count == 1 else f"{rank} of the {count} members"
    return f"{before}{whole} of the {members.kind} front"
