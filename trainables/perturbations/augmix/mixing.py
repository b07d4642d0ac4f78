"""Chains of operations on every image of a batch, mixed with the image itself."""

from typing import Final

import torch
from torch import Generator, Tensor

from trainables.perturbations.augmix.draws import AugMixOptions, Draws, draw
from trainables.perturbations.augmix.operations import apply, order

# Values of images worked on at once: more leave a core's cache, fewer wait for Python.
_VALUES_AT_ONCE: Final = 128 * 3 * 64 * 64
_MIXED_AT_ONCE: Final = 8


def augmix(images: Tensor, options: AugMixOptions, generator: Generator, views: int = 1) -> tuple[Tensor, ...]:
    """Augmented views of every image, each image with draws of its own.

    Args:
        images: (N, 3, H, W) uint8, already cropped and flipped; not changed.
        options: of AugMix.
        generator: on the CPU, so that one seed draws alike on every device.
        views: 2 for the consistency loss.

    Returns:
        `views` new tensors like the images.

    Raises:
        ValueError: images of another type or shape.

    Source: Hendrycks et al. 2020, algorithm 1. Deviation: the mixture is rounded to uint8.
    """
    return tuple(mixed(images, draw(len(images), options, generator)) for _ in range(views))


def mixed(images: Tensor, draws: Draws) -> Tensor:
    """The images augmented exactly as drawn.

    Args:
        images: (N, 3, H, W) uint8.
        draws: for N images.

    Raises:
        ValueError: images of another type or shape.
    """
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(f"augmix: want images (N, 3, H, W) uint8, got {tuple(images.shape)} {images.dtype}")
    if not len(images):
        return images.clone()
    size = max(1, _VALUES_AT_ONCE // images[0].numel())
    parts = images.contiguous().split(size)
    return torch.cat([_mix(part, draws.rows(first * size, (first + 1) * size)) for first, part in enumerate(parts)])


def _mix(images: Tensor, draws: Draws) -> Tensor:
    chains, places = _chains(images, draws)
    shares = draws.weights.to(images.device)[:, :, None, None, None]
    found = []
    for first in range(0, len(images), _MIXED_AT_ONCE):
        rows = slice(first, first + _MIXED_AT_ONCE)
        total = images[rows] * shares[rows, -1]
        for chain in range(places.shape[1]):
            total.addcmul_(chains.index_select(0, places[rows, chain]).float(), shares[rows, chain])
        # The shares sum to 1, so no sum needs clipping; half a level more, cut off, is rounded.
        found.append(total.add_(0.5).to(torch.int16).to(torch.uint8))
    return torch.cat(found)


def _chains(images: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
    """(n * width, 3, H, W) ends of all chains in some order, and the (n, width) places of each image's own."""
    count, width, depth = draws.codes.shape
    places = torch.arange(count).repeat_interleave(width)
    chains = images
    signed = torch.where(draws.mirrored, -draws.levels, draws.levels).view(-1, depth)
    for codes, levels in zip(draws.codes.view(-1, depth).unbind(1), signed.unbind(1), strict=True):
        rows = order(codes, levels)
        chains = chains.index_select(0, places[rows].to(images.device))
        apply(chains, codes[rows], levels[rows])
        places[rows] = torch.arange(count * width)
    return chains, places.view(count, width).to(images.device)
