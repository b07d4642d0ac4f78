"""How many trials a study can have, a finite grid counted without being listed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from search_spaces.domains import Domain, active
from search_spaces.study import Study, drawing_order


def trial_limit(study: Study) -> int:
    """How many trials a study may have: those of its budget, or all points of its grid where these are fewer.

    Configurations under [[first]] that lie beside the grid count as points of it.
    """
    if study.sampler.name != "grid" or any(domain.size() is None for domain in study.space.values()):
        return study.budget.trials
    found = sum(not _on_grid(study.space, config) for config in study.first)
    for count in _counts(study.space, _deciding(study.space), {}):
        found += count
        if found >= study.budget.trials:  # the rest need not be counted: a grid may be a million times larger
            return study.budget.trials
    return found


def _deciding(space: Mapping[str, Domain]) -> list[str]:
    """The options that conditions look at, in drawing order."""
    named = {other for domain in space.values() for other in domain.when}
    return [name for name in drawing_order(space) if name in named]


def _counts(space: Mapping[str, Domain], deciding: list[str], config: dict[str, Any]) -> Iterator[int]:
    """Yields, for each configuration of the deciding options, how many configurations it has."""
    if not deciding:
        count = 1
        for name in space.keys() - config.keys():
            count *= (space[name].size() or 1) if _leaf(space, name) and active(space, config, name) else 1
        yield count
        return
    name, rest = deciding[0], deciding[1:]
    if not active(space, config, name):
        yield from _counts(space, rest, config)
        return
    for value in space[name].grid() or ():
        yield from _counts(space, rest, {**config, name: value})


def _leaf(space: Mapping[str, Domain], name: str) -> bool:
    return all(name not in domain.when for domain in space.values())


def _on_grid(space: Mapping[str, Domain], config: Mapping[str, Any]) -> bool:
    return all(value in (space[name].grid() or ()) for name, value in config.items())
