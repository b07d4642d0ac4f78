"""What the evaluation of a trainer's trials shows and leaves: each trainer's report has the same parts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
from rich.table import Table

Told: TypeAlias = Mapping[int, Mapping[str, Any]]
"""What the evaluation of each trial says, by the trial's number; at least one."""
FolderOf: TypeAlias = Callable[[int], Path]
"""Where the store has the evaluation of a trial, by its number."""


@dataclass(frozen=True)
class Shown:
    """A table for the terminal, and the lines that must be known to read it."""

    table: Table
    notes: Sequence[str]


@dataclass(frozen=True)
class Report:
    """How a trainer's evaluations are told.

    Attributes:
        columns: of `evaluation.parquet`, a row for each trial.
        said: metadata of every table, as text.
        files: further tables by file name.
        shown: what the terminal shows, part by part.
    """

    columns: Callable[[Told], dict[str, pa.Array]]
    said: Callable[[Told], dict[str, str]]
    files: Callable[[Told, FolderOf], dict[str, pa.Table]]
    shown: Callable[[Told], list[Shown]]


def by_split(told: Told, kinds: Mapping[str, pa.DataType], splits: Sequence[str]) -> dict[str, pa.Array]:
    """Returns columns `SCORE.SPLIT` with a row for each trial, of the splits that some trial has; null elsewhere.

    Args:
        told: `told[trial][score][split]`.
        kinds: the type of each score.
        splits: in the order of the columns.
    """
    found = {}
    for score, kind in kinds.items():
        there = {split for one in told.values() for split in one[score]}
        for split in (split for split in splits if split in there):
            found[f"{score}.{split}"] = pa.array([one[score].get(split) for one in told.values()], kind)
    return found
