"""What a search starts from: the [[first]] points of a study file, and the studies of `warm_start_from`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search_spaces.complaints import Complaints, clipped, path_of, quote
from search_spaces.domains import Choice, Domain, Subset, Uniform, Value, active, same
from search_spaces.laws import Parts
from search_spaces.samplers import LEARNING
from search_spaces.study import FIRST_LIMIT, TEACHERS_LIMIT, Budget, Sampler, drawing_order
from search_spaces.tables import check_keys, is_table


def read_first(
    value: object, space: Mapping[str, Domain], budget: Budget | None, complaints: Complaints
) -> tuple[Mapping[str, Value], ...]:
    """The lawful configurations of [[first]].

    Args:
        value: the list of tables as it came.
        space: the searched options, all of them lawful; {} where they are not, and nothing is judged.
        budget: of the study, None where it is not lawful.
        complaints: gathers what is wrong.
    """
    if not isinstance(value, list):
        complaints.add("first", f"{quote(value)} is not a list of tables; write each one under [[first]]")
        return ()
    most = FIRST_LIMIT if budget is None else min(FIRST_LIMIT, budget.trials)
    if len(value) > most:
        complaints.add("first", f"{len(value)} came, there may be at most {most}, as many as the budget has trials")
        return ()
    found: list[Mapping[str, Value]] = []
    for place, table in enumerate(value if space else []):
        point = _read_point(table, space, ("first", place), complaints)
        if point is not None and point in found:
            complaints.add(path_of("first", place), f"the same point as first[{found.index(point)}]; keep one of them")
        elif point is not None:
            found.append(point)
    return tuple(found)


def _read_point(
    table: object, space: Mapping[str, Domain], parts: Parts, complaints: Complaints
) -> dict[str, Value] | None:
    """One configuration in drawing order, or None after complaints about every key."""
    if not is_table(table, parts, complaints):
        return None
    assert isinstance(table, dict)
    before = len(complaints)
    check_keys(table, parts, space, (), complaints)
    point: dict[str, Value] = {}
    for name in drawing_order(space):
        if not active(space, point, name):
            if name in table and all(other in point for other in space[name].when):
                complaints.add(path_of(*parts, name), f"the option is not drawn here: {_reason(space, point, name)}")
        elif name not in table:
            complaints.add(path_of(*parts, name), f"the key is missing; {_law(space[name])}")
        elif not space[name].contains(table[name]):
            complaints.add(path_of(*parts, name), f"{quote(table[name])} lies outside the space: {_law(space[name])}")
        else:
            point[name] = _typed(space[name], table[name])
    return point if len(complaints) == before else None


def _reason(space: Mapping[str, Domain], point: Mapping[str, Any], name: str) -> str:
    whens = [f"{other} is {quote(point[other])}" for other in space[name].when]
    return f"{', '.join(whens)}; leave it out"


def _law(domain: Domain) -> str:
    values: Any = list(domain.values) if hasattr(domain, "values") else [domain.low, domain.high]
    return f"it takes {{ {domain.kind} = {clipped(quote(values))} }}"


def _typed(domain: Domain, value: Any) -> Value:
    if isinstance(domain, Subset):
        return tuple(value)
    if isinstance(domain, Choice):
        return next(known for known in domain.values if same(known, value))
    typed: Value = float(value) if isinstance(domain, Uniform) else value
    return typed


def read_teachers(value: object, sampler: Sampler | None, complaints: Complaints) -> tuple[str, ...]:
    """The studies of the list `warm_start_from`, by name or folder."""
    key = "warm_start_from"
    if not isinstance(value, list):
        complaints.add(key, f'{quote(value)} is not a list of studies; write {key} = ["STUDY"]')
        return ()
    if len(value) > TEACHERS_LIMIT:
        complaints.add(key, f"it names {len(value)} studies, at most {TEACHERS_LIMIT} can be taken up")
        return ()
    for place, one in enumerate(value):
        if not isinstance(one, str) or not one or not one.isprintable():
            complaints.add(path_of(key, place), f"{quote(one)} is not the name or folder of a study")
        elif one in value[:place]:
            complaints.add(path_of(key, place), f"{quote(one)} stands in the list twice")
    if value and sampler is not None and sampler.name not in LEARNING:
        complaints.add(
            key,
            f"the sampler {quote(sampler.name)} learns from no trial; leave the key out, or take one of "
            f"{', '.join(LEARNING)}",
        )
    return tuple(one for one in value if isinstance(one, str))
