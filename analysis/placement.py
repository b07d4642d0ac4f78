"""Finds places for labels so that none covers another one or a point."""

from collections.abc import Sequence
from itertools import product
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Position = tuple[float, float]
_DIRECTIONS: Final = ((1, 1), (-1, 1), (1, -1), (-1, -1), (0, 1), (1, 0), (-1, 0), (0, -1))
_DISTANCES: Final = (1.0, 1.9, 3.0, 4.2)


class Box(NamedTuple):
    """A rectangle by its lower and upper corners; y grows either way."""

    left: float
    low: float
    right: float
    high: float

    def meets(self, other: "Box") -> bool:
        """Returns whether the two share an area."""
        return self.left < other.right and other.left < self.right and self.low < other.high and other.low < self.high

    def within(self, other: "Box") -> bool:
        """Returns whether this one lies wholly in the other."""
        return (
            self.left >= other.left and self.right <= other.right and self.low >= other.low and self.high <= other.high
        )


def place(
    points: Sequence[Position],
    sizes: Sequence[Position],
    faint: Sequence[Box],
    frame: Box,
    radius: float,
    outward: Position,
) -> list[Position | None]:
    """Returns the centre of each point's label, or None where no free place is near.

    Args:
        points: to be labelled, in pixels; earlier ones choose first.
        sizes: width and height of each label, in pixels.
        faint: what is not to be covered where that can be had.
        frame: labels stay within it.
        radius: of a drawn point, in pixels.
        outward: the direction in which a label is looked for first.
    """
    taken = np.array([around(point, radius) for point in points]).reshape(-1, 4)
    background = np.array(faint).reshape(-1, 4)
    directions = sorted(_DIRECTIONS, key=lambda way: -(way[0] * outward[0] + way[1] * outward[1]))
    centres: list[Position | None] = []
    for point, size in zip(points, sizes, strict=True):
        found = [one for one in _candidates(point, size, radius, directions) if one[1].within(frame)]
        boxes = np.array([box for _, box in found]).reshape(-1, 4)
        free = ~_meet(boxes, taken)
        clear = free & ~_meet(boxes, background)
        chosen = np.flatnonzero(clear if clear.any() else free)[:1]
        centres.append(found[chosen[0]][0] if len(chosen) else None)
        taken = np.vstack([taken, boxes[chosen]])
    return centres


def _meet(boxes: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(n,) whether each of the (n, 4) boxes shares an area with any of the (m, 4) others."""
    left, low, right, high = (boxes[:, side, None] for side in range(4))
    across = (left < others[:, 2]) & (others[:, 0] < right)
    met = across & (low < others[:, 3]) & (others[:, 1] < high)
    return np.asarray(met.any(axis=1))


def around(point: Position, radius: float) -> Box:
    """Returns the square that a drawn point fills."""
    return Box(point[0] - radius, point[1] - radius, point[0] + radius, point[1] + radius)


def _candidates(
    point: Position, size: Position, radius: float, directions: Sequence[Position]
) -> list[tuple[Position, Box]]:
    found = []
    for distance, (right, up) in product(_DISTANCES, directions):
        gap = radius * distance
        x = point[0] + right * (gap + size[0] / 2)
        y = point[1] + up * (gap + size[1] / 2)
        found.append(((x, y), Box(x - size[0] / 2, y - size[1] / 2, x + size[0] / 2, y + size[1] / 2)))
    return found


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Returns places in [low, high] at least `gap` apart, in the order of the wanted ones and nearest to them.

    Nearest is by the sum of squares. Where so many do not fit, they stand evenly from end to end.
    """
    count = len(wanted)
    if count > 1 and gap * (count - 1) > high - low:
        gap = (high - low) / (count - 1)
    order = sorted(range(count), key=lambda place: (wanted[place], place))
    blocks: list[list[float]] = []  # means of pooled neighbours, with how many they are of
    for rank, place in enumerate(order):
        blocks.append([wanted[place] - rank * gap, 1.0])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, size = blocks.pop()
            blocks[-1] = [(blocks[-1][0] * blocks[-1][1] + mean * size) / (blocks[-1][1] + size), blocks[-1][1] + size]
    level = [mean for mean, size in blocks for _ in range(int(size))]
    top = high - gap * max(0, count - 1)
    found = [0.0] * count
    for rank, place in enumerate(order):
        found[place] = min(max(level[rank], low), top) + rank * gap
    return found


def thinned(count: int, most: int) -> tuple[int, ...]:
    """Returns which of `count` labels are written where `most` have room: all, or evenly chosen ones with both ends."""
    if count <= most:
        return tuple(range(count))
    kept = max(2, most)
    return tuple(sorted({round(place * (count - 1) / (kept - 1)) for place in range(kept)}))
