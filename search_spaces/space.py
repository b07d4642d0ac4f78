"""The [space] of a study file: each domain against its own laws, its option's law and the others' conditions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from search_spaces.complaints import Complaints, path_of, quote
from search_spaces.conditions import check_conditions
from search_spaces.domains import (
    GRID_LIMIT,
    KINDS,
    Choice,
    Domain,
    Subset,
    Uniform,
    Whole,
    from_plain,
)
from search_spaces.laws import Fragment, Law, Parts
from search_spaces.tables import worded

OPTIONS_LIMIT = 200


def read_space(
    table: Mapping[str, object], held: Iterable[str], laws: Mapping[str, Fragment] | None, complaints: Complaints
) -> dict[str, Domain]:
    """The domains of [space] that are lawful, as declared.

    Args:
        table: the section as it came.
        held: options that [options] holds fixed.
        laws: the trainer's options; None: the trainer is unknown, so they are not judged.
        complaints: gathers what is wrong with the others.
    """
    if not table:
        complaints.add("space", "it is empty; name at least one option to search")
    if len(table) > OPTIONS_LIMIT:
        complaints.add("space", f"it has {len(table)} options; at most {OPTIONS_LIMIT} can be searched")
        return {}
    held, space = set(held), {}
    for name, value in table.items():
        parts: Parts = ("space", name)
        if name in held:
            complaints.add(path_of(*parts), "the option also stands in [options]; keep one of the two")
        domain = _read_domain(value, parts, complaints)
        if laws is not None and name not in laws:
            complaints.unknown(path_of(*parts), name, "an option of the trainer", laws)
        elif domain is not None and laws is not None:
            domain = _under_law(domain, laws[name], parts, complaints)
        if domain is not None:
            space[name] = domain
    check_conditions(space, table, held, complaints)
    return space


def _read_domain(value: object, parts: Parts, complaints: Complaints) -> Domain | None:
    key = path_of(*parts)
    if not isinstance(value, dict):
        complaints.add(
            key, f"{quote(value)} is not a domain such as {{ choice = [1, 2] }}; fixed values stand in [options]"
        )
        return None
    known = [*KINDS, "when", "points"]
    strange = [one for one in value if one not in known]
    for one in strange:
        complaints.add(path_of(*parts, one), f"the key is unknown; known here: {', '.join(known)}", one, known)
    kinds = [one for one in value if one in KINDS]
    if len(kinds) > 1 or not (kinds or strange):
        complaints.add(key, f"a domain has exactly one of {', '.join(KINDS)}; came {', '.join(kinds) or 'none'}")
    if len(kinds) != 1:
        return None
    try:
        domain: Domain = from_plain({one: value[one] for one in value if one in known})
    except ValidationError as error:
        for place, message, _ in worded(error):
            complaints.add(path_of(*parts, *_written(place, kinds[0])), message)
        return None
    except ValueError as error:
        complaints.add(path_of(*parts, kinds[0]), f"{error}, came {quote(value[kinds[0]])}")
        return None
    return None if strange else domain


def _written(place: Parts, kind: str) -> Parts:
    """Where a study file writes what a domain keeps at `place`."""
    match place:
        case ("low",):
            return (kind, 0)
        case ("high",):
            return (kind, 1)
        case ("values", *rest):
            return (kind, *rest)
        case ():
            return (kind,)
    return place


def _under_law(domain: Domain, fragment: Fragment, parts: Parts, complaints: Complaints) -> Domain | None:
    """The domain with values in the option's type, or None after complaints about those beyond its law."""
    key, before = path_of(*parts), len(complaints)
    here: Parts = (*parts, domain.kind)
    law = Law(fragment)
    if fragment.get("fixed"):
        complaints.add(
            key, "the option cannot be searched, its value must be the same in all trials; set it in [options]"
        )
    if (law.items is not None) != isinstance(domain, Subset):
        wanted = "subset" if law.items is not None else "choice"
        complaints.add(path_of(*here), f"a {domain.kind} does not fit, the option is {law.words}; use {wanted}")
        return None
    if isinstance(domain, Subset):
        law.read(domain.values, here, complaints)
        if fragment.get("minItems", 0) > 0:
            complaints.add(path_of(*here), "a subset may be empty, and the option's list may not")
    elif isinstance(domain, Choice):
        values = tuple(law.read(value, (*here, place), complaints) for place, value in enumerate(domain.values))
        if len(complaints) == before:
            domain = replace(domain, values=values)
    else:
        _check_range(domain, law, here, complaints)
    return domain if len(complaints) == before else None


def _check_range(domain: Any, law: Law, here: Parts, complaints: Complaints) -> None:
    if "enum" in law.fragment or law.fragment["type"] not in ("number", "integer"):
        complaints.add(path_of(*here), f"a range does not fit, the option is {law.words}; use choice")
    elif law.fragment["type"] == "integer" and not isinstance(domain, Whole):
        whole = domain.kind.replace("uniform", "whole")
        complaints.add(path_of(*here), f"a {domain.kind} draws fractions, the option is {law.words}; use {whole}")
    else:
        law.read(domain.low, (*here, 0), complaints)
        law.read(domain.high, (*here, 1), complaints)


def check_grid(space: Mapping[str, Domain], complaints: Complaints) -> None:
    """Note what keeps a grid sampler from listing the space; its size is counted as if no condition ever failed."""
    for name, domain in space.items():
        if isinstance(domain, Uniform) and domain.points is None:
            complaints.add(
                path_of("space", name), f"a grid needs the points of a {domain.kind}: points = [{domain.low}, ...]"
            )
    size = math.prod(domain.size() or 1 for domain in space.values())
    if size > GRID_LIMIT:
        complaints.add("space", f"the grid has {_rounded(size)} points, at most {GRID_LIMIT} can be listed; shorten it")


def _rounded(count: int) -> str:
    return str(count) if count < 10**9 else f"some 10^{len(str(count)) - 1}"
