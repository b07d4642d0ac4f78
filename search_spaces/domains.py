"""Domains: the values that a study may give to one option of a trainer, and when it gives one at all."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StrictBool,
    field_validator,
    model_validator,
)
from pydantic.dataclasses import dataclass

CHOICE_LIMIT = 1_000
SUBSET_LIMIT = 20  # 2**20 subsets are a million; more can neither be listed nor be drawn evenly by hand
GRID_LIMIT = 1_000_000
WHEN_LIMIT = 100
TEXT_LIMIT = 1_000
INTEGER_LIMIT = 2**63 - 1  # what SQLite, Arrow and JSON readers hold alike

CONFIG = ConfigDict(extra="forbid")


def printable(text: str) -> str:
    """Text unchanged if a terminal shows every character of it as itself.

    Raises:
        ValueError: a control or direction character, or more than TEXT_LIMIT characters.
    """
    if len(text) > TEXT_LIMIT:
        raise ValueError(f"a text may have at most {TEXT_LIMIT} characters, this one has {len(text)}")
    if not text.isprintable():
        raise ValueError("a text may have no control or direction characters")
    return text


def fraction(value: object) -> object:
    """`value` unchanged unless it is an integer, so that one too long for Integer is not rounded to a float."""
    if isinstance(value, int):
        raise ValueError(f"a whole number lies within {INTEGER_LIMIT} of zero")
    return value


Text = Annotated[str, Field(strict=True), AfterValidator(printable)]
Integer = Annotated[int, Field(strict=True, ge=-INTEGER_LIMIT, le=INTEGER_LIMIT)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Scalar = StrictBool | Integer | Annotated[Number, BeforeValidator(fraction)] | Text
Value = Scalar | tuple[Scalar, ...]
WhenValue = Scalar | tuple[Scalar, ...]

NONEMPTY = "nonempty"


def same(left: object, right: object) -> bool:
    """Equal as values of a study file: 1 equals 1.0, but neither equals true."""
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def repeated(values: Sequence[object]) -> object | None:
    """The first value that stands in `values` a second time; None if each stands once."""
    seen: set[tuple[bool, object]] = set()
    for value in values:
        if (isinstance(value, bool), value) in seen:
            return value
        seen.add((isinstance(value, bool), value))
    return None


def counted(values: Sequence[object], limit: int) -> Sequence[object]:
    """`values` unchanged; called before they are judged one by one, which takes 5 kB for each wrong one.

    Raises:
        ValueError: there is none, or there are more than `limit`.
    """
    if not 0 < len(values) <= limit:
        raise ValueError(f"the list may be neither empty nor longer than {limit} values, this one has {len(values)}")
    return values


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class _Domain(ABC):
    """What all domains share: a condition and the named points of a grid.

    Attributes:
        when: other searched options and the values that they must have; all must hold. Empty: always drawn.
        points: the values a grid goes through, in this order; None: the domain's own grid, if it has one.
    """

    kind: ClassVar[str] = ""
    when: Mapping[str, WhenValue] = Field(default_factory=dict, kw_only=True)
    points: tuple[Scalar, ...] | None = Field(default=None, kw_only=True)

    @field_validator("when", mode="before")
    @classmethod
    def _when_lawful(cls, when: object) -> object:
        lists = [one for one in when.values() if isinstance(one, list | tuple)] if isinstance(when, Mapping) else []
        for expected in lists:
            if not 0 < len(expected) <= WHEN_LIMIT:
                raise ValueError(f"a list of values has 1 to {WHEN_LIMIT} of them, came {len(expected)}")
        return when

    @field_validator("points", mode="before")
    @classmethod
    def _points_counted(cls, points: object) -> object:
        return counted(points, CHOICE_LIMIT) if isinstance(points, list | tuple) else points

    @model_validator(mode="after")
    def _points_belong(self) -> _Domain:
        if self.points is None:
            return self
        if (twice := repeated(self.points)) is not None:
            raise ValueError(f"points name {twice!r} twice")
        for point in self.points:
            if not self.contains(point):
                raise ValueError(f"point {point!r} lies outside the domain")
        return self

    @abstractmethod
    def contains(self, value: object) -> bool:
        """Whether a trial could be given `value`."""

    def grid(self) -> tuple[Any, ...] | None:
        """Every value a grid goes through, or None where there are no finitely many (at most GRID_LIMIT)."""
        return self.points

    def size(self) -> int | None:
        """How many values the domain has (its points, if named), without listing them; None: continuous."""
        return None if self.points is None else len(self.points)


@dataclass(frozen=True, config=CONFIG)
class _Listed(_Domain):
    """A domain that lists its values."""

    values: tuple[Scalar, ...]
    limit: ClassVar[int] = CHOICE_LIMIT

    @field_validator("values", mode="before")
    @classmethod
    def _values_counted(cls, values: object) -> object:
        return counted(values, cls.limit) if isinstance(values, list | tuple) else values

    @field_validator("values")
    @classmethod
    def _values_distinct(cls, values: tuple[Scalar, ...]) -> tuple[Scalar, ...]:
        if (twice := repeated(values)) is not None:
            raise ValueError(f"{twice!r} stands in the list twice")
        return values

    @field_validator("points")
    @classmethod
    def _no_points(cls, points: tuple[Scalar, ...] | None) -> tuple[Scalar, ...] | None:
        if points is not None:
            raise ValueError("a list is its own grid and takes no points")
        return points


@dataclass(frozen=True, config=CONFIG)
class Choice(_Listed):
    """One of the listed values."""

    kind: ClassVar[str] = "choice"

    def contains(self, value: object) -> bool:
        """Whether `value` is listed."""
        return any(same(value, known) for known in self.values)

    def grid(self) -> tuple[Any, ...] | None:
        """The listed values, as declared."""
        return self.values

    def size(self) -> int | None:
        """How many values are listed."""
        return len(self.values)


@dataclass(frozen=True, config=CONFIG)
class Subset(_Listed):
    """Any part of the listed values, as a tuple in the declared order; () is the empty one."""

    kind: ClassVar[str] = "subset"
    limit: ClassVar[int] = SUBSET_LIMIT

    def contains(self, value: object) -> bool:
        """Whether `value` is a tuple or list of listed values, each at most once and in the declared order."""
        if not isinstance(value, tuple | list):
            return False
        rest = iter(self.values)
        return all(any(same(element, known) for known in rest) for element in value)

    def grid(self) -> tuple[Any, ...] | None:
        """All 2**n subsets, the smaller ones first."""
        return tuple(part for count in range(len(self.values) + 1) for part in combinations(self.values, count))

    def size(self) -> int | None:
        """2**n."""
        return int(2 ** len(self.values))


@dataclass(frozen=True, config=CONFIG)
class Uniform(_Domain):
    """A real number from `low` to `high`, both included, evenly spread."""

    kind: ClassVar[str] = "uniform"
    low: Number
    high: Number

    @field_validator("points")
    @classmethod
    def _points_real(cls, points: tuple[Scalar, ...] | None) -> tuple[Scalar, ...] | None:
        return points and tuple(float(point) if type(point) is int else point for point in points)

    @model_validator(mode="after")
    def _range_lawful(self) -> Uniform:
        if self.low >= self.high:
            raise ValueError(f"low must lie below high, came [{self.low!r}, {self.high!r}]")
        if not math.isfinite(self.high - self.low):
            raise ValueError("the range is wider than a floating-point number can say")
        return self

    def contains(self, value: object) -> bool:
        """Whether `value` is a number in the range."""
        return isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high


@dataclass(frozen=True, config=CONFIG)
class LogUniform(Uniform):
    """A real number from `low` to `high`, its logarithm evenly spread; `low` lies above zero."""

    kind: ClassVar[str] = "log_uniform"

    @field_validator("low")
    @classmethod
    def _low_positive(cls, low: float) -> float:
        if low <= 0:
            raise ValueError(f"a logarithmic range starts above zero, came {low!r}")
        return low


@dataclass(frozen=True, config=CONFIG)
class Whole(_Domain):
    """A whole number from `low` to `high`, both included, evenly spread."""

    kind: ClassVar[str] = "whole"
    low: Integer
    high: Integer

    @model_validator(mode="after")
    def _range_lawful(self) -> Whole:
        if self.low >= self.high:
            raise ValueError(f"low must lie below high, came [{self.low!r}, {self.high!r}]")
        return self

    def contains(self, value: object) -> bool:
        """Whether `value` is a whole number in the range."""
        return isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high

    def grid(self) -> tuple[Any, ...] | None:
        """The points, or every whole number of the range; None above GRID_LIMIT of them."""
        if self.points is not None:
            return self.points
        return tuple(range(self.low, self.high + 1)) if self.high - self.low < GRID_LIMIT else None

    def size(self) -> int | None:
        """How many points, or whole numbers, there are."""
        return self.high - self.low + 1 if self.points is None else len(self.points)


@dataclass(frozen=True, config=CONFIG)
class LogWhole(Whole):
    """A whole number from `low` to `high`, its logarithm evenly spread; `low` is at least 1."""

    kind: ClassVar[str] = "log_whole"

    @field_validator("low")
    @classmethod
    def _low_positive(cls, low: int) -> int:
        if low <= 0:
            raise ValueError(f"a logarithmic range starts above zero, came {low!r}")
        return low


KINDS: Mapping[str, type[Choice | Subset | Uniform | LogUniform | Whole | LogWhole]] = {
    domain.kind: domain for domain in (Choice, Subset, Uniform, LogUniform, Whole, LogWhole)
}


def from_plain(plain: object) -> Any:
    """The domain that a study file writes as {KIND = [...], when = {...}, points = [...]}.

    Raises:
        ValueError: not exactly one kind, or a range that is not two numbers.
        pydantic.ValidationError: the kind is known, but its values break a law.
    """
    if isinstance(plain, _Domain):
        return plain
    if not isinstance(plain, Mapping):
        raise ValueError("a domain is a table such as { choice = [1, 2] }")
    kinds = [key for key in plain if key in KINDS]
    if len(kinds) != 1:
        raise ValueError(f"a domain has exactly one of {', '.join(KINDS)}")
    rest = {key: value for key, value in plain.items() if key != kinds[0]}
    domain, values = KINDS[kinds[0]], plain[kinds[0]]
    if issubclass(domain, _Listed):
        return domain(values=values, **rest)
    if not isinstance(values, list | tuple) or len(values) != 2:
        raise ValueError(f"{kinds[0]} is written [low, high]")
    return domain(low=values[0], high=values[1], **rest)


def to_plain(domain: Any) -> dict[str, Any]:
    """The domain as a study file writes it; from_plain brings it back equal."""
    values = list(domain.values) if isinstance(domain, _Listed) else [domain.low, domain.high]
    plain: dict[str, Any] = {domain.kind: values}
    if domain.when:
        plain["when"] = {key: list(value) if isinstance(value, tuple) else value for key, value in domain.when.items()}
    if domain.points is not None:
        plain["points"] = list(domain.points)
    return plain


Domain = Annotated[
    Choice | Subset | Uniform | LogUniform | Whole | LogWhole, BeforeValidator(from_plain), PlainSerializer(to_plain)
]


def holds(expected: WhenValue, value: object) -> bool:
    """Whether `value` meets one condition: equal to it, one of its list, or not empty under "nonempty"."""
    if isinstance(value, tuple | list):
        return expected == NONEMPTY and len(value) > 0
    if isinstance(expected, tuple | list):
        return any(same(value, one) for one in expected)
    return same(value, expected)


def active(space: Mapping[str, Domain], config: Mapping[str, Any], name: str) -> bool:
    """Whether option `name` is drawn, given what has been drawn before it.

    An option that is not active is left out of the config; a condition on an option that was left out does not hold.

    Args:
        space: the study's space.
        config: values drawn so far, at least of every option in the condition that was itself active.
        name: an option of the space.
    """
    conditions = space[name].when.items()
    return all(other in config and holds(expected, config[other]) for other, expected in conditions)
