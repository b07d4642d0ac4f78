"""What a data set with masks must keep to before anything is trained on it."""

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from trainables.data.images import ImageSet
from trainables.data.masked_images import IGNORED, MaskedSet, read_masked
from trainables.data.soundness import lineage_columns, lineage_values
from trainables.errors import TrainableError

_NEEDED: Final = ("train", "validation")
_BLOCK: Final = 64
"""Masks that are counted at a time."""
_SHOWN: Final = 5


def check_masked(directory: Path) -> Mapping[str, int]:
    """Images of each split of a built data set whose masks are lawful and whose splits share no lineage.

    Args:
        directory: with `data.json` and one `.arrow` file for each split. A lineage column may hold a list for each
            image, as of the digits of a scene; then every value of it is a source.

    Raises:
        TrainableError: DATA_INVALID: a split is missing, empty or wholly ignored, there is one class only, a class has
            no pixel to train on, a mask's value is no class, a lineage column is missing, or two splits share a value.
    """
    facts = json.loads((directory / "data.json").read_text())
    splits = {file.stem: read_masked(file) for file in sorted(directory.glob("*.arrow"))}
    counts = {name: len(split) for name, split in splits.items()}
    told = ", ".join(f"{name} {count}" for name, count in counts.items())
    for name in (*_NEEDED, *counts):
        if not counts.get(name):
            raise _invalid(f"the split {name} has no image ({told}); add images to it")
    _check_masks(facts["classes"], splits)
    for column in lineage_columns(facts):
        _check_lineage(column, splits)
    return counts


def pixels_by_value(masks: Tensor) -> Tensor:
    """(256,) int64: how many pixels of the masks (N, H, W) have each value."""
    counted = torch.zeros(256, dtype=torch.int64)
    for block in torch.split(masks, _BLOCK):
        counted += torch.bincount(block.flatten(), minlength=256)
    return counted


def _check_masks(classes: Sequence[str], splits: Mapping[str, MaskedSet]) -> None:
    if not 2 <= len(classes) <= IGNORED:
        raise _invalid(f"{len(classes)} classes: {_some(classes)}; masks tell 2 to {IGNORED} apart")
    for name, split in splits.items():
        counted = pixels_by_value(split.masks)
        wrong = [str(value) for value in range(len(classes), IGNORED) if counted[value]]
        if wrong:
            raise _invalid(
                f"{name}: masks have {_some(wrong)}, which are none of the {len(classes)} classes and not {IGNORED}, "
                "which is ignored"
            )
        if not counted[: len(classes)].any():
            raise _invalid(f"{name}: every pixel of its masks is {IGNORED}, which is ignored; nothing can be scored")
        absent = [repr(label) for label, count in zip(classes, counted.tolist(), strict=False) if not count]
        if name == "train" and absent:
            raise _invalid(
                f"{len(absent)} of {len(classes)} classes have no pixel to train on: {_some(absent)}; add images or "
                "leave them out"
            )


def _check_lineage(column: str, splits: Mapping[str, ImageSet]) -> None:
    sources = {name: set(_each(lineage_values(split, column))) for name, split in splits.items()}
    for one, other in itertools.combinations(sources, 2):
        shared = sources[one] & sources[other]
        if shared:
            raise _invalid(
                f"{one} and {other} share {len(shared)} values of {column}, as {min(map(str, shared))!r}: what is "
                "trained on would score; split by source"
            )


def _each(values: Sequence[Any]) -> Iterable[Any]:
    return itertools.chain.from_iterable(value if isinstance(value, list) else [value] for value in values)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


def _invalid(message: str) -> TrainableError:
    return TrainableError("DATA_INVALID", message)
