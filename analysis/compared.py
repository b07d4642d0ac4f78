"""The studies of a comparison, read and sorted into methods: studies that differ in name and seed alone are one."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import pyarrow as pa

from analysis import records, sources
from analysis.front import Floats, eligible, front, scores
from analysis.wording import visible
from search_spaces.study import Study

Apart = Literal["none", "folders", "studies"]
METHODS_MOST: Final = 6
"""Methods that colours tell apart."""


class Incomparable(Exception):
    """Studies that cannot be compared as asked; the message says which, and why."""

    def __init__(self, message: str) -> None:
        super().__init__(visible(message))


@dataclass(frozen=True)
class Searched:
    """One study with its trials, as `analysis.records.trials` gives them, and where it is recorded.

    `begun` is the study as it was searched, `study` the same with the objectives that it is compared by.
    """

    study: Study
    trials: pa.Table
    place: str
    begun: Study

    @property
    def told(self) -> Mapping[str, Any]:
        """What its tables mean nothing without, as `analysis.records.context` says."""
        found: dict[str, Any] = json.loads(self.trials.schema.metadata[records.CONTEXT_KEY])
        return found

    @cached_property
    def front(self) -> Floats:
        """(n, m) scores of its front, that of the objectives that it is compared by."""
        return scores(front(self.trials, self.study), self.study)

    @cached_property
    def candidates(self) -> Floats:
        """(n, m) scores of the trials that may stand on it."""
        return scores(self.trials, self.study)[eligible(self.trials, self.study)]

    @property
    def ended(self) -> int:
        """Trials that ended in any way."""
        return sum(state != "running" for state in self.trials["state"].to_pylist())


@dataclass(frozen=True)
class Method:
    """Studies that differ in nothing but name and seed: searches of one method."""

    name: str
    searches: tuple[Searched, ...]

    @property
    def fronts(self) -> list[Floats]:
        """The front of each search."""
        return [one.front for one in self.searches]


def read(place: str, name: str | None = None) -> Searched:
    """Returns the study that is recorded at a place.

    Args:
        place: its folder, a Parquet file of its trials, or a tracking URI.
        name: of the study, where MLflow has several.

    Raises:
        LedgerError: there is no such study, or its record cannot be read.
        Unreachable: MLflow does not answer.
    """
    with sources.opened(place, name) as folder:
        trials = records.trials(folder)
    context = json.loads(trials.schema.metadata[records.CONTEXT_KEY])
    study = Study.from_json(json.dumps(context["study"]))
    return Searched(study, trials, sources.told(place), study)


def methods(searched: Sequence[Searched], apart: Apart = "none") -> tuple[Method, ...]:
    """Returns the methods of the studies in the order of their first study, the searches of each by seed.

    Args:
        searched: at least one.
        apart: what else makes another method: another folder of results, or every study by itself.

    Raises:
        Incomparable: a study is given twice, or with one seed twice in a method; or there are too many methods.
    """
    groups: dict[str, list[Searched]] = {}
    for place, one in enumerate(searched):
        groups.setdefault(_group(one, place, apart), []).append(one)
    _check_places(searched)
    for group in groups.values():
        _check_seeds(group)
    if len(groups) > METHODS_MOST:
        raise Incomparable(f"{len(groups)} methods: colours tell {METHODS_MOST} at most apart; give fewer studies")
    every = list(groups.values())
    return tuple(
        Method(name, tuple(sorted(group, key=lambda one: one.study.seed)))
        for name, group in zip(_names(every), every, strict=True)
    )


def _group(one: Searched, place: int, apart: Apart) -> str:
    if apart == "studies":
        return str(place)
    content = one.begun.override(seed=0).digest
    return f"{content} {_parent(one.place)}" if apart == "folders" else content


def _parent(place: str) -> str:
    """The folder of results that a study's folder or Parquet file lies in; a tracking URI is one by itself."""
    return place if sources.is_tracking(place) else str(sources.home(place).resolve().parent)


def _check_places(searched: Sequence[Searched]) -> None:
    seen: set[tuple[str, str, int]] = set()
    for one in searched:
        where = one.place if sources.is_tracking(one.place) else str(sources.home(one.place).resolve())
        key = (where, one.study.name, one.study.seed)
        if key in seen:
            raise Incomparable(f"{one.place}: {one.study.name} is given twice; give each study once")
        seen.add(key)


def _check_seeds(group: Sequence[Searched]) -> None:
    seen: dict[int, Searched] = {}
    for one in group:
        other = seen.setdefault(one.study.seed, one)
        if other is not one:
            raise Incomparable(
                f"{other.place} and {one.place} hold the same study with the same seed, {one.study.seed}, so they are "
                "not two seeds of one method; --apart folders compares results folders, --apart studies each by itself"
            )


def _names(groups: Sequence[Sequence[Searched]]) -> list[str]:
    """A name for each group: of its studies where that tells them apart, else also by seed or folder."""
    plain = [_stem([one.study.name for one in group]) for group in groups]
    for more in (lambda group: "", _seed, *(_tail(parts) for parts in range(1, 5))):
        names = [
            f"{name}{more(group)}" if plain.count(name) > 1 else name for name, group in zip(plain, groups, strict=True)
        ]
        if len(set(names)) == len(names):
            return names
    return [f"{name} ({place})" for place, name in enumerate(plain, start=1)]


def _stem(names: Sequence[str]) -> str:
    """What the names of one method's studies begin with, up to a sign between words; the first name for nothing."""
    split = [re.split(r"([._-])", name) for name in names]
    shared = []
    for parts in zip(*split, strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return names[0] if len(set(names)) == 1 else "".join(shared).rstrip("._-") or names[0]


def _seed(group: Sequence[Searched]) -> str:
    return f", seed {group[0].study.seed}" if len(group) == 1 else ""


def _tail(parts: int) -> Callable[[Sequence[Searched]], str]:
    """Names the last parts of the folder of results."""
    return lambda group: f" in {'/'.join(Path(_parent(group[0].place)).parts[-parts:])}"
