"""Images of a split under one corruption: their making, and reading them severity by severity."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from trainables.corruption_options import size_complaint
from trainables.corruption_steps import ice_digest
from trainables.data.gathering import gathering
from trainables.data.store import read_images, write_images
from trainables.errors import TrainableError
from trainables.perturbations.corruptions import corrupt, read_ice
from trainables.perturbations.corruptions.ice import Ice
from trainables.preparation import Inputs
from trainables.seeds import derive

IMAGES: Final = "images.arrow"
_PIECE: Final = 1024


@dataclass(frozen=True)
class Cell:
    """The images of a split under one corruption at one severity.

    Attributes:
        images: (N, C, H, W) uint8, mapped read-only.
        labels: (N,) int64, of the clean images.
    """

    images: Tensor
    labels: Tensor


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


class CorruptedSets:
    """Corrupted images of a split by corruption and severity, mapped and not copied.

    Args:
        folders: of the corrupted sets, by corruption.
    """

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._parts = {name: _by_severity(folder) for name, folder in folders.items()}

    def cell(self, corruption: str, severity: int) -> Cell:
        """The images of one cell.

        Raises:
            TrainableError: SET_MISSING, where there are none.
        """
        found = self._parts.get(corruption, {}).get(severity)
        if found is None:
            raise TrainableError("SET_MISSING", f"there are no images under {corruption} at severity {severity}")
        return found

    def __len__(self) -> int:
        """Images of a cell: the first so many of the split."""
        return len(next(iter(next(iter(self._parts.values())).values())).images)


def _by_severity(folder: Path) -> dict[int, Cell]:
    found = read_images(folder / IMAGES)
    # Counted in the order in which severities first come, which is that of their rows.
    counts = Counter(found.columns["severity"].to_pylist())
    sizes = list(counts.values())
    parts = zip(torch.split(found.images, sizes), torch.split(found.labels, sizes), strict=True)
    return {severity: Cell(*part) for severity, part in zip(counts, parts, strict=True)}


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
