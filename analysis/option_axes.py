"""Axes for searched options: logarithmic ones by powers of ten, choices and subsets by their values as texts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from analysis.importance_features import logarithmic, places
from analysis.panels import Axis, ticks
from analysis.placement import thinned
from analysis.wording import readable, written
from search_spaces.domains import Choice, Domain, Subset, Whole

NAMES_MOST: Final = 12
"""Texts beside an axis; of more, evenly chosen ones."""


@dataclass(frozen=True)
class NamedAxis(Axis):
    """An axis whose ticks have texts of their own."""

    names: tuple[str, ...] = ()

    @property
    def written(self) -> tuple[str, ...]:
        """The texts."""
        return self.names


@dataclass(frozen=True)
class OptionAxis:
    """Where the values of an option lie on its axis.

    Attributes:
        axis: with the option's name beside it.
        logarithmic: whether positions are logarithms to base 10.
        known: of a choice or a subset the position of each value; empty for sizes.
    """

    axis: Axis
    logarithmic: bool
    known: Mapping[Any, int]

    def position(self, value: Any) -> float:
        """Returns where a value of the trials' column lies, NaN for one that was not drawn or is not listed."""
        if value is None:
            return math.nan
        if self.known:
            return float(self.known.get(value, math.nan))
        return math.log10(value) if self.logarithmic else float(value)


def option_axis(name: str, domain: Domain, values: Sequence[Any]) -> OptionAxis:
    """Returns the axis of an option.

    Args:
        name: of the option.
        domain: what is searched of it.
        values: that were tried, None where it was not drawn; of a subset these alone are on the axis.
    """
    label = readable(name)
    if isinstance(domain, Choice | Subset):
        known = places(domain) if isinstance(domain, Choice) else _subsets(values)
        return OptionAxis(named_axis(label, [written(value) for value in known]), False, known)
    if logarithmic(domain):
        low, high = math.log10(domain.low), math.log10(domain.high)
        powers = _powers(domain.low, domain.high)
        texts = _written(powers)
        return OptionAxis(NamedAxis(label, low, high, tuple(map(math.log10, powers)), None, texts), True, {})
    low, high = float(domain.low), float(domain.high)
    return OptionAxis(Axis(label, low, high, ticks(low, high, 5, isinstance(domain, Whole)), None), False, {})


def named_axis(label: str, texts: Sequence[str]) -> NamedAxis:
    """Returns an axis of texts at 0, 1, 2, ..., with half a step at both ends."""
    kept = thinned(len(texts), NAMES_MOST)
    return NamedAxis(
        label, -0.5, max(0.5, len(texts) - 0.5), tuple(map(float, kept)), None, tuple(texts[place] for place in kept)
    )


def _subsets(values: Sequence[Any]) -> dict[Any, int]:
    """The subsets that were tried, smaller ones first."""
    seen = {value for value in values if value is not None}
    order = sorted(seen, key=lambda text: (text.count("+") + bool(text), [part.zfill(24) for part in text.split("+")]))
    return {value: place for place, value in enumerate(order)}


def _written(powers: Sequence[float]) -> tuple[str, ...]:
    """As "1e-5" where one of them is long otherwise."""
    texts = tuple(written(float(f"{power:.6g}")) for power in powers)
    if not any("e" in text for text in texts):
        return texts
    parts = [f"{power:.0e}".split("e") for power in powers]
    return tuple(f"{factor}e{int(exponent)}" for factor, exponent in parts)


def _powers(low: float, high: float) -> list[float]:
    """Powers of ten within the range, thinned where there are many; where there are not two, round numbers as well."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    powers = [10.0**power for power in range(first, last + 1)]
    if len(powers) >= 2:
        return [powers[place] for place in thinned(len(powers), 6)]
    steps = [factor * 10.0**power for power in range(first - 1, last + 1) for factor in (1, 2, 5)]
    return [step for step in steps if low * (1 - 1e-9) <= step <= high * (1 + 1e-9)] or [low, high]
