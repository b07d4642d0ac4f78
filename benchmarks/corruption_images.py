"""Images to corrupt: crops of scikit-learn's two photographs, and such crops with a handwritten digit on them."""

from typing import Final

import numpy as np
import torch
from torch import Tensor

from trainables.data.embedded_digits import load_photographs, scanned_digits, stroke
from trainables.seeds import derive

STEP: Final = 72
"""Grey levels between a stroke and the mean of what it covers."""


def photograph_crops(count: int, side: int) -> Tensor:
    """(count, 3, side, side) uint8 from both photographs in turn; the same in every call."""
    photographs = [photograph.pixels.astype(np.uint8) for photograph in load_photographs()]
    drawn = np.random.default_rng(derive("corruption crops", side))
    crops = [_crop(photographs[number % 2], side, drawn) for number in range(count)]
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).contiguous()


def digits_on_photographs(split: str, count: int, side: int) -> tuple[Tensor, Tensor]:
    """(count, 3, side, side) uint8 and (count,) classes; the digits of `train` and `test` are disjoint."""
    photographs = [photograph.pixels for photograph in load_photographs()]
    scans, labels = scanned_digits()
    own = np.arange(split == "test", len(scans), 2)
    drawn = np.random.default_rng(derive("corruption digits", split, side))
    chosen = drawn.choice(own, count)
    images = np.empty((count, side, side, 3), np.uint8)
    for row, digit in enumerate(chosen):
        crop = _crop(photographs[row % 2], side, drawn).astype(np.int64)
        cover = stroke(scans[digit], side)[..., None]
        covered = (crop * cover).sum((0, 1)) / max(cover.sum(), 1)
        colour = np.where(covered < drawn.uniform(64, 192), covered + STEP, covered - STEP).astype(np.int64)
        images[row] = (crop * (255 - cover) + colour.clip(0, 255) * cover) // 255
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(labels[chosen])


def _crop(pixels: np.ndarray, side: int, drawn: np.random.Generator) -> np.ndarray:
    top, left = (int(drawn.integers(0, own - side + 1)) for own in pixels.shape[:2])
    return pixels[top : top + side, left : left + side]
