"""Blurs: out of focus, through frosted glass, by motion and by zooming."""

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional

from trainables.perturbations.corruptions.constants import Disk, Glass, Motion, Zooms
from trainables.perturbations.corruptions.convolution import correlated, disk_kernel, motion_kernels
from trainables.perturbations.corruptions.levels import levels
from trainables.perturbations.corruptions.smoothing import smoothed

Size = tuple[int, int]

_ANGLES = (-45.0, 0.0, 45.0)


def defocus_blur(images: Tensor, disk: Disk) -> Tensor:
    """Averages each pixel's surroundings over a soft disk; a flat image stays as it is.

    Args:
        images: (N, 3, H, W) uint8.
        disk: the blur.
    """
    kernel, reach = disk_kernel(disk, images.device)
    return levels(correlated(images.float(), kernel, reach, "reflect"))


def glass_displacements(size: Size, glass: Glass, generator: Generator) -> tuple[Tensor]:
    """For one image: (rounds, H - 2 * reach, W - 2 * reach) uint8, each a number below (2 * reach)^2."""
    inner = [side - 2 * glass.reach for side in size]
    outcomes = (2 * glass.reach) ** 2
    drawn = torch.empty(glass.rounds, *inner, dtype=torch.uint8, device=generator.device)
    return (drawn.random_(0, outcomes, generator=generator),)


def glass_blur(images: Tensor, glass: Glass, displacements: Tensor) -> Tensor:
    """Smooths, lets each pixel take the value of one nearby, and smooths again.

    The reference means to swap two pixels and copies one: a view of the array is overwritten before it is read. That is
    kept.

    Args:
        images: (N, 3, H, W) uint8.
        glass: the blur.
        displacements: (N, rounds, H - 2 * reach, W - 2 * reach) uint8, of `glass_displacements`.
    """
    channels, height, width = images.shape[1:]
    smooth = levels(smoothed(images.float(), glass.sigma))
    sources = glass_sources(displacements, glass.reach, (height, width))
    shuffled = smooth.flatten(2).gather(2, sources[:, None].expand(-1, channels, -1)).view(images.shape)
    return levels(smoothed(shuffled.float(), glass.sigma))


def glass_sources(displacements: Tensor, reach: int, size: Size) -> Tensor:
    """The flat pixel that each pixel's value comes from: the copies of every round resolved to one gather index.

    Pixels are visited row by row from the bottom right; each takes what its displaced neighbour holds at that moment.
    A neighbour visited before stands for the place where it took its own value from, and so on: such chains are
    followed with strides that double.

    Args:
        displacements: (N, rounds, H - 2 * reach, W - 2 * reach) whole numbers below (2 * reach)^2.
        reach: largest displacement.
        size: (H, W).

    Returns:
        (N, H * W) int64.
    """
    count, rounds = displacements.shape[:2]
    pixels = torch.arange(count * size[0] * size[1], device=displacements.device).view(count, -1)
    sources = pixels.flatten()
    for turn in range(rounds):
        sources = sources.index_select(0, _one_round(displacements[:, turn], reach, pixels.view(count, *size)))
    return sources.view(count, -1) - pixels[:, :1]


def _one_round(displacements: Tensor, reach: int, pixels: Tensor) -> Tensor:
    """The flat source of each pixel after one visit of all; `pixels` (N, H, W) are their own flat places."""
    height, width = pixels.shape[1:]
    places = torch.arange(-reach, reach, device=pixels.device)
    steps = (places[:, None] * width + places).flatten()
    # Settled sources are stored as ~source, below 0. A step to the right or down meets a pixel visited before.
    settled = torch.where(steps > 0, 0, -1)
    codes = displacements.flatten().int()
    inner = slice(reach + 1, height - reach + 1), slice(reach + 1, width - reach + 1)
    targets = pixels[:, *inner] + steps.index_select(0, codes).view_as(displacements)
    chains = ~pixels
    chains[:, *inner] = targets.bitwise_xor_(settled.index_select(0, codes).view_as(displacements))
    return ~_followed(chains.view(-1))


def _followed(chains: Tensor) -> Tensor:
    open_ends = (chains >= 0).nonzero().squeeze(1)
    while len(open_ends):
        further = chains.index_select(0, chains.index_select(0, open_ends))
        chains[open_ends] = further
        open_ends = open_ends[further >= 0]
    return chains


def motion_angle(_: Size, __: Motion, generator: Generator) -> tuple[Tensor]:
    """For one image: an angle within 45 degrees of the horizontal, ()."""
    return (torch.empty((), device=generator.device).uniform_(_ANGLES[0], _ANGLES[2], generator=generator),)


def motion_blur(images: Tensor, motion: Motion, degrees: Tensor) -> Tensor:
    """Smears each image along a line of its own.

    Args:
        images: (N, 3, H, W) uint8.
        motion: the line.
        degrees: (N,) angles within 45 degrees of the horizontal.
    """
    kernels, reach = motion_kernels(motion, degrees, _ANGLES, (images.shape[2], images.shape[3]))
    return levels(correlated(images.float(), kernels, reach, "replicate"))


def zoom_blur(images: Tensor, zooms: Zooms) -> Tensor:
    """Averages the image with itself at every enlargement; the image itself counts twice, as in the reference.

    Args:
        images: (N, 3, H, W) uint8.
        zooms: the enlargements.
    """
    height, width = images.shape[-2:]
    start = images.to(torch.float32, memory_format=torch.channels_last)  # interpolates a third faster
    total = start * 2
    for factor in zooms.factors()[1:]:
        layer = zoomed(start, factor)[..., :height, :width]
        total[..., : layer.shape[2], : layer.shape[3]] += layer
    return levels(total.div_(zooms.count + 1)).contiguous()


def zoom_crop(side: int, factor: float) -> int:
    """Pixels of a side that an enlargement by `factor` leaves in view."""
    return math.ceil(side / factor)


def zoomed(values: Tensor, factor: float) -> Tensor:
    """The middle of each plane enlarged linearly, corner on corner; at least as large as it was, seldom larger.

    Args:
        values: (N, C, H, W) floats.
        factor: at least 1.
    """
    crops = [zoom_crop(side, factor) for side in values.shape[-2:]]
    top, left = ((side - crop) // 2 for side, crop in zip(values.shape[-2:], crops, strict=True))
    return enlarged(values[..., top : top + crops[0], left : left + crops[1]], factor)


def enlarged(values: Tensor, factor: float) -> Tensor:
    """Each plane interpolated linearly to round(side * factor), corner on corner."""
    sides = [round(side * factor) for side in values.shape[-2:]]
    return functional.interpolate(values, size=sides, mode="bilinear", align_corners=True)
