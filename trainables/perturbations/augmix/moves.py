"""Operations that move pixels: as Pillow's affine transforms do it, up to a grey level where float32 rounds otherwise.

All take (n,) float64 levels on the CPU, negative the other way. Places outside an image are black.
"""

from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

# What a sum in float32 may fall short of the whole number that it stands for, in grey levels.
_SHORTFALL: Final = 1 / 256
_AT_ONCE: Final = 2**18  # values that stay in a core's cache, with all that is computed from them


def rotation(levels: Tensor, height: int, width: int) -> Tensor:
    """(n, 2, 3) maps that turn an image around its centre by whole degrees, 3 at level 1, counter-clockwise."""
    angles = torch.deg2rad(-(levels * 30 / 10).trunc())
    cosines, sines = angles.cos(), angles.sin()
    x, y = width / 2, height / 2
    entries = [cosines, sines, x - cosines * x - sines * y, -sines, cosines, y + sines * x - cosines * y]
    return torch.stack(entries, 1).view(-1, 2, 3)


def shear_x(levels: Tensor, height: int, width: int) -> Tensor:
    """(n, 2, 3) maps that shift each row by a share of its distance from the upper border, 0.03 at level 1."""
    maps = torch.eye(2, 3, dtype=torch.float64).repeat(len(levels), 1, 1)
    maps[:, 0, 1] = levels * 0.3 / 10
    return maps


def shear_y(levels: Tensor, height: int, width: int) -> Tensor:
    """(n, 2, 3) maps that shift each column by a share of its distance from the left border, 0.03 at level 1."""
    return shear_x(levels, height, width).flip(1)[:, :, [1, 0, 2]]


def sample(images: Tensor, maps: Tensor) -> None:
    """Images become what is found bilinearly at the places that the maps name; black where those lie outside.

    A pixel is the unit square around (column + 0.5, row + 0.5). Within half a pixel of the border the border's own
    value counts, and fractions of a grey level are cut off: both as in Pillow.

    Args:
        images: (n, 3, H, W) uint8, changed in place.
        maps: (n, 2, 3) float64: x and y in the image, each as a x + b y + c of x and y in the result, in pixels.
    """
    height, width = images.shape[2:]
    half_sides = torch.tensor([[width / 2], [height / 2]], dtype=torch.float64)
    a, b, c = (maps / half_sides).float().to(images.device)[..., None].unbind(2)
    along = a * torch.arange(0.5, width, device=images.device)
    down = torch.addcmul(c - 1, b, torch.arange(0.5, height, device=images.device))
    size = max(1, _AT_ONCE // images[0].numel())
    for part, x, y in zip(images.split(size), along.split(size), down.split(size), strict=True):
        part.copy_(_sampled(part, x[:, :, None, :], y[:, :, :, None]))


def _sampled(images: Tensor, along: Tensor, down: Tensor) -> Tensor:
    """At the places `along` (n, 2, 1, W) plus `down` (n, 2, H, 1): x and y, from -1 at one border to 1 at the other."""
    # As complex numbers x and y are laid side by side four times as fast as by `stack`.
    places = torch.complex(*along.unbind(1)) + torch.complex(*down.unbind(1))
    found = grid_sample(images.float(), torch.view_as_real(places), padding_mode="border", align_corners=False)
    # 1 inside and 0 outside. By comparisons this takes five times as long on a CPU.
    x, y = ((along[:, axis] + down[:, axis]).abs_() for axis in (0, 1))
    inside = torch.maximum(x, y, out=x).mul_(-1e9).add_(1e9).clamp_(0, 1)[:, None]
    torch.addcmul(torch.tensor(_SHORTFALL, device=images.device), found, inside, out=found)
    return found.to(torch.int16)  # uint8 directly from float32 takes twice as long


def translate_x(images: Tensor, levels: Tensor) -> None:
    """Shifts the image along its rows by whole pixels, a thirtieth of its width at level 1."""
    _shift(images, 3, (levels * (images.shape[3] / 3) / 10).long())


def translate_y(images: Tensor, levels: Tensor) -> None:
    """Shifts the image along its columns by whole pixels, a thirtieth of its height at level 1."""
    _shift(images, 2, (levels * (images.shape[2] / 3) / 10).long())


def _shift(images: Tensor, dimension: int, pixels: Tensor) -> None:
    """Each image as seen `pixels` further along the dimension; quickest where equal numbers follow each other."""
    before = images.clone()
    images.zero_()
    runs, counts = (values.tolist() for values in pixels.unique_consecutive(return_counts=True))
    for run, source, target in zip(runs, before.split(counts), images.split(counts), strict=True):
        length = max(0, images.shape[dimension] - abs(run))
        target.narrow(dimension, max(0, -run), length).copy_(source.narrow(dimension, max(0, run), length))
