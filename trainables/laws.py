"""Laws of options and metrics: what a field of an options dataclass may hold, as plain JSON-Schema-like data."""

import dataclasses
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from trainables.errors import TrainableError

T = TypeVar("T")

LAW: Final = "law"  # the key of a field's law in its dataclass metadata

_BOUNDS: Final[Mapping[str, tuple[Callable[[Any, Any], bool], str]]] = {
    "minimum": (operator.ge, "at least"),
    "exclusiveMinimum": (operator.gt, "above"),
    "maximum": (operator.le, "at most"),
    "exclusiveMaximum": (operator.lt, "below"),
}


def option(kind: str, default: Any, description: str, **law: Any) -> Any:
    """A dataclass field whose law is `{"type": kind, **law}`; the default is stated here and nowhere else."""
    fragment = {"type": kind, **law, "default": default, "description": description}
    return dataclasses.field(default=default, metadata={LAW: fragment})


def with_default(options: type, name: str, default: Any, description: str = "") -> Any:
    """A dataclass field with the law of another class's field of that name, and a default of its own.

    Args:
        options: the other class.
        name: of its field.
        default: lawful.
        description: in place of the other's; empty keeps that.
    """
    law = next(field.metadata[LAW] for field in dataclasses.fields(options) if field.name == name)
    changes = {"default": default, **({"description": description} if description else {})}
    return dataclasses.field(default=default, metadata={LAW: {**law, **changes}})


def fragments(options: type) -> dict[str, dict[str, Any]]:
    """The law of every field of an options dataclass, by name, as JSON-able data (tuples become lists)."""
    found = {}
    for field in dataclasses.fields(options):
        law = dict(field.metadata[LAW])
        law["default"] = list(law["default"]) if isinstance(law["default"], tuple) else law["default"]
        found[field.name] = law
    return found


def read(options: Callable[..., T], plain: Mapping[str, Any], trainer: str) -> T:
    """Options of a plain mapping.

    Args:
        options: a dataclass whose fields have laws, and which raises ValueError where one is broken.
        plain: values by name.
        trainer: whose options they are, for the message.

    Raises:
        TrainableError: OPTION_INVALID, for an unknown name or a broken law.
    """
    unknown = sorted(set(plain) - {field.name for field in dataclasses.fields(options)})  # type: ignore[arg-type]
    if unknown:
        raise TrainableError("OPTION_INVALID", f"{trainer} has no option {', '.join(map(repr, unknown))}")
    try:
        return options(**plain)
    except ValueError as error:
        raise TrainableError("OPTION_INVALID", str(error)) from error


def known(metrics: Sequence[str], reported: Mapping[str, Any], trainer: str) -> tuple[str, ...]:
    """The metrics asked for, if the trainer reports them all.

    Raises:
        TrainableError: METRIC_UNKNOWN.
    """
    unknown = sorted(set(metrics) - set(reported))
    if unknown:
        raise TrainableError(
            "METRIC_UNKNOWN", f"{trainer} does not report {unknown[0]!r}; it reports {', '.join(reported)}"
        )
    return tuple(metrics)


def among(metrics: Sequence[str] | None, asked: Sequence[str]) -> tuple[str, ...]:
    """The metrics to be measured now, by default all that a trainer was asked for.

    Raises:
        TrainableError: METRIC_UNKNOWN, where it was not asked for one of them.
    """
    if metrics is None:
        return tuple(asked)
    unknown = sorted(set(metrics) - set(asked))
    if unknown:
        raise TrainableError(
            "METRIC_UNKNOWN", f"the trainer was not asked for {unknown[0]!r}, but for {', '.join(asked)}"
        )
    return tuple(metrics)


def complaints(options: Any) -> list[str]:
    """One line per field of a dataclass instance that breaks its law; empty for a lawful one."""
    found = []
    for field in dataclasses.fields(options):
        problem = _problem(getattr(options, field.name), field.metadata[LAW])
        if problem:
            found.append(f"{field.name}: {problem}")
    return found


def _problem(value: Any, law: Mapping[str, Any]) -> str:
    if not _has_type(value, law["type"]):
        return f"{value!r} is not of type {law['type']}"
    if law["type"] == "array":
        problems = (_problem(item, law["items"]) for item in value)
        return next((problem for problem in problems if problem), "")
    if "enum" in law and value not in law["enum"]:
        return f"{value!r} is none of {', '.join(map(str, law['enum']))}"
    for key, (holds, words) in _BOUNDS.items():
        if key in law and not holds(value, law[key]):
            return f"{value!r} is not {words} {law[key]}"
    return ""


def _has_type(value: Any, kind: str) -> bool:
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, {"boolean": bool, "string": str, "array": tuple}[kind])
