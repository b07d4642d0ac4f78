"""Computes promise and confirmation over two objectives: each trial's way, its intervals, and both fronts' edges."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from analysis.confirmation import Confirmation
from analysis.confirmation_panels import Confirmed, forests
from analysis.front import staircase
from analysis.panels import Axis
from analysis.placement import Position
from search_spaces.study import Objective, Study


@dataclass(frozen=True)
class Way:
    """One trial by two objectives: what the search promised and what fresh seeds made of it."""

    x: Confirmed
    y: Confirmed

    @property
    def trial(self) -> int:
        """Its number."""
        return self.x.trial

    @property
    def promised(self) -> Position | None:
        """Where the search saw it; None where it has no score."""
        if self.x.promised is None or self.y.promised is None:
            return None
        return self.x.promised, self.y.promised


@dataclass(frozen=True)
class Plane:
    """Two axes with the ways on them; edges run round what the points of each front dominate.

    Both edges are empty between two of several objectives, where a staircase does not show a front.
    """

    x: Axis
    y: Axis
    ways: tuple[Way, ...]
    searched: tuple[Position, ...]
    confirmed: tuple[Position, ...]


def planes(found: Confirmation, study: Study) -> tuple[Plane, ...]:
    """Returns a plane for each pair of objectives, in the study's order; none for a single objective."""
    pairs = combinations(zip(forests(found, study), study.objectives, strict=True), 2)
    searched = {row["trial"] for row in found.points.to_pylist() if row["searched"]}
    made = []
    for (across, first), (up, second) in pairs:
        known = {one.trial: one for one in up.points}
        ways = tuple(Way(one, known[one.trial]) for one in across.points if one.trial in known)
        edges: tuple[tuple[Position, ...], tuple[Position, ...]] = ((), ())
        if len(study.objectives) == 2:
            edges = _edges(ways, searched, (first, second))
        made.append(Plane(across.x, up.x, ways, *edges))
    return tuple(plane for plane in made if plane.ways)


def _edges(
    ways: Sequence[Way], searched: set[int], objectives: Sequence[Objective]
) -> tuple[tuple[Position, ...], tuple[Position, ...]]:
    before = [way.promised for way in ways if way.trial in searched and way.promised is not None]
    after = [(way.x.mean, way.y.mean) for way in ways if way.x.standing == "confirmed"]
    return _edge(before, objectives), _edge(after, objectives)


def _edge(points: Sequence[Position], objectives: Sequence[Objective]) -> tuple[Position, ...]:
    corners = staircase(np.array(points, np.float64).reshape(-1, 2), objectives)
    return tuple((float(x), float(y)) for x, y in corners)
