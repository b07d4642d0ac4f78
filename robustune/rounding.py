"""The nearest configuration of a table to a proposal, by one stated rule."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from search_spaces import Choice, Domain, LogUniform, LogWhole, Subset
from search_spaces.domains import same

DIGITS: Final = 12
"""Decimals at which two distances are equal."""


class Rounding:
    """Rounds proposals to the configurations of a table.

    The nearest has the smallest sum of distances over all options; of several as near it is the first in the table. The
    distance of two numbers is that share of their domain which lies between them (on its logarithmic scale, where it
    has one), of two choices 0 or 1, of two subsets the share of elements that only one of them has. An option that one
    has and the other lacks counts 1 and what its value is away from the domain's low end. On a full grid this is each
    option's nearest point by itself.

    Args:
        space: the study's.
        configs: at least one.
    """

    def __init__(self, space: Mapping[str, Domain], configs: Sequence[Mapping[str, Any]]) -> None:
        self._space = space
        self._known = np.array([self._place(config) for config in configs])

    def nearest(self, config: Mapping[str, Any]) -> int:
        """Returns the place of the nearest configuration."""
        distances = np.abs(self._known - self._place(config)).sum(axis=1)
        return int(np.argmin(np.round(distances, DIGITS)))

    def _place(self, config: Mapping[str, Any]) -> NDArray[np.float64]:
        parts: list[float] = []
        for name, domain in self._space.items():
            has = name in config
            parts += [float(has), *(_coordinates(domain, config[name]) if has else [0.0] * _width(domain))]
        return np.array(parts)


def _width(domain: Domain) -> int:
    return len(domain.values) if isinstance(domain, Choice | Subset) else 1


def _coordinates(domain: Domain, value: Any) -> list[float]:
    if isinstance(domain, Choice):
        return [0.5 * same(value, listed) for listed in domain.values]
    if isinstance(domain, Subset):
        return [any(same(one, listed) for one in value) / len(domain.values) for listed in domain.values]
    scale = math.log if isinstance(domain, LogUniform | LogWhole) else float
    low, high = scale(domain.low), scale(domain.high)
    return [(scale(value) - low) / (high - low)]
