"""Computes what the figures of a comparison draw: fronts over each other, attained surfaces, and their differences."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from analysis.attainment_surfaces import Cell, difference, reached, surface
from analysis.compared import Method
from analysis.comparison import Comparison, points_table
from analysis.front import Floats, eligible, losses, scores, staircase
from analysis.panels import Axis, count_axis, ticks, value_axis
from analysis.placement import Position
from analysis.wording import GOALS, readable
from search_spaces.study import Objective

Corners = tuple[Position, ...]


@dataclass(frozen=True)
class Mark:
    """A trial on a front: its method's place, its row in the table of points, and where it lies."""

    method: int
    row: int
    x: float
    y: float


@dataclass(frozen=True)
class FrontsPanel:
    """The fronts of all searches over each other, each with its edge; for one objective the best so far."""

    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    edges: tuple[tuple[int, Corners], ...]


@dataclass(frozen=True)
class Surface:
    """What at least one, at least half and all searches of a method attain: the corners of each edge."""

    method: int
    best: Corners
    half: Corners
    worst: Corners

    def band(self, reference: Position) -> Corners:
        """Returns the corners of the area between the best and the worst; none where they are the same."""
        if self.best == self.worst:
            return ()
        return (*self.best, *(self.worst[::-1] or (reference,)))


@dataclass(frozen=True)
class SurfacesPanel:
    """Two objectives, or one and the share of searches, with a surface of each method."""

    x: Axis
    y: Axis
    surfaces: tuple[Surface, ...]
    reference: Position


@dataclass(frozen=True)
class DifferencePanel:
    """Where the searches of one of two methods attain more; `halves` are what half of either's attain."""

    x: Axis
    y: Axis
    one: int
    other: int
    cells: tuple[Cell, ...]
    halves: tuple[Corners, Corners]


@dataclass(frozen=True)
class VolumesPanel:
    """The axis of hypervolumes; what stands on it is in the comparison's standings."""

    x: Axis


def fronts_panels(compared: Comparison) -> tuple[FrontsPanel, ...]:
    """Returns a panel for each two objectives; of one objective, how the best score grew with the trials."""
    if len(compared.objectives) == 1:
        return (_best_so_far(compared),)
    rows = list(_rows(compared))
    found = []
    for pair in _pairs(compared):
        x, y = _axes(compared, pair)
        first, second = (compared.objectives[place].metric for place in pair)
        marks = tuple(
            Mark(method, place, row[f"metrics.{first}"], row[f"metrics.{second}"])
            for place, (method, row) in enumerate(rows)
        )
        edges = tuple(_edges(compared, pair)) if len(compared.objectives) == 2 else ()
        found.append(FrontsPanel(x, y, marks, edges))
    return tuple(found)


def surfaces_panels(every: Sequence[Method]) -> tuple[SurfacesPanel, ...]:
    """Returns a panel for each two objectives, or of the single one; none where no method has several searches.

    Of more than two objectives, two are looked at at a time, whatever the others are.
    """
    objectives = every[0].searches[0].study.objectives
    if not any(len(method.searches) > 1 for method in every):
        return ()
    if len(objectives) == 1:
        return (_reached(every, objectives[0]),)
    return tuple(_surfaces(every, pair) for pair in combinations(range(len(objectives)), 2))


def difference_panels(compared: Comparison) -> tuple[DifferencePanel, ...]:
    """Returns a panel for every two methods and two objectives; none of a single objective."""
    found = []
    for between in compared.pairs:
        for pair in _pairs(compared):
            chosen = [compared.objectives[place] for place in pair]
            one, other = (_projected(compared.methods[place], pair) for place in (between.one, between.other))
            x, y = _axes(compared, pair)
            halves = tuple(_corners(surface(fronts, chosen, -(-len(fronts) // 2))) for fronts in (one, other))
            cells = difference(one, other, chosen)
            found.append(DifferencePanel(x, y, between.one, between.other, cells, (halves[0], halves[1])))
    return tuple(found)


def volumes_panel(compared: Comparison) -> VolumesPanel:
    """Returns the axis that holds every hypervolume and every interval."""
    ends = [end for one in compared.standings for end in (one.low, one.high, *one.volumes)]
    low, high = min(ends), max(ends)
    pad = 0.06 * ((high - low) or abs(high) or 1.0)
    low, high = max(0.0, low - pad), high + pad
    return VolumesPanel(Axis("Hypervolume (higher is better)", low, high, ticks(low, high, most=6), None))


def _pairs(compared: Comparison) -> list[tuple[int, int]]:
    return list(combinations(range(len(compared.objectives)), 2))


def _rows(compared: Comparison) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of the table of points, each with its method's place."""
    places = {method.name: place for place, method in enumerate(compared.methods)}
    for row in points_table(compared).to_pylist():
        yield places[row["method"]], row


def _projected(method: Method, pair: tuple[int, int]) -> list[Floats]:
    return [front[:, list(pair)] for front in method.fronts]


def _axes(compared: Comparison, pair: tuple[int, int]) -> tuple[Axis, Axis]:
    return _axes_of(compared.methods, pair)


def _axes_of(every: Sequence[Method], pair: tuple[int, int]) -> tuple[Axis, Axis]:
    values = np.vstack([front for method in every for front in _projected(method, pair)])
    objectives = every[0].searches[0].study.objectives
    x, y = (
        value_axis(_label(objectives[place]), values[:, side], ["complete"] * len(values), objectives[place].reference)
        for side, place in enumerate(pair)
    )
    return x, y


def _label(objective: Objective) -> str:
    return f"{readable(objective.metric)} ({GOALS[objective.goal]})"


def _edges(compared: Comparison, pair: tuple[int, int]) -> Iterator[tuple[int, Corners]]:
    chosen = [compared.objectives[place] for place in pair]
    for place, method in enumerate(compared.methods):
        for front in _projected(method, pair):
            yield place, _corners(staircase(front, chosen))


def _surfaces(every: Sequence[Method], pair: tuple[int, int]) -> SurfacesPanel:
    objectives = [every[0].searches[0].study.objectives[place] for place in pair]
    found = []
    for place, method in enumerate(every):
        fronts = _projected(method, pair)
        count = len(fronts)
        edges = [_corners(surface(fronts, objectives, least)) for least in (1, -(-count // 2), count)]
        found.append(Surface(place, *edges))
    x, y = _axes_of(every, pair)
    return SurfacesPanel(x, y, tuple(found), (objectives[0].reference, objectives[1].reference))


def _reached(every: Sequence[Method], objective: Objective) -> SurfacesPanel:
    bests = [[float(front[0, 0]) if len(front) else np.nan for front in method.fronts] for method in every]
    known = np.array([best for part in bests for best in part if np.isfinite(best)])
    x = value_axis(_label(objective), known, ["complete"] * len(known), objective.reference)
    y = Axis("Share of searches that attain it", 0.0, 1.04, ticks(0.0, 1.0, most=5), None)
    worst = x.low if objective.goal == "max" else x.high
    found = []
    for place, part in enumerate(bests):
        corners = _corners(reached(part, objective))
        line = (*corners, (worst, corners[-1][1])) if corners else ()
        found.append(Surface(place, line, line, line))
    return SurfacesPanel(x, y, tuple(found), (objective.reference, 0.0))


def _best_so_far(compared: Comparison) -> FrontsPanel:
    (objective,) = compared.objectives
    most = max(one.ended for method in compared.methods for one in method.searches)
    across = count_axis("Trials ended", most + 1.0)
    edges, seen = [], []
    for place, method in enumerate(compared.methods):
        for one in method.searches:
            ended = one.trials.filter(one.trials["ended_seq"].is_valid()).sort_by("ended_seq")
            turned = losses(scores(ended, one.study), [objective.goal])[:, 0]
            best = np.minimum.accumulate(np.where(eligible(ended, one.study), turned, np.inf))
            line = losses(best[:, None], [objective.goal])[:, 0]
            corners = _stairs(
                [(float(order), float(value)) for order, value in enumerate(line, 1) if np.isfinite(value)]
            )
            edges.append((place, corners))
            seen += [value for _, value in corners]
    up = value_axis(_label(objective), np.array(seen), ["complete"] * len(seen), objective.reference)
    return FrontsPanel(across, up, (), tuple(edges))


def _stairs(course: Sequence[Position]) -> Corners:
    """A course that keeps each value until the next one comes."""
    corners: list[Position] = []
    for x, y in course:
        if corners and corners[-1][1] != y:
            corners.append((x, corners[-1][1]))
        corners.append((x, y))
    return tuple(corners)


def _corners(edge: Floats) -> Corners:
    return tuple((float(x), float(y)) for x, y in edge)
