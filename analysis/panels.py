"""Computes everything that a figure or a page draws: points, edges, axes and ticks; drawing only draws it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.front import Floats, attained, eligible, feasible, goals, losses, scores, staircase
from analysis.placement import Box, Position, around, place
from analysis.wording import GOALS, readable
from search_spaces.study import Objective, Study

Kind = Literal["front", "complete", "infeasible", "stopped"]
MARGIN = 0.06
FARTHEST = 1.0
LARGEST = 1e300  # beyond it the width of a range is no finite number; such points lie beyond the axes


@dataclass(frozen=True)
class Axis:
    """One axis: what stands beside it, its range, its ticks, and the reference where that is within the range."""

    label: str
    low: float
    high: float
    ticks: tuple[float, ...]
    reference: float | None

    @property
    def written(self) -> tuple[str, ...]:
        """The ticks as text, all to the same number of decimals."""
        texts = [f"{tick:.10g}" for tick in self.ticks]
        if any("e" in text for text in texts):
            return tuple(f"{tick:.3g}" for tick in self.ticks)
        decimals = max((len(text.partition(".")[2]) for text in texts), default=0)
        return tuple(f"{tick:.{decimals}f}" for tick in self.ticks)

    def share(self, value: float) -> float:
        """Returns where on the axis the value lies: 0 at its low end, 1 at its high end."""
        return (value - self.low) / (self.high - self.low)

    def nearest(self, value: float) -> float:
        """Returns the value, or the end of the axis beyond which it lies."""
        return min(max(value, self.low), self.high)

    def has(self, value: float) -> bool:
        """Returns whether the value lies on the axis."""
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Point:
    """A trial at its last epoch's scores."""

    trial: int
    x: float
    y: float
    kind: Kind


@dataclass(frozen=True)
class Panel:
    """Two axes with what is drawn on them.

    `edge` is the edge of what the front attains, and `attained` the polygon between it and the reference point, whose
    area is the hypervolume (both empty between two of several objectives, where a staircase does not show it; with one
    objective there is no polygon); `outward` points to where both axes are better; `beyond` counts the trials that lie
    outside the axes.
    """

    x: Axis
    y: Axis
    points: tuple[Point, ...]
    edge: tuple[Position, ...]
    attained: tuple[Position, ...]
    outward: Position
    beyond: int


def panels(trials: pa.Table, front: pa.Table, study: Study) -> tuple[Panel, ...]:
    """Returns one panel for two objectives, one for each pair of several, and the best so far for a single one."""
    ended = trials.filter(pc.is_valid(trials["ended_seq"])).sort_by("ended_seq")
    values = scores(ended, study)
    kinds = _kinds(ended, front, study)
    numbers = ended["number"].to_pylist()
    failed = [state == "failed" for state in ended["state"].to_pylist()]
    seen = [row for row in range(len(numbers)) if np.isfinite(values[row]).all() and not failed[row]]
    if len(study.objectives) == 1:
        return (_best_so_far(seen, numbers, values[:, 0], kinds, study),)
    return tuple(_pair(pair, seen, numbers, values, kinds, study) for pair in combinations(range(values.shape[1]), 2))


def kind_name(kind: Kind, study: Study) -> str:
    """Returns what a legend calls trials of the kind; with one objective its front is its best trials."""
    if kind == "front":
        return "front" if len(study.objectives) > 1 else "best"
    return {"complete": "complete", "infeasible": "breaks a constraint", "stopped": "stopped early"}[kind]


def label_places(panel: Panel, frame: Box, radius: float, sizes: Sequence[Position]) -> list[Position | None]:
    """Returns the centres of the front points' labels, in the order of `panel.points`, in the frame's pixels.

    Args:
        frame: pixels of the panel's inside; y grows as the axis does.
        radius: of a drawn point.
        sizes: width and height of each front point's label.
    """

    def pixel(x: float, y: float) -> Position:
        across = frame.left + panel.x.share(x) * (frame.right - frame.left)
        return across, frame.low + panel.y.share(y) * (frame.high - frame.low)

    marked = [pixel(point.x, point.y) for point in panel.points if point.kind == "front"]
    faint = [around(pixel(point.x, point.y), radius) for point in panel.points if point.kind != "front"]
    corners = [pixel(*corner) for corner in panel.edge]
    faint += [_bounds(before, after) for before, after in pairwise(corners)]
    return place(marked, sizes, faint, frame, radius, panel.outward)


def _bounds(one: Position, other: Position) -> Box:
    (left, right), (low, high) = sorted([one[0], other[0]]), sorted([one[1], other[1]])
    return Box(left - 1, low - 1, right + 1, high + 1)


def ticks(low: float, high: float, most: int = 8, whole: bool = False) -> tuple[float, ...]:
    """Returns at most `most` + 1 round numbers in [low, high], 1, 2 or 5 times a power of ten apart."""
    rough = max((high - low) / most, 1.0 if whole else 0.0)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    decimals = max(0, -math.floor(math.log10(step)))
    return tuple(round(k * step, decimals) for k in range(first, math.floor(high / step + 1e-9) + 1))


def count_axis(label: str, high: float) -> Axis:
    """Returns an axis from 0 with whole ticks."""
    return Axis(label, 0.0, high, ticks(0.0, high, whole=True), None)


def _kinds(ended: pa.Table, front: pa.Table, study: Study) -> list[Kind]:
    best = set(front["number"].to_pylist())
    lawful, within = eligible(ended, study), feasible(ended, study)
    complete = [state == "complete" for state in ended["state"].to_pylist()]
    kinds: list[Kind] = []
    for row, number in enumerate(ended["number"].to_pylist()):
        if number in best:
            kinds.append("front")
        elif lawful[row]:
            kinds.append("complete")
        else:
            kinds.append("infeasible" if complete[row] and not within[row] else "stopped")
    return kinds


def value_axis(label: str, all_values: Floats, kinds: Sequence[Kind], reference: float | None) -> Axis:
    """Spans the trials that spent their epochs; others and the reference only as far as they lie near."""
    all_values = np.clip(all_values, -LARGEST, LARGEST)
    spent = np.array([kind != "stopped" for kind in kinds], dtype=bool)
    core = all_values[spent] if spent.any() else all_values
    if not len(core):
        core = np.array([0.0, 1.0] if reference is None else [reference])
    low, high = float(core.min()), float(core.max())
    reach = FARTHEST * ((high - low) or abs(high) or 1.0)
    wanted = [*all_values.tolist(), *([] if reference is None else [reference])]
    near = [value for value in wanted if low - reach <= value <= high + reach]
    low, high = min([low, *near]), max([high, *near])
    pad = MARGIN * ((high - low) or abs(high) or 1.0)
    low, high = low - pad, high + pad
    shown_reference = reference if reference is not None and low <= reference <= high else None
    return Axis(label, low, high, ticks(low, high), shown_reference)


def _points(
    seen: Sequence[int], numbers: Sequence[int], x: Floats, y: Floats, kinds: Sequence[Kind], axes: tuple[Axis, Axis]
) -> tuple[Point, ...]:
    """Returns the points on the axes, the front last and in the order of its first axis, so that it lies on top."""
    found = [
        Point(numbers[row], float(x[row]), float(y[row]), kinds[row])
        for row in seen
        if axes[0].has(float(x[row])) and axes[1].has(float(y[row]))
    ]
    return tuple(sorted(found, key=lambda point: (point.kind == "front", point.x, point.y)))


def _pair(
    pair: tuple[int, int], seen: list[int], numbers: list[int], values: Floats, kinds: list[Kind], study: Study
) -> Panel:
    objectives = [study.objectives[index] for index in pair]
    kept = [kinds[row] for row in seen]
    across, up = (
        value_axis(f"{readable(one.metric)} ({GOALS[one.goal]})", values[seen, index], kept, one.reference)
        for one, index in zip(objectives, pair, strict=True)
    )
    points = _points(seen, numbers, values[:, pair[0]], values[:, pair[1]], kinds, (across, up))
    edge: tuple[Position, ...] = ()
    region: tuple[Position, ...] = ()
    if values.shape[1] == 2:
        best = values[[row for row in seen if kinds[row] == "front"]]
        edge = tuple((float(a), float(b)) for a, b in staircase(best, objectives))
        region = tuple((float(a), float(b)) for a, b in attained(best, objectives))
    outward = (_toward(objectives[0]), _toward(objectives[1]))
    return Panel(across, up, points, edge, region, outward, len(seen) - len(points))


def _toward(objective: Objective) -> float:
    return 1.0 if objective.goal == "max" else -1.0


def _best_so_far(seen: list[int], numbers: list[int], values: Floats, kinds: list[Kind], study: Study) -> Panel:
    objective = study.objectives[0]
    order = np.arange(1, len(numbers) + 1, dtype=np.float64)
    across = count_axis("Trials ended", len(numbers) + 1.0)
    kept = [kinds[row] for row in seen]
    label = f"{readable(objective.metric)} ({GOALS[objective.goal]})"
    up = value_axis(label, values[seen], kept, objective.reference)
    points = _points(seen, numbers, order, values, kinds, (across, up))
    edge: list[Position] = []
    best = math.inf
    for row in seen:
        loss = float(losses(values[row : row + 1, None], goals(study))[0, 0])
        if kinds[row] in ("front", "complete") and loss < best:
            edge += [(float(order[row]), edge[-1][1])] if edge else []
            edge.append((float(order[row]), float(values[row])))
            best = loss
    if edge:
        edge.append((across.high, edge[-1][1]))
    return Panel(across, up, points, tuple(edge), (), (0.5, _toward(objective)), len(seen) - len(points))
