"""The objectives that studies are compared by: their own where they are the same, or those that a user names."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from analysis.compared import Incomparable, Searched
from analysis.measuring import way_at, ways_of
from analysis.wording import shown
from search_spaces.study import Objective, Study


def parsed(text: str | None) -> dict[str, float | None]:
    """Returns the objectives that a user names, "clean_accuracy,mce=1.5", each with its reference or None.

    Raises:
        Incomparable: a name is empty or comes twice, or a reference is no finite number.
    """
    found: dict[str, float | None] = {}
    for part in text.split(",") if text is not None else ():
        name, equals, number = (piece.strip() for piece in part.partition("="))
        if not name or name in found:
            raise Incomparable(f"--objectives {text!r}: expected names with commas between them, each once")
        try:
            reference = float(number) if equals else None
        except ValueError:
            reference = math.nan
        if reference is not None and not math.isfinite(reference):
            raise Incomparable(f"--objectives {part.strip()!r}: expected NAME=REFERENCE with a finite number")
        found[name] = reference
    return found


def agreed(searched: Sequence[Searched], asked: Mapping[str, float | None]) -> tuple[Searched, ...]:
    """Returns the studies with the objectives that they are compared by, the same in all of them.

    Args:
        searched: at least one.
        asked: as `parsed` gives them; none for those of the studies, which must then be the same.

    Raises:
        Incomparable: the studies' data, objectives, goals, references or ways of measuring differ, or one of them does
            not record a metric.
    """
    names = list(dict.fromkeys(one.study.data for one in searched))
    if len(names) > 1:
        told = ", ".join(f"{one.study.name} of {one.study.data}" for one in searched)
        raise Incomparable(f"the studies are of different data, so their scores cannot be compared: {told}")
    objectives = _asked(searched, asked) if asked else _same(searched)
    for one in objectives:
        _check_measured_alike(searched, one.metric)
    return tuple(replace(one, study=replace(one.study, objectives=objectives)) for one in searched)


def _same(searched: Sequence[Searched]) -> tuple[Objective, ...]:
    first = searched[0].study.objectives
    wanted = {(one.metric, one.goal, one.reference) for one in first}
    for other in searched[1:]:
        theirs = {(one.metric, one.goal, one.reference) for one in other.study.objectives}
        if theirs != wanted:
            raise Incomparable(_differing(searched[0].study, other.study))
    return first


def _differing(one: Study, other: Study) -> str:
    told = "; ".join(f"{study.name} has {', '.join(map(_objective, study.objectives))}" for study in (one, other))
    ours, theirs = ({part.metric: part for part in study.objectives} for study in (one, other))
    shared = [name for name in ours if name in theirs and ours[name].goal == theirs[name].goal]
    if not shared:
        return f"the studies share no objective: {told}"
    asked = [
        name if ours[name].reference == theirs[name].reference else f"{name}={shown(ours[name].reference)}"
        for name in shared
    ]
    return f"the objectives differ: {told}; compare by what they share with --objectives {','.join(asked)}"


def _objective(one: Objective) -> str:
    return f"{one.metric} ({one.goal}, reference {shown(one.reference)})"


def _asked(searched: Sequence[Searched], asked: Mapping[str, float | None]) -> tuple[Objective, ...]:
    found = []
    for name, reference in asked.items():
        if lacking := [one.study.name for one in searched if name not in one.study.metrics]:
            common = [
                metric for metric in searched[0].study.metrics if all(metric in one.study.metrics for one in searched)
            ]
            there = f"all record {', '.join(common)}" if common else "they record nothing in common"
            raise Incomparable(f"--objectives {name}: not recorded by {', '.join(dict.fromkeys(lacking))}; {there}")
        known = [part for one in searched for part in one.study.objectives if part.metric == name]
        goals, references = ({getattr(part, key) for part in known} for key in ("goal", "reference"))
        if len(goals) != 1:
            what = f"the studies differ in its goal ({', '.join(sorted(goals))})" if goals else "an objective of none"
            raise Incomparable(f"--objectives {name}: {what}; an objective has one goal in all that have it")
        if reference is None and len(references) != 1:
            told = " and ".join(shown(value) for value in sorted(references))
            raise Incomparable(
                f"--objectives {name}: the references differ ({told}); give one, as {name}={told.split()[0]}"
            )
        found.append(Objective(name, goals.pop(), references.pop() if reference is None else reference))
    return tuple(found)


def _check_measured_alike(searched: Sequence[Searched], metric: str) -> None:
    """Complains where two studies say that they measure a metric in different ways; an old ledger says nothing."""
    found: dict[str, str] = {}
    for one in searched:
        found.setdefault(way_at(ways_of(one.trials), metric, one.study.budget.epochs), one.study.name)
    found.pop("", None)
    if len(found) > 1:
        told = "; ".join(f"{name}: {way}" for way, name in found.items())
        raise Incomparable(f"{metric} was measured in different ways, so its scores cannot be compared: {told}")
