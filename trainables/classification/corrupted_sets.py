"""Images of a split under one corruption: their making, and reading them severity by severity."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from trainables.classification.batches import LabelledImages
from trainables.classification.corruption_steps import ice_digest
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


def read_corrupted(folder: Path) -> dict[int, LabelledImages]:
    """Images of a corrupted set by severity, mapped and not copied."""
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
