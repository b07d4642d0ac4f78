"""Shears as Pillow's affine transforms do them, up to a grey level where float32 rounds otherwise.

A shear moves a whole row, or a whole column, by one distance, so that each value lies between two neighbours in its
row: two runs of bytes are blended, in a third of the time that sampling at four places each takes.
"""

import functools
from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import channel_shuffle

# What a sum in float32 may fall short of the whole number that it stands for, in grey levels.
SHORTFALL: Final = 1 / 256
_SLOPE: Final = 0.3 / 10


class Shear:
    """Shears n images, some at a time, by 0.03 pixels a pixel at level 1; places outside an image are black.

    The first move their rows, each by a share of its distance from the upper border, and the others their columns, by
    that from the left one. A pixel is the unit square around (column + 0.5, row + 0.5). Within half a pixel of the
    border the border's own value counts, and fractions of a grey level are cut off: both as in Pillow.

    Args:
        levels: (n,) float64 on the CPU, negative the other way.
        images: of the shape and on the device of those that will come.
        most: images that come at a time.
        upright: the first of the n that moves its columns; n for none, and 0 or n unless the images are square.
    """

    def __init__(self, levels: Tensor, images: Tensor, most: int, upright: int) -> None:
        self._upright = upright
        rows, width = images.shape[2:] if upright else reversed(images.shape[2:])
        distances = torch.outer(levels, torch.arange(0.5, rows, dtype=torch.float64) * _SLOPE)
        # The value left of a place, and the one nearest to it: the place is inside where that is.
        whole = torch.stack([distances, distances + 0.5]).floor_()
        self._shares = (distances - whole[0]).to(images.device, torch.float32)[:, None, :, None]
        whole = whole.clamp_(-width, width).add_(width).long().to(images.device)
        self._shifts, self._seen = whole[0][:, None], whole[1]
        self._windows = windows(width, images.device)
        self._starts = _starts(most, rows, width, images.device)
        size = min(most, len(levels))
        # A row has its first and last value twice, and there is a row's room before the first and after the last.
        self._padded = torch.empty(size * 3 * rows + 2, width + 2, dtype=torch.uint8, device=images.device)
        self._runs = self._padded.flatten().unfold(0, width + 1, 1)
        # Kept from call to call: memory that is new has to come into the cache first, which takes as long again.
        self._values = torch.empty(size, 3, rows, width + 1, device=images.device)
        self._blended = torch.empty(size, 3, rows, width, device=images.device)

    def __call__(self, images: Tensor, rows: slice) -> Tensor:
        """(m, 3, H, W) uint8 values.

        Args:
            images: (m, 3, H, W) uint8, contiguous, at most as many as were announced; may be changed.
            rows: which of the n they are.
        """
        level = max(0, self._upright - rows.start)
        if level >= len(images):
            return self._rows(images, rows)
        if not level:
            return _turned(self._rows(_turned(images), rows))
        images[level:] = _turned(images[level:])
        found = self._rows(images, rows)
        found[level:] = _turned(found[level:])
        return found

    def _rows(self, images: Tensor, rows: slice) -> Tensor:
        count, width = len(images), images.shape[3]
        starts = (self._starts[:count] + self._shifts[rows]).flatten()
        padded = self._padded[1 : len(starts) + 1]
        padded[:, 1:-1] = images.view(-1, width)
        padded[:, 0], padded[:, -1] = padded[:, 1], padded[:, -2]
        values = self._values[:count]
        values.view(-1, width + 1).copy_(self._runs.index_select(0, starts))
        blended = torch.lerp(values[..., :-1], values[..., 1:], self._shares[rows], out=self._blended[:count])
        # Straight from float32 to uint8 it takes three times as long.
        found = blended.add_(SHORTFALL).to(torch.int16).to(torch.uint8)
        return found.bitwise_and_(self._windows.index_select(0, self._seen[rows].flatten()).view_as(found[:, :1]))


@functools.lru_cache(maxsize=8)
def _starts(most: int, rows: int, width: int, device: torch.device) -> Tensor:
    """(most, 3, rows) where in padded rows each begins, less its width."""
    lines = torch.arange(1, most * 3 * rows + 1, device=device)
    return (lines * (width + 2) + (1 - width)).view(most, 3, rows)


@functools.lru_cache(maxsize=8)
def windows(width: int, device: torch.device) -> Tensor:
    """(2 width + 1, width) uint8 bits for `&`: a row's first ones come at `width` less the place in the list.

    Rows of zeros, then more and more ones from the right, all ones, then more and more zeros from the right.
    """
    ones = torch.zeros(3 * width, dtype=torch.uint8, device=device)
    ones[width : 2 * width] = 255
    return ones.unfold(0, width, 1)


def _turned(images: Tensor) -> Tensor:
    """(n, 3, W, H) from contiguous (n, 3, H, W): rows as columns.

    Exchanging the groups of channels with their members is the same in this layout, and takes a tenth of the time.
    """
    count, channels, height, width = images.shape
    pixels = images.view(1, 1, -1, height * width).permute(0, 3, 1, 2)
    return channel_shuffle(pixels, height).permute(0, 2, 3, 1).reshape(count, channels, width, height)
