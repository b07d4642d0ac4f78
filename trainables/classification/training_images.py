"""Which training images a study uses, where it does not use all."""

import heapq
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trainables.data.facts import facts_of
from trainables.data.store import read_images
from trainables.errors import TrainableError
from trainables.preparation import Inputs
from trainables.seeds import generator


def build_training_images(arguments: Mapping[str, Any], inputs: Inputs, directory: Path) -> dict[str, Any]:
    """Counts the training images used, so that a number that cannot be had is known before any training.

    Raises:
        TrainableError: OPTION_INVALID, as `training_rows`.
    """
    data = inputs.folder("data")
    rows = training_rows(data, arguments["training_images"])
    labels = read_images(data / "train.arrow").labels
    used = torch.bincount(labels[rows], minlength=len(facts_of(data)["classes"]))
    counts = {"images": len(rows), "of": len(labels)}
    return {**counts, "fewest_of_a_class": int(used.min()), "most_of_a_class": int(used.max())}


def training_rows(data: Path, count: int) -> Tensor:
    """(n,) int64 ascending rows of the training images used: whole lineages, of every class alike, nested in `count`.

    A function of the data and `count` alone: every study that uses as many uses the same. More images are those of a
    smaller count and others besides. Classes differ by one lineage's images at most, but for those that run out.

    Args:
        data: folder of the data set.
        count: images wanted; the last lineage is cut where it would be more. 0 takes all.

    Raises:
        TrainableError: OPTION_INVALID, where there are fewer, or fewer are asked for than there are classes.
    """
    split = read_images(data / "train.arrow")
    if count == 0:
        return torch.arange(len(split))
    classes = len(facts_of(data)["classes"])
    if not classes <= count <= len(split):
        raise TrainableError(
            "OPTION_INVALID",
            f"training_images: {count} of {len(split)} training images of {classes} classes; "
            f"set a number from {classes} to {len(split)}, or 0 for all",
        )
    return torch.tensor(_in_order(split.labels.tolist(), split.lineage)[:count]).sort().values


def _in_order(labels: Sequence[int], lineage: Sequence[str]) -> list[int]:
    """Every row, lineage by lineage; the next one is of the class with the fewest rows so far."""
    groups: dict[str, list[int]] = {}
    for row, name in enumerate(lineage):
        groups.setdefault(name, []).append(row)
    drawn = torch.randperm(len(groups), generator=generator("training images")).tolist()
    shuffled = list(groups.values())
    waiting: dict[int, list[list[int]]] = {}
    for index in drawn:
        waiting.setdefault(labels[shuffled[index][0]], []).append(shuffled[index])
    fewest = [(0, label) for label in sorted(waiting)]
    rows: list[int] = []
    while fewest:
        taken, label = heapq.heappop(fewest)
        group = waiting[label].pop()
        rows += group
        if waiting[label]:
            heapq.heappush(fewest, (taken + len(group), label))
    return rows
