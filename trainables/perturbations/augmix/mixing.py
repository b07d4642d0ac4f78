"""Chains of operations on every image of a batch, mixed with the image itself."""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Generator, Tensor

from trainables.perturbations.augmix.draws import AugMixOptions, Draws, draw
from trainables.perturbations.augmix.operations import NONE, apply, at_once, order

# Values of images worked on at once: fewer wait for Python, more take memory (seven times as many bytes).
_VALUES_AT_ONCE: Final = 3 * 2**20
_FLOATS: Final = 2  # times as many values as by an operation are touched for each image that is mixed


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
    return tuple(augmix_each([images] * views, options, generator))


def augmix_each(batches: Sequence[Tensor], options: AugMixOptions, generator: Generator) -> list[Tensor]:
    """One augmented view of every batch, as `augmix` would give them one after the other, but worked on together.

    Of few small images each operation waits for Python as long as for many: 64 of 32 x 32 take 150 us each alone, and
    70 in the company of 192 others.

    Args:
        batches: at least one, of images of one shape as `augmix` takes them; not changed.
        options: of AugMix.
        generator: on the CPU.

    Raises:
        ValueError: images of another type or shape.
    """
    draws = Draws.joined([draw(len(images), options, generator) for images in batches])
    return list(torch.split(mixed(torch.cat(list(batches)), draws), [len(images) for images in batches]))


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
    found = torch.empty(images.shape, dtype=torch.uint8, device=images.device)
    size = max(1, _VALUES_AT_ONCE // max(1, images[:1].numel()))
    for first in range(0, len(images), size):
        rows = slice(first, first + size)
        _mix(images[rows].contiguous(), draws.rows(rows), found[rows])
    return found


def _mix(images: Tensor, draws: Draws, out: Tensor) -> None:
    pool, places = _chains(images, draws)
    shares = draws.weights.to(images.device)[:, :, None]
    # In two dimensions, as sums with a share of each image's own take three quarters of the time of four.
    pool, images, out = (each.view(len(each), -1) for each in (pool, images, out))
    places = places.T.contiguous()
    size = min(len(images), max(1, at_once(images) // _FLOATS))
    # Kept from piece to piece: memory that is new has to come into the cache first, which takes as long again.
    total, values = torch.empty(2, size, images.shape[1], device=images.device)
    for first in range(0, len(images), size):
        rows = slice(first, first + size)
        *chains, last = shares[rows].unbind(1)
        count = len(last)
        mixture = total[:count].copy_(images[rows]).mul_(last)
        for ends, share in zip(places[:, rows], chains, strict=True):
            mixture.addcmul_(values[:count].copy_(pool.index_select(0, ends)), share)
        # The shares sum to 1, so no sum needs clipping; half a level more, cut off, is rounded.
        out[rows] = mixture.add_(0.5).to(torch.int16)


def _chains(images: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
    """The images and what they become at every step of every chain, with the (n, width) places where chains end."""
    count, width, depth = draws.codes.shape
    pool = images.new_empty(count + int((draws.codes != NONE).sum()), *images.shape[1:])
    pool[:count] = images
    places = torch.arange(count).repeat_interleave(width)
    signed = torch.where(draws.mirrored, -draws.levels, draws.levels).view(-1, depth)
    first = count
    for codes, levels in zip(draws.codes.view(-1, depth).unbind(1), signed.unbind(1), strict=True):
        rows = order(codes, levels)[int((codes == NONE).sum()) :]
        end = first + len(rows)
        apply(pool[:first], places[rows].to(images.device), codes[rows], levels[rows], pool[first:end])
        places[rows] = torch.arange(first, end)
        first = end
    return pool, places.view(count, width).to(images.device)
