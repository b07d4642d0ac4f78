"""Lines of several series on two axes, as figures for print and pages both draw them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from analysis.breaks import told
from analysis.panels import Axis
from analysis.placement import Position


class Series(Protocol):
    """What lines belong to, such as the values of a knob."""

    @property
    def written(self) -> tuple[str, ...]:
        """What stands beside the end of each one's line."""

    @property
    def ordered(self) -> bool:
        """Whether they share a ramp of colours; otherwise each has its own."""


@dataclass(frozen=True)
class Names:
    """Series that are called by texts."""

    written: tuple[str, ...]
    ordered: bool = False


@dataclass(frozen=True)
class Line:
    """The mean score of one series along the x axis.

    Attributes:
        value: place of its series among all.
        corners: x, such as an epoch, and mean score.
        spread: x and both ends of the band around the mean; empty where there is none.
        trials: how many the mean is of at most.
    """

    value: int
    corners: tuple[Position, ...]
    spread: tuple[tuple[float, float, float], ...]
    trials: int


@dataclass(frozen=True)
class LinePanel:
    """One metric: two axes, which panels beside each other share, and a line for each series that was scored.

    `breaks` are the epochs from which on the metric is measured in another way, each with that way: lines end there.
    """

    metric: str
    title: str
    x: Axis
    y: Axis
    lines: tuple[Line, ...]
    breaks: tuple[tuple[int, str], ...] = ()

    @property
    def note(self) -> str:
        """Where the lines are broken and why; "" where they are not."""
        return told(self.breaks)


def band_ends(lines: Sequence[Line]) -> list[float]:
    """Returns what an axis must hold to show every line: the ends of its band, else its scores."""
    found = []
    for line in lines:
        found += [end for _, low, high in line.spread for end in (low, high)]
        found += [score for _, score in line.corners]
    return found
