"""The searched options of trials as numbers that importance is computed from; logarithmic ones as their logarithm."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analysis.front import Floats, Mask
from analysis.records import option_column
from search_spaces.domains import Choice, Domain, LogUniform, LogWhole, Subset
from search_spaces.study import Study


@dataclass(frozen=True)
class Feature:
    """One number of an option: itself, or for one element of a subset whether it is there.

    Attributes:
        option: whose number it is.
        low: of its range, a logarithm where the option is searched so.
        high: of its range.
        values: what its whole numbers stand for, from 0 on, as the trials' column holds them; () for a size.
        ordered: whether neighbouring numbers stand for neighbouring values.
    """

    option: str
    low: float
    high: float
    values: tuple[object, ...] = ()
    ordered: bool = True


@dataclass(frozen=True)
class Design:
    """Trials as a matrix of numbers, one column for each feature; NaN where an option was not drawn."""

    features: tuple[Feature, ...]
    matrix: Floats

    @property
    def options(self) -> tuple[str, ...]:
        """The options, each once, in the order of the study."""
        return tuple(dict.fromkeys(one.option for one in self.features))

    def columns(self, option: str) -> list[int]:
        """Returns the places of an option's columns."""
        return [place for place, one in enumerate(self.features) if one.option == option]

    def drawn(self, option: str) -> Mask:
        """Returns (n,) whether the option was drawn."""
        found: Mask = ~np.isnan(self.matrix[:, self.columns(option)[0]])
        return found

    def take(self, rows: NDArray[np.int64]) -> "Design":
        """Returns the same of some trials."""
        return Design(self.features, self.matrix[rows])


def design(trials: pa.Table, study: Study) -> Design:
    """Returns the searched options of trials as numbers.

    A choice is the place of its value, among numbers in their order; a subset is one number for each element.

    Args:
        trials: as `analysis.records.trials` gives them.
        study: whose space it is.
    """
    features: list[Feature] = []
    columns: list[Floats] = []
    for name, domain in study.space.items():
        found, numbers = _numbers(name, domain, trials[f"options.{name}"].to_pylist())
        features += found
        columns += numbers
    return Design(tuple(features), np.array(columns, dtype=np.float64).reshape(len(columns), trials.num_rows).T)


def logarithmic(domain: Domain) -> bool:
    """Returns whether an option is searched in its logarithm."""
    return isinstance(domain, LogUniform | LogWhole)


def places(domain: Choice) -> Mapping[object, int]:
    """Returns the place of each value of a choice as the trials' column holds it: numbers in their order."""
    listed = option_column(domain, list(domain.values)).to_pylist()
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in listed):
        listed = sorted(listed)
    return {value: place for place, value in enumerate(dict.fromkeys(listed))}


def _numbers(name: str, domain: Domain, values: Sequence[object]) -> tuple[list[Feature], list[Floats]]:
    if isinstance(domain, Subset):
        elements = [str(value) for value in domain.values]
        features = [Feature(name, 0.0, 1.0, (f"without {one}", f"with {one}")) for one in elements]
        return features, [_filled(values, lambda text, one=one: float(_has(str(text), one))) for one in elements]
    if isinstance(domain, Choice):
        known = places(domain)
        ordered = not any(isinstance(value, str) for value in known)
        feature = Feature(name, 0.0, max(1.0, len(known) - 1.0), tuple(known), ordered)
        return [feature], [_filled(values, lambda value: float(known.get(value, math.nan)))]
    scale = math.log10 if logarithmic(domain) else float
    return [Feature(name, scale(domain.low), scale(domain.high))], [_filled(values, scale)]


def _has(text: str, element: str) -> bool:
    # An element that has a "+" itself is looked for as it stands.
    return element in text if "+" in element else element in text.split("+")


def _filled(values: Sequence[object], number: object) -> Floats:
    return np.array([math.nan if value is None else number(value) for value in values], dtype=np.float64)  # type: ignore[operator]
