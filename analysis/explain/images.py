"""The pictures that networks are shown: one that a user names or the data hold, clean and perturbed, and a sample."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from trainables.data.facts import facts_of, normalisation
from trainables.data.ingestion.files import image_of
from trainables.data.store import read_images
from trainables.errors import TrainableError
from trainables.perturbations.corruptions import corrupt
from trainables.seeds import derive, generator

SPLIT: Final = "validation"
"""Images that score the search; test images are for the evaluation alone."""


@dataclass(frozen=True)
class Shown:
    """A picture in the size of the data, clean and perturbed: (1, 3, H, W) uint8 each, and a caption of each."""

    clean: Tensor
    perturbed: Tensor
    origin: str
    perturbation: str


def picture(data: Path, path: Path | None) -> tuple[Tensor, str]:
    """The picture of a path, its largest centred part in the data's size, or else a validation image of the data.

    Args:
        data: folder of the prepared data set.
        path: any image file; None takes the same validation image each time.

    Returns:
        (1, 3, H, W) uint8, and where it comes from.

    Raises:
        TrainableError: IMAGES_UNREADABLE, where the file is missing or no picture.
    """
    if path is not None:
        return image_of(path, facts_of(data)["image_shape"]), path.name
    images = read_images(data / f"{SPLIT}.arrow").images
    row = derive("explain", "picture") % len(images)
    return images[row : row + 1].clone(), f"{SPLIT} image {row}"


def corrupted(clean: Tensor, perturbation: str, severity: int) -> tuple[Tensor, str]:
    """A picture under one of the 19 corruptions of severity 1 to 5, the same each time, and what that is called.

    Raises:
        TrainableError: OPTION_INVALID, where images of this size cannot be perturbed so.
    """
    try:
        made = corrupt(clean, perturbation, severity, generator("explain", perturbation, severity))
    except ValueError as error:
        raise TrainableError("OPTION_INVALID", f"--perturbation {perturbation}: {error}") from error
    return made, f"{perturbation.replace('_', ' ')}, severity {severity}"


def sample(data: Path, count: int) -> Tensor:
    """(N, 3, H, W) uint8: up to `count` different validation images, the same each time, in a shuffled order.

    Data lie sorted by class, and batches of one class would tell of no other.
    """
    images = read_images(data / f"{SPLIT}.arrow").images
    order = torch.randperm(len(images), generator=generator("explain", "sample"))[:count]
    return torch.index_select(images, 0, order)


def inputs_of(data: Path, images: Tensor, device: torch.device) -> Tensor:
    """Float32 inputs of networks on a device, normalised as the data's training images are."""
    return normalisation(data).of(images.to(device))
