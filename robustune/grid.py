"""Every configuration of a finite space, once."""

import math
import random
from collections.abc import Iterator, Mapping
from typing import Any, Final

from robustune.errors import Mistake
from search_spaces.domains import Domain, active
from search_spaces.study import Study

LIMIT: Final = 100_000
"""Configurations of the largest grid that is held in memory: as many as a budget may have trials."""


def grid(space: Mapping[str, Domain], seed: int) -> tuple[dict[str, Any], ...]:
    """All active configurations of a space, each exactly once, in an order that the seed alone decides.

    The order is shuffled because the budget may end before the grid does: a prefix is then a sample of the whole grid,
    where the order of enumeration would spend it in one corner.

    Args:
        space: domains in drawing order, as a Study holds them.
        seed: decides the order.

    Raises:
        Mistake: STUDY_INVALID, a domain names no points, or the grid may hold more than LIMIT configurations.
    """
    _check(space)
    configs = list(_grow(space, list(space), {}))
    random.Random(seed).shuffle(configs)
    return tuple(configs)


def points(study: Study, seed: int) -> tuple[dict[str, Any], ...]:
    """What a grid search of a study asks for: its first configurations, then every other one of the grid.

    Raises:
        Mistake: as `grid`.
    """
    first = [
        {name: list(value) if isinstance(value, tuple) else value for name, value in config.items()}
        for config in study.first
    ]
    return (*first, *(config for config in grid(study.space, seed) if config not in first))


def _check(space: Mapping[str, Domain]) -> None:
    sizes = {name: domain.size() for name, domain in space.items()}
    endless = [name for name, size in sizes.items() if size is None]
    if endless:
        keys = ", ".join(f"space.{name}" for name in endless)
        raise Mistake("STUDY_INVALID", f"{keys}: a grid over a continuous domain names its points; add points = [...]")
    count = math.prod(size for size in sizes.values() if size is not None)
    if count > LIMIT:
        raise Mistake(
            "STUDY_INVALID",
            f"sampler.name: a grid may have at most {LIMIT:,} configurations, this one has up to {count:,}; "
            "name fewer points, or take the sampler 'random'",
        )


def _grow(space: Mapping[str, Domain], names: list[str], config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if not names:
        yield config
        return
    name, rest = names[0], names[1:]
    if not active(space, config, name):
        yield from _grow(space, rest, config)
        return
    for point in space[name].grid() or ():
        value = list(point) if isinstance(point, tuple) else point
        yield from _grow(space, rest, {**config, name: value})
