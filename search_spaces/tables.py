"""Tables of a study file made into frozen parts of a study, pydantic's findings worded as complaints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from search_spaces.complaints import Complaints, path_of, quote
from search_spaces.laws import Parts

Part = TypeVar("Part")
_NOUNS = {
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "a valid string": "a text",
    "a valid tuple": "a list",
    "a valid mapping": "a table",
    "a valid dictionary": "a table",
}
_COMPARISONS = {"greater than or equal to": "at least", "less than or equal to": "at most"}


def is_table(value: object, parts: Parts, complaints: Complaints) -> bool:
    """Whether `value` is a table; notes a complaint if not."""
    if isinstance(value, dict):
        return True
    complaints.add(path_of(*parts), f"{quote(value)} is not a table")
    return False


def check_keys(
    table: Mapping[str, object], parts: Parts, known: Iterable[str], required: Iterable[str], complaints: Complaints
) -> None:
    """Note every unknown key of a table, with the nearest known one, and every required key that is missing."""
    known = list(known)
    for key in table:
        if key not in known:
            complaints.add(
                path_of(*parts, key), f"the key is unknown; known here: {', '.join(sorted(known))}", key, known
            )
    for key in required:
        if key not in table:
            complaints.add(path_of(*parts, key), "the key is missing")


def read_part(
    kind: type[Part], value: object, parts: Parts, complaints: Complaints, instead: Mapping[str, Any]
) -> Part | None:
    """A table as a frozen part of a study (Objective, Budget, ...), after complaints about every key.

    The study is refused where there was a complaint, and yet what is lawful can be held against other sections.

    Args:
        kind: of part.
        value: the table as it came.
        parts: where it stands.
        complaints: gathers what is wrong.
        instead: by key, what stands for a value that is not lawful or missing, such that no law about it is broken.

    Returns:
        The part; None where the value is no table, or a key is not lawful that `instead` does not have.
    """
    if not is_table(value, parts, complaints):
        return None
    assert isinstance(value, dict)
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    check_keys(value, parts, known, (), complaints)
    kept = {key: one for key, one in value.items() if key in known}
    adapter: TypeAdapter[Part] = TypeAdapter(kind)
    try:
        return adapter.validate_python(kept)
    except ValidationError as error:
        found = worded(error)
    for path, message, detail in found:
        meant = detail["input"] if detail["type"] == "literal_error" else None
        complaints.add(path_of(*parts, *path), message, meant, _expected(detail))
    refused = {path[0] for path, _, _ in found if path}
    if not refused or not refused <= instead.keys():
        return None
    return adapter.validate_python({**kept, **{key: instead[key] for key in instead if key in refused}})


def worded(error: ValidationError) -> list[tuple[Parts, str, ErrorDetails]]:
    """One (key path, message, detail) for every place that pydantic complains about.

    A scalar is a union, and pydantic complains once for each member: these become one.
    """
    places: dict[Parts, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        places.setdefault(_place(detail["loc"]), []).append(detail)
    return [(place, _message(details), details[0]) for place, details in places.items()]


def _place(location: Sequence[str | int]) -> Parts:
    members = ("bool", "float", "str", "int")
    tags = ("constrained-", "function-", "tuple[", "union[", "nullable[")
    return tuple(
        part for part in location if isinstance(part, int) or (part not in members and not part.startswith(tags))
    )


def _message(details: Sequence[ErrorDetails]) -> str:
    for detail in details:
        if detail["type"] == "value_error":
            return detail["msg"].removeprefix("Value error, ")
        if detail["type"] == "missing":
            return "the key is missing"
    # One member of a union says enough if it is about the value's size; if not, no member fits the type.
    told = next((one for one in details if not one["type"].endswith("_type")), details[0])
    if len(details) > 1 and told["type"].endswith("_type"):
        return f"{quote(told['input'])} is not a text, number, true or false"
    law = re.sub(r"^Input should be ", "", told["msg"])
    for pydantic_words, ours in _COMPARISONS.items():
        law = law.replace(pydantic_words, ours)
    return f"{quote(told['input'])} is not {_NOUNS.get(law, law)}"


def _expected(detail: ErrorDetails) -> list[str]:
    return re.findall(r"'([^']*)'", str(detail.get("ctx", {}).get("expected", "")))
