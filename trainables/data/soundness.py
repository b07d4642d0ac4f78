"""What a data set must keep to before anything is trained on it."""

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch

from trainables.data.images import ImageSet, read_images
from trainables.errors import TrainableError

LINEAGE: Final = "lineage"
_NEEDED: Final = ("train", "validation")


def check_data(directory: Path) -> Mapping[str, int]:
    """Images of each split of a built data set whose splits are lawful and share no lineage.

    Args:
        directory: with `data.json` and one `.arrow` file for each split.

    Raises:
        TrainableError: DATA_INVALID: a split is missing or empty, there is one class only, a class has no training
            image, a label is no class, a lineage column is missing, or two splits share a value of one.
    """
    facts = json.loads((directory / "data.json").read_text())
    splits = {file.stem: read_images(file) for file in sorted(directory.glob("*.arrow"))}
    counts = {name: len(split) for name, split in splits.items()}
    _check_counts(counts)
    _check_classes(facts["classes"], splits)
    for column in lineage_columns(facts):
        _check_lineage(column, splits)
    return counts


def lineage_columns(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Columns whose values are sources of an image: `lineage`, and those that `data.json` names besides."""
    return (LINEAGE, *facts.get("lineage_columns", ()))


def lineage_values(images: ImageSet, column: str) -> Sequence[Any]:
    """Values of one lineage column, one for each image.

    Raises:
        TrainableError: DATA_INVALID, where the file lacks it.
    """
    if column == LINEAGE:
        return images.lineage
    if column not in images.columns:
        raise TrainableError(
            "DATA_INVALID", f"data.json names the lineage column {column!r}, which a split lacks; build the data anew"
        )
    values: list[Any] = images.columns[column].to_pylist()
    return values


def _check_counts(counts: Mapping[str, int]) -> None:
    told = ", ".join(f"{name} {count}" for name, count in counts.items())
    for name in (*_NEEDED, *counts):
        if not counts.get(name):
            raise TrainableError("DATA_INVALID", f"the split {name} has no image ({told}); add images to it")


def _check_classes(classes: Sequence[str], splits: Mapping[str, ImageSet]) -> None:
    if len(classes) < 2:
        raise TrainableError("DATA_INVALID", f"{len(classes)} class: {classes}; a classifier needs two at least")
    for name, split in splits.items():
        if int(split.labels.min()) < 0 or int(split.labels.max()) >= len(classes):
            raise TrainableError("DATA_INVALID", f"{name}: a label is none of the {len(classes)} classes")
    counts = torch.bincount(splits["train"].labels, minlength=len(classes)).tolist()
    absent = [repr(classes[label]) for label, count in enumerate(counts) if not count]
    if absent:
        shown = ", ".join(absent[:5]) + (", ..." if len(absent) > 5 else "")
        raise TrainableError(
            "DATA_INVALID",
            f"{len(absent)} of {len(classes)} classes have no training image: {shown}; add images or leave them out",
        )


def _check_lineage(column: str, splits: Mapping[str, ImageSet]) -> None:
    values = {name: set(lineage_values(split, column)) for name, split in splits.items()}
    for one, other in itertools.combinations(values, 2):
        shared = values[one] & values[other]
        if shared:
            raise TrainableError(
                "DATA_INVALID",
                f"{one} and {other} share {len(shared)} values of {column}, as {min(map(str, shared))!r}: what is "
                "trained on would score; split by source",
            )
