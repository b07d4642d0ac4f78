"""Augmentations of whole batches of uint8 images, drawn from a generator."""

import torch
from torch import Generator, Tensor


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
