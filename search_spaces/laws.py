"""Values held against the laws of a vocabulary: JSON-Schema-like fragments, checked by pydantic, strictly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from search_spaces.complaints import Complaints, path_of, quote
from search_spaces.domains import INTEGER_LIMIT, Text, repeated, same

Fragment = Mapping[str, Any]
Parts = tuple[str | int, ...]

_BOUNDS = {"minimum": "ge", "exclusiveMinimum": "gt", "maximum": "le", "exclusiveMaximum": "lt"}
_BOUND_WORDS = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
_NOUNS = {"number": "a number", "integer": "a whole number", "boolean": "true or false", "string": "a text"}
_ENUM_SHOWN = 12


def words(fragment: Fragment) -> str:
    """The law as a phrase that completes "is not ...": "a whole number at least 1 and at most 8"."""
    if "enum" in fragment:
        listed = [quote(one) for one in fragment["enum"]]
        return "one of " + ", ".join(listed[:_ENUM_SHOWN]) + (", ..." if len(listed) > _ENUM_SHOWN else "")
    if fragment["type"] == "array":
        return f"a list, each {words(fragment['items'])}"
    bounds = [f"{_BOUND_WORDS[key]} {fragment[key]}" for key in _BOUND_WORDS if key in fragment]
    return " ".join([_NOUNS[fragment["type"]], " and ".join(bounds)]).strip()


def adapter(fragment: Fragment) -> TypeAdapter[Any]:
    """The pydantic type of a fragment that is not an array: strict, except that a whole number is a number."""
    bounds = {_BOUNDS[key]: fragment[key] for key in _BOUNDS if key in fragment}
    kind: Any
    match fragment["type"]:
        case "number":
            kind = Annotated[float, Field(strict=True, allow_inf_nan=False, **bounds)]
        case "integer":
            limits = Annotated[int, Field(strict=True, ge=-INTEGER_LIMIT, le=INTEGER_LIMIT)]
            kind = Annotated[limits, Field(**bounds)]
        case "boolean":
            kind = Annotated[bool, Field(strict=True)]
        case _:
            kind = Text
    return TypeAdapter(kind)


class Law:
    """One fragment, ready to judge many values."""

    def __init__(self, fragment: Fragment) -> None:
        self.fragment = fragment
        self.words = words(fragment)
        self.items = Law(fragment["items"]) if fragment["type"] == "array" else None
        self._adapter = None if self.items else adapter(fragment)

    def read(self, value: object, parts: Parts, complaints: Complaints) -> Any:
        """The value in the law's type (a whole number as a float under "number"), or None after a complaint."""
        if self.items is not None:
            return self._read_array(value, self.items, parts, complaints)
        assert self._adapter is not None
        try:
            lawful = self._adapter.validate_python(value)
        except ValidationError as error:
            reason = error.errors()[0]
            # Only a breach of Text says more than the law's own words do.
            extra = f" ({reason['msg'].removeprefix('Value error, ')})" if reason["type"] == "value_error" else ""
            complaints.add(path_of(*parts), f"{quote(value)} is not {self.words}{extra}")
            return None
        known = self.fragment.get("enum")
        if known is not None and not any(same(lawful, one) for one in known):
            names = [one for one in known if isinstance(one, str)]
            complaints.add(path_of(*parts), f"{quote(value)} is not {self.words}", value, names)
            return None
        return lawful

    def _read_array(self, value: object, items: Law, parts: Parts, complaints: Complaints) -> tuple[Any, ...] | None:
        if not isinstance(value, list | tuple):
            complaints.add(path_of(*parts), f"{quote(value)} is not {self.words}")
            return None
        if not self._length_lawful(value, parts, complaints):
            return None
        read = [items.read(one, (*parts, place), complaints) for place, one in enumerate(value)]
        if any(one is None for one in read):
            return None
        if (twice := repeated(value)) is not None:
            complaints.add(path_of(*parts), f"{quote(twice)} stands in the list twice")
            return None
        # As written: the elements name sets, and 5 reads better in a set's name than 5.0.
        return tuple(value)

    def _length_lawful(self, value: Sequence[object], parts: Parts, complaints: Complaints) -> bool:
        least, most = self.fragment.get("minItems", 0), self.fragment.get("maxItems", 10_000)
        if least <= len(value) <= most:
            return True
        complaints.add(path_of(*parts), f"a list of {len(value)} values came, it has to have {least} to {most}")
        return False
