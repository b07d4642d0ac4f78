"""AugMix's rotation and shears beside their formula: bilinear values, in double precision, at the places of a map."""

import math

import pytest
import torch
from torch import Tensor

from trainables.perturbations.augmix.operations import OPERATIONS, apply
from trainables.seeds import generator

SIZES = [(32, 32), (64, 64), (61, 45), (7, 90), (90, 7), (1, 9), (9, 1), (1, 1)]


def linear(name: str, level: float) -> tuple[float, float, float, float]:
    """x and y in the image from x and y in the result, but for a rotation's centre."""
    if name == "rotate":
        angle = math.radians(int(level * 3))
        return math.cos(angle), -math.sin(angle), math.sin(angle), math.cos(angle)
    return (1, level * 0.03, 0, 1) if name == "shear_x" else (1, 0, level * 0.03, 1)


def by_formula(name: str, image: Tensor, level: float) -> Tensor:
    """(3, H, W) float64 values before fractions are cut off, NaN where a place is too near to the border to tell."""
    height, width = image.shape[1:]
    a, b, c, d = linear(name, level)
    middle = (width / 2, height / 2) if name == "rotate" else (0, 0)
    right = torch.arange(0.5, width).double() - middle[0]
    down = torch.arange(0.5, height).double()[:, None] - middle[1]
    x, y = a * right + b * down + middle[0], c * right + d * down + middle[1]
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    edge = torch.stack([x, x - width, y, y - height]).abs().amin(0) < 1e-4
    left, top = (x - 0.5).floor(), (y - 0.5).floor()
    found = torch.zeros(3, height, width).double()
    for column, across in ((left, left + 0.5 - x), (left + 1, x - left - 0.5)):
        for row, along in ((top, top + 0.5 - y), (top + 1, y - top - 0.5)):
            share = (across + (column == left)) * (along + (row == top))
            found += image.double()[:, row.long().clamp(0, height - 1), column.long().clamp(0, width - 1)] * share
    return torch.where(edge, math.nan, found * inside)


@pytest.mark.parametrize("name", ["rotate", "shear_x", "shear_y"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_moves_are_bilinear_values_with_the_fraction_cut_off(name: str, size: tuple[int, int]) -> None:
    numbers = generator("test", "moves", name)
    levels = torch.empty(37, dtype=torch.float64).uniform_(-10, 10, generator=numbers).sort().values
    images = torch.randint(256, (len(levels), 3, *size), generator=numbers, dtype=torch.uint8)
    ours = torch.empty_like(images)
    apply(images, torch.arange(len(levels)), torch.full((len(levels),), OPERATIONS.index(name)), levels, ours)
    twin = torch.stack([by_formula(name, *pair) for pair in zip(images, levels.tolist(), strict=True)])
    told = twin.isfinite()
    above = (ours - twin)[told]  # at most the 1/256 that stands in for what a sum in float32 falls short of
    assert told.double().mean() >= 0.95 or min(size) < 10
    assert above.abs().max() < 1.01
    assert ((above > -1) & (above <= 0.01)).double().mean() >= 0.999
