"""Finds places for the labels of points so that no label covers another label or a point."""

from collections.abc import Sequence
from itertools import product
from typing import Final, NamedTuple

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
    marks = [around(point, radius) for point in points]
    directions = sorted(_DIRECTIONS, key=lambda way: -(way[0] * outward[0] + way[1] * outward[1]))
    taken: list[Box] = []
    centres: list[Position | None] = []
    for point, size in zip(points, sizes, strict=True):
        free = [
            (centre, box)
            for centre, box in _candidates(point, size, radius, directions)
            if box.within(frame) and not any(box.meets(mark) for mark in [*taken, *marks])
        ]
        clear = [found for found in free if not any(found[1].meets(mark) for mark in faint)]
        chosen = next(iter(clear or free), None)
        centres.append(chosen[0] if chosen else None)
        if chosen:
            taken.append(chosen[1])
    return centres


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
