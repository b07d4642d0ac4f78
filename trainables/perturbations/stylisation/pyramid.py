"""Laplacian pyramids of batches of images of any size."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import conv2d, interpolate, pad


def split(images: Tensor, levels: int) -> list[Tensor]:
    """Bands from the finest to the coarsest, whose `joined` is the images again up to float32.

    Args:
        images: (N, C, H, W) floats.
        levels: of halvings; each ends where a side would fall below one pixel.

    Returns:
        levels + 1 tensors: what each halving loses, (N, C, H, W) and smaller, and what is left after the last.
    """
    bands = []
    for _ in range(levels):
        smaller = _halved(images)
        bands.append(images - _enlarged(smaller, images))
        images = smaller
    return [*bands, images]


def joined(bands: Sequence[Tensor]) -> Tensor:
    """The images that `split` has such bands of."""
    images = bands[-1]
    for band in reversed(bands[:-1]):
        images = _enlarged(images, band) + band
    return images


def deepest(height: int, width: int, least: int) -> int:
    """Most halvings after which the shorter side still has `least` pixels."""
    levels, side = 0, min(height, width)
    while (side + 1) // 2 >= least:
        levels, side = levels + 1, (side + 1) // 2
    return levels


def _halved(images: Tensor) -> Tensor:
    """Every other pixel of the images smoothed by the binomial kernel of five taps, their borders repeated."""
    taps = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], dtype=images.dtype, device=images.device) / 16
    channels = images.shape[1]
    wide = pad(images, (2, 2, 2, 2), mode="replicate")
    rows = conv2d(wide, taps.view(1, 1, 5, 1).repeat(channels, 1, 1, 1), stride=(2, 1), groups=channels)
    return conv2d(rows, taps.view(1, 1, 1, 5).repeat(channels, 1, 1, 1), stride=(1, 2), groups=channels)


def _enlarged(images: Tensor, like: Tensor) -> Tensor:
    return interpolate(images, like.shape[2:], mode="bilinear", align_corners=False)
