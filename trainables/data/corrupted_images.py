"""Reads images of a corrupted test set, one corruption at one severity at a time, with the classes of a data set."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from trainables.data.corrupted import CorruptedFacts, Fit, facts_in
from trainables.data.images import ImageSet, read_images
from trainables.data.manifest import corrupt


@dataclass(frozen=True)
class Cell:
    """The images of one corruption at one severity.

    Attributes:
        images: (n, C, H, W) uint8; a view of a read-only mapping where no class is left out, so never written in place.
        labels: (n,) int64, classes of the data set.
        sources: n names of source images, the same and in the same order in every cell.
    """

    images: Tensor
    labels: Tensor
    sources: tuple[str, ...]


def read_cell(folder: Path, corruption: str, severity: int, fit: Fit) -> Cell:
    """The images under a corruption at a severity that have a class of the data set.

    Args:
        folder: the result of the step `trainables.data.corrupted.corrupted_step`.
        corruption: one that the set has.
        severity: one that the set has.
        fit: of `trainables.data.corrupted.fit`.

    Raises:
        TrainableError: CACHE_CORRUPT.
        ValueError: the set has no such corruption or severity.
    """
    facts = facts_in(folder)
    if corruption not in facts.corruptions or severity not in facts.severities:
        raise ValueError(f"{corruption} at severity {severity}: the set has {facts.corruptions} at {facts.severities}")
    everything = read_images(folder / f"{corruption}.arrow")
    _check(everything, facts, folder / f"{corruption}.arrow")
    start = facts.severities.index(severity) * facts.images
    rows = slice(start, start + facts.images)
    images, sources = everything.images[rows], everything.lineage[rows]
    labels = torch.tensor(fit.labels, dtype=torch.int64)[everything.labels[rows]]
    if min(fit.labels) >= 0:
        return Cell(images, labels, sources)
    taken = (labels >= 0).nonzero().squeeze(1)
    return Cell(images.index_select(0, taken), labels[taken], tuple(sources[row] for row in taken.tolist()))


def check_cells(folder: Path, facts: CorruptedFacts) -> None:
    """Holds every file of a corrupted test set to what its `data.json` says, without reading pixels.

    Raises:
        TrainableError: CACHE_CORRUPT.
    """
    first: ImageSet | None = None
    for corruption in facts.corruptions:
        path = folder / f"{corruption}.arrow"
        images = read_images(path)
        _check(images, facts, path)
        first = first or images
        if images.lineage != first.lineage or not torch.equal(images.labels, first.labels):
            raise corrupt(str(path), "other source images than under the first corruption", "add the set again")


def _check(images: ImageSet, facts: CorruptedFacts, path: Path) -> None:
    severities = images.columns["severity"].to_pylist() if "severity" in images.columns else []
    wanted = [level for level in facts.severities for _ in range(facts.images)]
    labels = images.labels
    lawful = severities == wanted and int(labels.min()) >= 0 and int(labels.max()) < len(facts.classes)
    if not lawful or tuple(images.images.shape[1:]) != facts.image_shape:
        raise corrupt(str(path), "not the corrupted images that its data.json tells of", "add the set again")
