"""Pictures made of seeded noise, to take styles from where no paintings are at hand."""

import math
from collections.abc import Callable, Mapping
from typing import Final

import torch
from torch import Generator, Tensor
from torch.nn.functional import interpolate

_LEAVES: Final = 120
_COLOURS: Final = 4


def textures(count: int, side: int, generator: Generator) -> Tensor:
    """Pictures of clouds, bands, cells and leaves in turn, each with a palette of its own.

    Args:
        count: of pictures.
        side: in pixels.
        generator: on the CPU.

    Returns:
        (count, 3, side, side) uint8.
    """
    kinds = list(_KINDS.values())
    pictures = [kinds[number % len(kinds)](side, generator) for number in range(count)]
    return torch.stack(pictures) if pictures else torch.empty(0, 3, side, side, dtype=torch.uint8)


def clouds(side: int, generator: Generator) -> Tensor:
    """Noise whose power falls with frequency, drawn out along one direction."""
    return _painted(_noise(side, 0.6 + 1.2 * _one(generator), 1 + 5 * _one(generator), generator), generator)


def bands(side: int, generator: Generator) -> Tensor:
    """Wavy stripes."""
    angle, waves = math.pi * _one(generator), 3 + 12 * _one(generator)
    rows, columns = torch.meshgrid(torch.linspace(0, 1, side), torch.linspace(0, 1, side), indexing="ij")
    along = rows * math.sin(angle) + columns * math.cos(angle)
    bent = along + 0.15 * _one(generator) * _noise(side, 1.8, 1.0, generator)
    grain = 0.15 * _noise(side, 0.0, 1.0, generator)
    return _painted(torch.sin(2 * math.pi * waves * bent) + grain, generator)


def cells(side: int, generator: Generator) -> Tensor:
    """The regions nearest to scattered points, each in one colour of the palette, darker towards its borders."""
    count = 12 + int(60 * _one(generator))
    points = torch.rand(count, 2, generator=generator) * side
    rows, columns = torch.meshgrid(torch.arange(side) + 0.5, torch.arange(side) + 0.5, indexing="ij")
    places = torch.stack([rows, columns], 2).view(-1, 2)
    nearest, which = torch.cdist(places, points).topk(2, largest=False)
    shade = 0.4 + 0.6 * (2.5 * (nearest[:, 1] - nearest[:, 0]) * count**0.5 / side).clamp_(0, 1)
    palette = _palette(generator)[torch.randint(_COLOURS, (count,), generator=generator)]
    grain = 0.05 * _noise(side, 0.0, 1.0, generator).reshape(-1, 1)
    return _bytes((palette[which[:, 0]] * shade[:, None] + grain).T.view(3, side, side))


def leaves(side: int, generator: Generator) -> Tensor:
    """Ellipses of a palette's colours that lie over each other."""
    palette, picture = _palette(generator), torch.zeros(3, side, side)
    rows, columns = torch.meshgrid(torch.arange(side) + 0.5, torch.arange(side) + 0.5, indexing="ij")
    picture += palette[0][:, None, None]
    direction, spread = math.pi * _one(generator), _one(generator)
    for _ in range(_LEAVES):
        row, column, turn, length, tint = torch.rand(5, generator=generator).tolist()
        angle = direction + spread * math.pi * (turn - 0.5)
        y, x = rows - row * side, columns - column * side
        along, across = x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)
        reach = side * (0.04 + 0.16 * length**2)
        inside = (along / reach) ** 2 + (across / (0.35 * reach)) ** 2 <= 1
        colour = palette[int(torch.randint(_COLOURS, (), generator=generator))] * (0.7 + 0.6 * tint)
        picture = torch.where(inside, colour[:, None, None], picture)
    return _bytes(picture + 0.06 * _noise(side, 0.0, 1.0, generator))


_KINDS: Final[Mapping[str, Callable[[int, Generator], Tensor]]] = {
    "clouds": clouds,
    "bands": bands,
    "cells": cells,
    "leaves": leaves,
}


def _noise(side: int, fall: float, stretch: float, generator: Generator) -> Tensor:
    """(side, side) noise of mean 0 and deviation 1; its amplitude falls with frequency to the power `fall`.

    Made by adding noise of many sizes, not by a Fourier transform, whose libraries differ from machine to machine.
    """
    total = torch.zeros(side, side)
    size = 2
    while size < 2 * side:
        shape = [max(1, min(side, round(size / stretch))), min(side, size)]
        coarse = torch.randn(1, 1, *shape, generator=generator)
        total += interpolate(coarse, (side, side), mode="bicubic", align_corners=False)[0, 0] * size**-fall
        size *= 2
    total = total if torch.rand((), generator=generator) < 0.5 else total.T
    return (total - total.mean()) / total.std()


def _painted(field: Tensor, generator: Generator) -> Tensor:
    """A scalar picture through a palette: equally many pixels between each two of its colours."""
    ranks = torch.empty(field.numel()).scatter_(0, field.flatten().argsort(), torch.linspace(0, 1, field.numel()))
    place = ranks * (_COLOURS - 1)
    below = place.floor().clamp_(max=_COLOURS - 2).long()
    palette = _palette(generator)
    share = (place - below)[:, None]
    mixed = palette[below] * (1 - share) + palette[below + 1] * share
    return _bytes(mixed.T.view(3, *field.shape))


def _palette(generator: Generator) -> Tensor:
    """(4, 3) colours in [0, 1], from dark to bright on the whole."""
    brightness = torch.linspace(0.1, 0.9, _COLOURS)[:, None]
    return (brightness + 0.5 * (torch.rand(_COLOURS, 3, generator=generator) - 0.5)).clamp_(0, 1)


def _one(generator: Generator) -> float:
    return float(torch.rand((), generator=generator))


def _bytes(picture: Tensor) -> Tensor:
    return picture.mul(255).round_().clamp_(0, 255).to(torch.uint8)
