"""What an evaluation says of trials under corruptions: a table, columns, notes, and every error rate as a row."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
from rich.box import SIMPLE_HEAD
from rich.table import Table

from analysis.evaluated import BASELINE
from robustune.relative import counted
from trainables.corruption_overlaps import EXTRA, GROUPS

GROUP_OF: Final = {name: group for group, names in GROUPS.items() for name in names}
"""The group of each corruption."""
_MEANS: Final = {
    "mce": {"unseen": "mCE\nunseen", "all": "mCE\nall", "without_overlap": "mCE without\noverlap"},
    "relative_mce": {"unseen": "relative\nunseen"},
}

Told = Mapping[int, Mapping[str, Any]]
"""What the evaluation of each trial says under corruptions, by the trial's number."""


def under_corruptions(told: Mapping[int, Mapping[str, Any]]) -> dict[int, Mapping[str, Any]]:
    """Returns what each evaluation says under corruptions; nothing where the study has no relative metric."""
    return {number: one["corruption"] for number, one in told.items() if "corruption" in one}


def table(told: Told) -> Table:
    """The mean corruption errors of each trial, and the error of each group; "-" where there is none to be had."""
    shown = Table(box=SIMPLE_HEAD, show_edge=False, padding=0)  # a column of space comes of the box: fits 80 columns
    shown.add_column("trial", justify="right", vertical="bottom")
    groups = [group for group in GROUPS if group in _first(told)["groups"]]
    for head in (*(head for heads in _MEANS.values() for head in heads.values()), *(f"CE\n{name}" for name in groups)):
        shown.add_column(head, justify="right", vertical="bottom")
    for number, one in told.items():
        means = [one[metric][name] for metric, heads in _MEANS.items() for name in heads]
        shown.add_row(str(number), *map(shown_or_dash, (*means, *(one["groups"].get(group) for group in groups))))
    return shown


def notes(told: Told) -> list[str]:
    """What must be known to read the table: the baseline, the images, what the search saw, and what overlaps."""
    one = _first(told)
    baseline = one["baseline"]
    names = baseline["corruptions"]
    cells = [rate for row in baseline["errors"] for rate in row]
    severities = ", ".join(map(str, baseline["severities"]))
    lines = [
        f"under corruptions: {one['source']}, {one['images']:,} for each of "
        f"{counted(len(names), 'corruption')} and severities {severities}; relative to the baseline, whose clean error "
        f"is {baseline['clean']:.4f} and mean error under them {sum(cells) / len(cells):.4f}",
        seen(one["seen"], "mCE"),
    ]
    if found := {name: why for name, why in one["overlap"].items() if name in names}:
        lines.append(f"overlap: trials may train with what resembles {_resembling(found)}")
    if one["flawless"]:
        lines.append(f"the baseline makes no error under {', '.join(one['flawless'])}: nothing is relative to that")
    if one["harmless"]:
        lines.append(
            f"nothing is added to the baseline's clean error by {', '.join(one['harmless'])}: "
            "left out of relative means"
        )
    return lines


def columns(told: Told) -> dict[str, pa.Array]:
    """Returns the scores as columns with a row for each trial: the means, each corruption's and each group's."""
    first = _first(told)
    found: dict[str, list[float | None]] = {}
    for metric in ("mce", "relative_mce"):
        for name in first[metric]:
            found[f"corruption.{metric}_{name}"] = [one[metric][name] for one in told.values()]
    for kind, part in (("ce", "ce"), ("group", "groups")):
        for name in first[part]:
            found[f"corruption.{kind}.{name}"] = [one[part].get(name) for one in told.values()]
    return {name: pa.array(values, pa.float64()) for name, values in found.items()}


def errors(told: Told) -> pa.Table:
    """Returns every error rate as a row, those of the baseline under trial -1.

    Columns: trial, corruption, group, severity, error, baseline_error, seen (whether the search measured it), overlap
    (what trials may train with that resembles it, and why; "" for nothing).
    """
    first = _first(told)
    base = _rates(first["baseline"])
    tables = {BASELINE: first["baseline"], **{number: one["table"] for number, one in told.items()}}
    rows = [
        {
            "trial": number,
            "corruption": name,
            "group": GROUP_OF[name],
            "severity": severity,
            "error": rate,
            "baseline_error": base[name, severity],
            "seen": name in first["seen"],
            "overlap": "; ".join(f"{what}: {why}" for what, why in first["overlap"].get(name, {}).items()),
        }
        for number, one in tables.items()
        for (name, severity), rate in _rates(one).items()
    ]
    return pa.Table.from_pylist(rows, schema=_SCHEMA)


def said(told: Told) -> dict[str, Any]:
    """Returns what is the same for all trials, and every clean error by the trial's number (-1: the baseline)."""
    first = _first(told)
    clean = {BASELINE: first["baseline"]["clean"], **{number: one["table"]["clean"] for number, one in told.items()}}
    kept = ("seen", "overlap", "flawless", "harmless", "images", "source")
    return {**{name: first[name] for name in kept}, "clean_errors": clean}


def seen(names: Sequence[str], score: str) -> str:
    """What the search measured its trials under, and so what the score of the others is a mean over."""
    extra = ", the four extra ones" if sorted(names) == sorted(EXTRA) else ""
    return f"the search saw {', '.join(names)}{extra}; {score} unseen is over all the others"


def shown_or_dash(value: float | None) -> str:
    """Four digits of a score, or "-" where there is none to be had."""
    return "-" if value is None else f"{value:.4f}"


_SCHEMA: Final = pa.schema(
    {
        "trial": pa.int64(),
        "corruption": pa.string(),
        "group": pa.string(),
        "severity": pa.int64(),
        "error": pa.float64(),
        "baseline_error": pa.float64(),
        "seen": pa.bool_(),
        "overlap": pa.string(),
    }
)


def _first(told: Told) -> Mapping[str, Any]:
    return next(iter(told.values()))


def _rates(plain: Mapping[str, Any]) -> dict[tuple[str, int], float]:
    return {
        (name, severity): rate
        for name, row in zip(plain["corruptions"], plain["errors"], strict=True)
        for severity, rate in zip(plain["severities"], row, strict=True)
    }


def _resembling(found: Mapping[str, Mapping[str, str]]) -> str:
    return "; ".join(f"{name} ({', '.join(why)})" for name, why in found.items())
