"""Operations that move pixels: as Pillow's affine transforms do it, up to a grey level where float32 rounds otherwise.

All take (n,) float64 levels on the CPU, negative the other way. Places outside an image are black.
"""

import itertools
from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

# What a sum in float32 may fall short of the whole number that it stands for, in grey levels.
_SHORTFALL: Final = 1 / 256
_FLAT: Final = 1e-9


def rotation(levels: Tensor, height: int, width: int) -> Tensor:
    """(n, 2, 3) maps that turn an image around its centre by whole degrees, 3 at level 1, counter-clockwise."""
    angles = torch.deg2rad((levels * 30 / 10).trunc())
    cosines, sines = angles.cos(), angles.sin()
    turns = torch.stack([cosines, -sines, sines, cosines], 1).view(-1, 2, 2)
    centre = torch.tensor([[width / 2], [height / 2]], dtype=torch.float64)
    return torch.cat([turns, centre - turns @ centre], 2)


def shear_x(levels: Tensor, height: int, width: int) -> Tensor:
    """(n, 2, 3) maps that shift each row by a share of its distance from the upper border, 0.03 at level 1."""
    maps = torch.eye(2, 3, dtype=torch.float64).repeat(len(levels), 1, 1)
    maps[:, 0, 1] = levels * 0.3 / 10
    return maps


def shear_y(levels: Tensor, height: int, width: int) -> Tensor:
    """(n, 2, 3) maps that shift each column by a share of its distance from the left border, 0.03 at level 1."""
    maps = torch.eye(2, 3, dtype=torch.float64).repeat(len(levels), 1, 1)
    maps[:, 1, 0] = levels * 0.3 / 10
    return maps


class Sampling:
    """Finds n images bilinearly at the places that n maps name, some at a time; black where those lie outside.

    A pixel is the unit square around (column + 0.5, row + 0.5). Within half a pixel of the border the border's own
    value counts, and fractions of a grey level are cut off: both as in Pillow.

    Args:
        maps: (n, 2, 3) float64: x and y in the image, each as a x + b y + c of x and y in the result, in pixels.
        images: of the shape and on the device of those that will come.
        most: images that come at a time.
    """

    def __init__(self, maps: Tensor, images: Tensor, most: int) -> None:
        height, width = images.shape[2:]
        half_sides = torch.tensor([[width / 2], [height / 2]], dtype=torch.float64)
        a, b, c = (maps / half_sides).float().to(images.device)[..., None].unbind(2)
        self._columns = torch.arange(0.5, width, device=images.device)
        down = torch.addcmul(c - 1, b, torch.arange(0.5, height, device=images.device))
        # As complex numbers, x and y are laid side by side four times as fast as by `stack`.
        self._along = torch.complex(*(a * self._columns).unbind(1))[:, None, :]
        self._down = torch.complex(*down.unbind(1))[:, :, None]
        self._first, self._last = _inside(a, down)
        # Kept from call to call: memory that is new has to come into the cache first, which takes as long again.
        size = min(most, len(maps))
        self._values = torch.empty(size, *images.shape[1:], device=images.device)
        self._places = torch.empty(size, height, width, dtype=torch.complex64, device=images.device)
        self._insides = torch.empty(2, size, 1, height, width, device=images.device)
        self._shortfall = torch.tensor(_SHORTFALL, device=images.device)

    def __call__(self, images: Tensor, rows: slice) -> Tensor:
        """(m, 3, H, W) int16 values.

        Args:
            images: (m, 3, H, W) uint8, at most as many as were announced.
            rows: which of the n they are.
        """
        count = len(images)
        places = torch.add(self._along[rows], self._down[rows], out=self._places[:count])
        values = self._values[:count].copy_(images)
        found = grid_sample(values, torch.view_as_real(places), padding_mode="border", align_corners=False)
        # 1 inside and 0 outside. By comparisons this takes five times as long on a CPU.
        inside, before = self._insides[:, :count]
        torch.sub(self._columns, self._first[rows], out=inside).clamp_(0, 1)
        torch.sub(self._last[rows], self._columns, out=before).clamp_(0, 1)
        torch.addcmul(self._shortfall, found, inside.mul_(before), out=found)
        return found.to(torch.int16)  # to uint8, straight from float32, it takes three times as long


def _inside(slopes: Tensor, down: Tensor) -> tuple[Tensor, Tensor]:
    """(n, 1, H, 1) columns, a half below the first and above the last, in which a row's places lie in the image.

    Args:
        slopes: (n, 2, 1) how x and y, from -1 at one border to 1 at the other, grow from column to column.
        down: (n, 2, H) x and y of each row, left of its first column by a half.
    """
    steep = torch.where(slopes.abs() < _FLAT, _FLAT, slopes)
    bounds = torch.stack([(-1 - down) / steep, (1 - down) / steep])
    first, last = bounds.amin(0).amax(1), bounds.amax(0).amin(1)
    # From columns' middles, a half above whole numbers, to whole distances: none of them is between 0 and 1.
    first, last = (first - 0.5).ceil() - 0.5, (last - 0.5).floor() + 1.5
    return first[:, None, :, None], last[:, None, :, None]


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
