"""Augmentations of whole batches of uint8 images, drawn from generators."""

import dataclasses
from collections.abc import Sequence
from typing import Final

import torch
from torch import Generator, Tensor

from trainables.perturbations.augmix.draws import AugMixOptions
from trainables.perturbations.augmix.mixing import augmix_each

_VALUES_TOGETHER: Final = 3 * 2**20  # more take memory and gain nothing


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """What every batch of training images goes through, crop_flip before AugMix; by default nothing.

    Attributes:
        crop_flip: whether every image is moved, and mirrored by chance.
        flip_probability: of crop_flip; 0 where mirroring changes a label, as it does for digits.
        augmix: options of AugMix; None leaves it out.
        consistent: whether the images themselves and two AugMix views of each train together, as `jsd_loss` wants them,
            and not one AugMix view alone. Says nothing without AugMix.
    """

    crop_flip: bool = False
    flip_probability: float = 0.0
    augmix: AugMixOptions | None = None
    consistent: bool = False

    @property
    def views(self) -> int:
        """How many views of each image come: 3 for the consistency loss, else 1."""
        return 3 if self.augmix is not None and self.consistent else 1

    def together(self, images: Tensor) -> int:
        """How many batches like this one are best augmented at once; their images come out alike in any company."""
        return max(1, _VALUES_TOGETHER // max(1, self.views * images.numel())) if self.augmix is not None else 1

    def of(self, batches: Sequence[Tensor], moves: Generator, mixtures: Generator) -> list[Tensor]:
        """Views of each batch, (views * N, C, H, W): all images once, then again; of three the first are not mixed.

        Args:
            batches: (N, C, H, W) uint8 each; not changed, and themselves returned where nothing is asked for.
            moves: of crop_flip; what it draws does not depend on AugMix.
            mixtures: of AugMix. Both are on the CPU, so that one seed draws alike on every device.
        """
        moved = [crop_flip(each, moves, self.flip_probability) if self.crop_flip else each for each in batches]
        if self.augmix is None:
            return moved
        if self.views == 1:
            return augmix_each(moved, self.augmix, mixtures)
        mixed = augmix_each([each for each in moved for _ in range(2)], self.augmix, mixtures)
        return [torch.cat(views) for views in zip(moved, mixed[::2], mixed[1::2], strict=True)]


def crop_flip(images: Tensor, generator: Generator, flip_probability: float) -> Tensor:
    """Every image moved by up to an eighth of its side, its border repeated, and mirrored with the given probability.

    Args:
        images: (N, C, H, W), of any type; not changed.
        generator: on the CPU, so that one seed draws alike on every device.
        flip_probability: 0 where mirroring changes a label, as it does for digits.

    Returns:
        A new tensor of the same shape and type, stored channels last.
    """
    count, _, height, width = images.shape
    rows = _shifted(height, count, generator)
    columns = _shifted(width, count, generator)
    mirrored = torch.rand(count, 1, generator=generator) < flip_probability
    columns = torch.where(mirrored, columns.flip(1), columns)
    # One gather does both; torch puts the sliced channel dimension last, which is the layout convolutions like here.
    picked = torch.arange(count, device=images.device)[:, None, None]
    rows, columns = rows.to(images.device), columns.to(images.device)
    return images[picked, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def _shifted(side: int, count: int, generator: Generator) -> Tensor:
    """(count, side) source indices, each row one shift of at most side // 8; beyond the border its index repeats."""
    most = side // 8
    shifts = torch.randint(-most, most + 1, (count, 1), generator=generator)
    return (torch.arange(side)[None, :] + shifts).clamp_(0, side - 1)
