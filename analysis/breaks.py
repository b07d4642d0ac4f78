"""Where a line over the epochs is broken, since its scores are measured in another way from there on."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

from analysis.measuring import Ways

Corner = TypeVar("Corner", bound=tuple[float, ...])


def changes(ways: Ways, metric: str, epochs: int) -> tuple[tuple[int, str], ...]:
    """Returns each epoch up to the last one from which on a metric is measured in another way, with the new way."""
    found = ways.get(metric, ())
    return tuple((first, words) for first, words in found[1:] if first <= epochs)


def pieces(course: Sequence[Corner], breaks: Sequence[tuple[int, str]]) -> tuple[tuple[Corner, ...], ...]:
    """Returns a course by epoch, its first numbers, cut where the way of measuring changes; empty pieces are left out.

    Args:
        course: (epoch, score, ...) by epoch.
        breaks: as `changes` gives them.
    """
    ends = [float("-inf"), *(first for first, _ in breaks), float("inf")]
    cut = (tuple(corner for corner in course if low <= corner[0] < high) for low, high in pairwise(ends))
    return tuple(piece for piece in cut if piece)


def told(breaks: Sequence[tuple[int, str]]) -> str:
    """Returns a note on where lines are broken and why; "" where they are not."""
    return "; ".join(f"from epoch {first} on measured in another way: {words}" for first, words in breaks)
