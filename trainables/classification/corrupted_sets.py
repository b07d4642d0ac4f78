"""Images of a split under one corruption: their making, and reading them severity by severity."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from trainables.classification.batches import LabelledImages
from trainables.classification.corruption_options import size_complaint
from trainables.classification.corruption_steps import corrupted_name, ice_digest
from trainables.data import corrupted
from trainables.data.corrupted_images import read_cell
from trainables.data.facts import facts_of
from trainables.data.gathering import gathering
from trainables.data.store import read_images, write_images
from trainables.errors import TrainableError
from trainables.perturbations.corruptions import corrupt, read_ice
from trainables.perturbations.corruptions.ice import Ice
from trainables.preparation import Inputs
from trainables.seeds import derive

IMAGES: Final = "images.arrow"
_PIECE: Final = 1024


def build_corrupted(arguments: Mapping[str, Any], inputs: Inputs, directory: Path) -> dict[str, Any]:
    """Writes the first images of a split under one corruption: severity after severity, each in the order of the split.

    What is drawn for an image depends on the study's seed, the split, the corruption, the severity and its row alone,
    so that every trial, and every study of that seed, is measured on the same images.

    Raises:
        TrainableError: DATA_INVALID, where images have a size that no corruption takes; OPTION_INVALID, where the
            pictures of ice are none or changed.
    """
    clean = read_images(inputs.folder("data") / f"{arguments['split']}.arrow")
    if complaint := size_complaint(clean.images.shape[1:]):
        raise TrainableError("DATA_INVALID", complaint)
    severities: Sequence[int] = arguments["severities"]
    count = min(arguments["images"] or len(clean), len(clean))
    ice = _ice(arguments, inputs)
    total = count * len(severities)
    with gathering(directory, total, clean.images.shape[1:]) as images:
        for place, severity in enumerate(severities):
            made = images[place * count : (place + 1) * count]
            _corrupt_into(made, clean.images[:count], arguments, severity, ice)
        rows = torch.arange(count).repeat(len(severities))
        write_images(
            directory / IMAGES,
            images,
            clean.labels[rows],
            list(clean.lineage[:count]) * len(severities),
            severity=torch.tensor(severities).repeat_interleave(count).tolist(),
            row=rows.tolist(),
        )
    return {"images": total, "sources": count, "severities": list(severities)}


def split_images(told: Mapping[str, Any], inputs: Inputs) -> "CorruptedSets | LibraryImages":
    """The corrupted images that a step of kind `baseline-errors` measured the baseline on.

    Args:
        told: the arguments of that step.
        inputs: with the steps that it reads.

    Raises:
        TrainableError: DATA_INVALID, DATA_CORRUPT, where images of the library do not fit the data.
    """
    if told["from_library"]:
        return LibraryImages(inputs.folder(corrupted.KIND), facts_of(inputs.folder("data")))
    return CorruptedSets({name: inputs.folder(corrupted_name(told["split"], name)) for name in told["corruptions"]})


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

    def __len__(self) -> int:
        """Images of a cell."""
        return self._images


class CorruptedSets:
    """Corrupted images by corruption and severity, mapped and not copied.

    Args:
        folders: of the corrupted sets of a split, by corruption.
    """

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._parts = {name: _by_severity(folder) for name, folder in folders.items()}

    def __call__(self, corruption: str, severity: int) -> LabelledImages:
        """The images of one cell.

        Raises:
            TrainableError: SET_MISSING, where there are none.
        """
        found = self._parts.get(corruption, {}).get(severity)
        if found is None:
            raise TrainableError("SET_MISSING", f"there are no images under {corruption} at severity {severity}")
        return found

    def __len__(self) -> int:
        """Images of a cell."""
        return len(next(iter(next(iter(self._parts.values())).values())))


def _by_severity(folder: Path) -> dict[int, LabelledImages]:
    found = read_images(folder / IMAGES)
    # Counted in the order in which severities first come, which is that of their rows.
    counts = Counter(found.columns["severity"].to_pylist())
    sizes = list(counts.values())
    parts = zip(torch.split(found.images, sizes), torch.split(found.labels, sizes), strict=True)
    return {severity: LabelledImages(*part) for severity, part in zip(counts, parts, strict=True)}


def _corrupt_into(made: Tensor, clean: Tensor, arguments: Mapping[str, Any], severity: int, ice: Ice | None) -> None:
    name, seed = arguments["corruption"], arguments["seed"]
    seeds = torch.tensor(
        [derive(seed, "corruption", arguments["split"], name, severity, row) for row in range(len(clean))]
    )
    for start in range(0, len(clean), _PIECE):
        piece = slice(start, start + _PIECE)
        try:
            made[piece] = corrupt(clean[piece], name, severity, seeds[piece], arguments["constants"], ice)
        except ValueError as error:
            raise TrainableError("DATA_INVALID", f"the data's {arguments['split']} images: {error}") from error


def _ice(arguments: Mapping[str, Any], inputs: Inputs) -> Ice | None:
    if not arguments["ice"]:
        return None
    folder = Path(inputs.places["ice"])
    try:
        pictures = read_ice(folder)
        if ice_digest(folder) != arguments["ice"]:
            raise ValueError(f"{folder} changed since this was planned; start again")
    except (OSError, ValueError) as error:
        raise TrainableError("OPTION_INVALID", f"corruption_ice: {error}") from error
    return pictures
