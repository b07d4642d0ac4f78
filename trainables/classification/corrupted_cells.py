"""Corrupted images with their classes, cell by cell: our own of a split, or those of a set of the library."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainables.classification.batches import LabelledImages
from trainables.corrupted_sets import CorruptedSets
from trainables.corruption_steps import corrupted_name
from trainables.data import corrupted
from trainables.data.corrupted_images import read_cell
from trainables.data.facts import facts_of
from trainables.preparation import Inputs


class LabelledSets(CorruptedSets):
    """Corrupted images of a split with their classes, by corruption and severity, mapped and not copied."""

    def __call__(self, corruption: str, severity: int) -> LabelledImages:
        """The images of one cell.

        Raises:
            TrainableError: SET_MISSING, where there are none.
        """
        found = self.cell(corruption, severity)
        return LabelledImages(found.images, found.labels)


def split_images(told: Mapping[str, Any], inputs: Inputs) -> "LabelledSets | LibraryImages":
    """The corrupted images that a step of kind `baseline-errors` measured the baseline on.

    Args:
        told: the arguments of that step.
        inputs: with the steps that it reads.

    Raises:
        TrainableError: DATA_INVALID, DATA_CORRUPT, where images of the library do not fit the data.
    """
    if told["from_library"]:
        return LibraryImages(inputs.folder(corrupted.KIND), facts_of(inputs.folder("data")))
    return LabelledSets({name: inputs.folder(corrupted_name(told["split"], name)) for name in told["corruptions"]})


class LibraryImages:
    """A corrupted test set of the library, with the classes of a data set; a cell is read when it is asked for.

    Args:
        folder: the set.
        data: `data.json` of the data set.

    Raises:
        TrainableError: DATA_INVALID, DATA_CORRUPT.
    """

    def __init__(self, folder: Path, data: Mapping[str, Any]) -> None:
        self._folder = folder
        facts = corrupted.facts_in(folder)
        self._fit = corrupted.fit(facts, data)
        self._images = facts.images - self._fit.left_out

    def __call__(self, corruption: str, severity: int) -> LabelledImages:
        """The images of one cell."""
        cell = read_cell(self._folder, corruption, severity, self._fit)
        return LabelledImages(cell.images, cell.labels)

    def sources(self, corruption: str, severity: int) -> tuple[str, ...]:
        """Names of the source images of a cell, the same and in the same order in every cell."""
        return read_cell(self._folder, corruption, severity, self._fit).sources

    def __len__(self) -> int:
        """Images of a cell."""
        return self._images
