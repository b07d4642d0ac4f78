"""Sorts the trials of studies of one knob into arms: what is drawn as one, and what beside each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from analysis.knobs import Knob, NotDrawable, check_drawn, knobs, pairs
from analysis.measuring import Ways, ways_of
from analysis.wording import visible
from search_spaces.study import Study


@dataclass(frozen=True)
class Recorded:
    """A study with its tables, as `analysis.records.trials` and `analysis.records.epochs` give them."""

    study: Study
    trials: pa.Table
    epochs: pa.Table


@dataclass(frozen=True)
class Trained:
    """One trial of an arm: its value's place among the knob's, its row, and the rows of its epochs in order."""

    place: int
    row: Mapping[str, Any]
    epochs: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Arm:
    """Trials that differ in the knob and the seed alone.

    Attributes:
        title: which study, and which value of the second knob; "" where there is nothing to tell apart.
        tried: places of the values that the study tries in this arm.
        trials: by number, those of one seed after those of another.
        ways: in which their scores were measured.
    """

    title: str
    tried: frozenset[int]
    trials: tuple[Trained, ...]
    ways: Ways


def arms(recorded: Sequence[Recorded]) -> tuple[Knob, tuple[Arm, ...]]:
    """Returns the knob with the values of all studies, and an arm for each study and value of a second knob.

    Studies that differ in nothing but their seed are one.

    Raises:
        NotDrawable: a study has neither one knob nor one and a second of named values, or two have different ones.
    """
    found = [_knobs(one.study) for one in recorded]
    _check_same(recorded, found)
    knob = _merged([main for main, _ in found])
    second = _merged([other for _, other in found if other]) if found[0][1] else None
    made = []
    for group in _replicates(recorded):
        name = [visible(group[0].study.name)] if len(_replicates(recorded)) > 1 else []
        for place, value in enumerate(second.values if second else [None]):
            told = [f"{second.label}: {second.written[place]}"] if second else []
            trials = tuple(one for part in group for one in _trained(part, knob, second, value))
            tried = _tried(group[0].study, knob, second, value)
            made.append(Arm(", ".join(name + told), tried, trials, ways_of(group[0].epochs)))
    return knob, tuple(made)


def _knobs(study: Study) -> tuple[Knob, Knob | None]:
    """The knob whose values are compared, and the one that splits them: the one with fewer names of two."""
    names = ", ".join(study.space)
    if len(study.space) > 2:
        raise NotDrawable(
            study,
            f"lines and bars show one knob, and a second one of named values, and this study "
            f"searches {len(study.space)}: {names}; draw it with `python -m analysis.plot_front`",
        )
    known = knobs(study)
    if len(known) == 1:
        return known[0], None
    named = sorted((knob for knob in known if knob.categorical), key=lambda knob: len(knob.values))
    if not named:
        raise NotDrawable(
            study,
            f"both of its knobs, {names}, are sizes, and lines and bars show one alone or with a second one of named "
            "values; draw it with `python -m analysis.plot_grid`",
        )
    return next(knob for knob in known if knob is not named[0]), named[0]


def _check_same(recorded: Sequence[Recorded], found: Sequence[tuple[Knob, Knob | None]]) -> None:
    names = [" and ".join(knob.name for knob in pair if knob) for pair in found]
    for one, pair, name in zip(recorded, found, names, strict=True):
        if name != names[0]:
            raise NotDrawable(
                one.study,
                f"it searches {name}, and {recorded[0].study.name} searches {names[0]}; only studies of the same knobs "
                "are drawn beside each other",
            )
        check_drawn(one.trials, [knob for knob in pair if knob], one.study)


def _merged(same: Sequence[Knob]) -> Knob:
    """The first knob with the values that only others have, sizes in their order where each has them so."""
    values = tuple(dict.fromkeys(value for knob in same for value in knob.values))
    sizes = [[value for value in knob.values if value is not None] for knob in same]
    if not same[0].categorical and all(one == sorted(one) for one in sizes):
        values = (*sorted({value for one in sizes for value in one}), *(value for value in values if value is None))
    return replace(same[0], values=values)


def _replicates(recorded: Sequence[Recorded]) -> list[tuple[Recorded, ...]]:
    groups: dict[str, list[Recorded]] = {}
    for one in recorded:
        groups.setdefault(one.study.override(seed=0).digest, []).append(one)
    return [tuple(group) for group in groups.values()]


def _trained(one: Recorded, knob: Knob, second: Knob | None, at: Any) -> list[Trained]:
    epochs: dict[int, list[Mapping[str, Any]]] = {}
    for row in one.epochs.to_pylist():
        epochs.setdefault(row["trial"], []).append(row)
    return [
        Trained(knob.values.index(row[f"options.{knob.name}"]), row, tuple(epochs.get(row["number"], ())))
        for row in one.trials.to_pylist()
        if second is None or row[f"options.{second.name}"] == at
    ]


def _tried(study: Study, knob: Knob, second: Knob | None, at: Any) -> frozenset[int]:
    own = _knobs(study)[0].values
    if second is not None:
        first = next(iter(study.space)) == knob.name
        meant = pairs(study)
        own = tuple(value for value in own if ((value, at) if first else (at, value)) in meant)
    return frozenset(knob.values.index(value) for value in own)
