"""What an evaluation says of segmentation trials under corruptions of test images: a table, notes, columns and rows."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
from rich.box import SIMPLE_HEAD
from rich.table import Table

from robustune.corruption_evaluation import GROUP_OF, seen, shown_or_dash
from robustune.evaluation_reports import Told
from robustune.relative import counted
from trainables.corruption_overlaps import GROUPS
from trainables.segmentation.measured import MOVING

_MEANS: Final = ("unseen", "all")
_SCHEMA: Final = pa.schema(
    {
        "trial": pa.int64(),
        "corruption": pa.string(),
        "group": pa.string(),
        "severity": pa.int64(),
        "miou": pa.float64(),
        "seen": pa.bool_(),
    }
)


def table(told: Told) -> Table:
    """Mean IoU of each trial on the clean images, under unseen and all corruptions, and under each group of them."""
    shown = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))  # fits 80 columns
    groups = {group: [name for name in names if name in _first(told)["by"]] for group, names in GROUPS.items()}
    heads = ("clean", *_MEANS, *groups)
    shown.add_column("trial", justify="right", vertical="bottom")
    for head in heads:
        shown.add_column(f"mIoU\n{head}", justify="right", vertical="bottom")
    for number, one in told.items():
        means = [one["clean"], *(one["mean"][which] for which in _MEANS)]
        of_groups = (_mean([one["by"][name] for name in names]) for names in groups.values())
        shown.add_row(str(number), *map(shown_or_dash, (*means, *of_groups)))
    return shown


def notes(told: Told) -> list[str]:
    """What must be known to read the table: the images, what the search saw, and what no network can be right about."""
    one = _first(told)
    severities = ", ".join(map(str, one["severities"]))
    lines = [
        f"under corruptions: the first {counted(one['images'], 'test image')}, with clean weights, for each of "
        f"{counted(len(one['by']), 'corruption')} and severities {severities}; clean is of the "
        "same images uncorrupted",
        seen(one["seen"], "mIoU"),
    ]
    if moving := [name for name in MOVING if name in one["by"]]:
        lines.append(f"masks are those of the clean images; {', '.join(moving)} move what is seen away from them")
    return lines


def columns(told: Told) -> dict[str, pa.Array]:
    """Returns the means, that of the clean images and each corruption's as columns with a row for each trial."""
    found = {f"miou_{which}": [one["mean"][which] for one in told.values()] for which in _MEANS}
    found["miou_clean"] = [one["clean"] for one in told.values()]
    for name in _first(told)["by"]:
        found[f"miou.{name}"] = [one["by"][name] for one in told.values()]
    return {f"corruption.{name}": pa.array(values, pa.float64()) for name, values in found.items()}


def rows(told: Told) -> pa.Table:
    """Returns the mean IoU of each cell as a row: trial, corruption, group, severity, miou, seen (by the search)."""
    found = [
        {
            "trial": number,
            "corruption": name,
            "group": GROUP_OF[name],
            "severity": severity,
            "miou": miou,
            "seen": name in one["seen"],
        }
        for number, one in told.items()
        for name, values in one["cells"].items()
        for severity, miou in zip(one["severities"], values, strict=True)
    ]
    return pa.Table.from_pylist(found, schema=_SCHEMA)


def said(told: Told) -> dict[str, Any]:
    """Returns what is the same for all trials: how many images there are, and what the search saw."""
    return {name: _first(told)[name] for name in ("images", "seen")}


def _first(told: Told) -> Mapping[str, Any]:
    return next(iter(told.values()))


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there and len(there) == len(values) else None
