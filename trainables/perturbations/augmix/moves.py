"""Operations that move pixels: as Pillow's affine transforms do it, up to a grey level where float32 rounds otherwise.

All take (n,) float64 levels on the CPU, negative the other way. Places outside an image are black.
"""

import functools
import itertools
from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from trainables.perturbations.augmix.shears import SHORTFALL, windows

_MOST_DEGREES: Final = 30
_FLAT: Final = 1e-9


class Rotation:
    """Turns n images around their centres, some at a time; black where places lie outside the image.

    Counter-clockwise by whole degrees, 3 at level 1. A pixel is the unit square around (column + 0.5, row + 0.5).
    Within half a pixel of the border the border's own value counts, and fractions of a grey level are cut off: both as
    in Pillow.

    Args:
        levels: (n,) float64 on the CPU, negative the other way.
        images: of the shape and on the device of those that will come.
        most: images that come at a time.
    """

    def __init__(self, levels: Tensor, images: Tensor, most: int) -> None:
        height, width = images.shape[2:]
        self._degrees = ((levels * 30 / 10).trunc().long() + _MOST_DEGREES).to(images.device)
        self._turns = _turns(height, width, images.device)
        self._windows = windows(width, images.device)
        # Kept from call to call: memory that is new has to come into the cache first, which takes as long again.
        size = min(most, len(levels))
        self._values = torch.empty(size, *images.shape[1:], device=images.device)
        self._places = torch.empty(size, height, width, dtype=torch.complex64, device=images.device)

    def __call__(self, images: Tensor, rows: slice) -> Tensor:
        """(m, 3, H, W) uint8 values.

        Args:
            images: (m, 3, H, W) uint8, at most as many as were announced.
            rows: which of the n they are.
        """
        count = len(images)
        along, down, first, last = (each.index_select(0, self._degrees[rows]) for each in self._turns)
        places = torch.add(along, down, out=self._places[:count])
        values = self._values[:count].copy_(images)
        found = grid_sample(values, torch.view_as_real(places), padding_mode="border", align_corners=False)
        # Straight from float32 to uint8 it takes three times as long.
        whole = found.add_(SHORTFALL).to(torch.int16).to(torch.uint8)
        inside = self._windows.index_select(0, first.flatten())
        inside &= self._windows.index_select(0, last.flatten())
        return whole.bitwise_and_(inside.view_as(whole[:, :1]))


@functools.lru_cache(maxsize=8)
def _turns(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """All turns there are, from -30 degrees to 30: kept, as for few small images they take longer than the rest.

    Returns:
        (61, 1, W) and (61, H, 1) complex64, whose sums are x + iy in the image, from -1 at one border to 1 at the
        other, and the (61, H) windows of `_inside`.
    """
    angles = torch.deg2rad(torch.arange(-_MOST_DEGREES, _MOST_DEGREES + 1, dtype=torch.float64))
    cosines, sines = angles.cos(), angles.sin()
    turns = torch.stack([cosines, -sines, sines, cosines], 1).view(-1, 2, 2)
    half_sides = torch.tensor([[width / 2], [height / 2]], dtype=torch.float64)
    maps = torch.cat([turns, half_sides - turns @ half_sides], 2)
    a, b, c = (maps / half_sides).float().to(device)[..., None].unbind(2)
    down = torch.addcmul(c - 1, b, torch.arange(0.5, height, device=device))
    x, y = (a * torch.arange(0.5, width, device=device)).unbind(1)
    # As complex numbers, x and y are laid side by side four times as fast as by `stack`.
    return torch.complex(x, y)[:, None, :], torch.complex(*down.unbind(1))[:, :, None], *_inside(a, down, width)


def _inside(slopes: Tensor, down: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """(n, H) windows that begin, and (n, H) that end, with the columns where a row's places lie in the image.

    Args:
        slopes: (n, 2, 1) how x and y, from -1 at one border to 1 at the other, grow from column to column.
        down: (n, 2, H) x and y of each row, left of its first column by a half.
        width: of the image.
    """
    steep = torch.where(slopes.abs() < _FLAT, _FLAT, slopes)
    bounds = torch.stack([(-1 - down) / steep, (1 - down) / steep])
    first, last = bounds.amin(0).amax(1), bounds.amax(0).amin(1)
    # From columns' middles, a half above whole numbers, to the first column inside and the first after it.
    first, end = (first - 0.5).ceil().clamp(0, width), (last + 0.5).floor().clamp(0, width)
    return (width - first).long(), (2 * width - end).long()


def translate_x(images: Tensor, levels: Tensor) -> Tensor:
    """Shifts the image along its rows by whole pixels, a thirtieth of its width at level 1."""
    return _shifted(images, 3, (levels * (images.shape[3] / 3) / 10).long())


def translate_y(images: Tensor, levels: Tensor) -> Tensor:
    """Shifts the image along its columns by whole pixels, a thirtieth of its height at level 1."""
    return _shifted(images, 2, (levels * (images.shape[2] / 3) / 10).long())


def _shifted(images: Tensor, dimension: int, pixels: Tensor) -> Tensor:
    """Each image as seen `pixels` further along the dimension; quickest where equal numbers follow each other."""
    found = torch.zeros_like(images)
    runs = [(shift, len(list(run))) for shift, run in itertools.groupby(pixels.tolist())]
    counts = [count for _, count in runs]
    for (shift, _), source, target in zip(runs, torch.split(images, counts), torch.split(found, counts), strict=True):
        length = max(0, images.shape[dimension] - abs(shift))
        target.narrow(dimension, max(0, -shift), length).copy_(source.narrow(dimension, max(0, shift), length))
    return found
