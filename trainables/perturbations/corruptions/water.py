"""How thick a film of water looks: an edge-shaded relief of where noise was high."""

from functools import lru_cache
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

_WEAK: Final = 50
_STRONG: Final = 150
_FARTHEST: Final = 20
"""Pixels beyond which distances to an edge count alike."""
_TAN_22: Final = 13573
"""tan(22.5 degrees) * 2^15, as OpenCV rounds it; tan(67.5 degrees) is two more."""


def thickness(liquid: Tensor) -> Tensor:
    """(N, H, W) thickness relative to each image's thickest place, in [0, 1]; 0 where there is no liquid.

    Distances to the liquid's edges are spread over all grey levels, shaded from one corner, and weighted by the liquid.

    Args:
        liquid: (N, H, W) in [0, 1], 0 where there is none.

    Source: the ImageNet-C scripts, built from OpenCV's Canny, distanceTransform, equalizeHist and filter2D.
    """
    grey = liquid.mul(255).int().bitwise_and_(255)
    far = box_blur(distance(edges(grey))).floor_()
    relief = box_blur(_shaded(equalised(far))).round_()
    film = grey * relief
    return film / film.amax((1, 2), keepdim=True).clamp_min_(1)


def edges(grey: Tensor) -> Tensor:
    """Canny's edges with thresholds 50 and 150 on the sum of absolute Sobel derivatives.

    Args:
        grey: (N, H, W) int32 in 0..255.

    Returns:
        (N, H, W) booleans.

    Source: Canny 1986; directions are told apart in whole numbers as OpenCV does.
    """
    across, down = _sobel(grey)
    strength = across.abs() + down.abs()
    thin = strength.gt(_WEAK) & _is_ridge(across, down, strength)
    return _connected(thin & (strength > _STRONG), thin)


def _sobel(grey: Tensor) -> tuple[Tensor, Tensor]:
    padded = functional.pad(grey[:, None].float(), (1, 1, 1, 1), mode="replicate")[:, 0].short()
    slopes = padded[:, :, 2:] - padded[:, :, :-2]
    across = slopes[:, :-2] + 2 * slopes[:, 1:-1] + slopes[:, 2:]
    slopes = padded[:, 2:] - padded[:, :-2]
    return across, slopes[..., :-2] + 2 * slopes[..., 1:-1] + slopes[..., 2:]


def _is_ridge(across: Tensor, down: Tensor, strength: Tensor) -> Tensor:
    """Whether each place is stronger than both neighbours along its own slope."""
    height, width = strength.shape[1:]
    padded = functional.pad(strength, (1, 1, 1, 1))

    def beside(row: int, column: int) -> Tensor:
        return padded[:, 1 + row : 1 + row + height, 1 + column : 1 + column + width]

    steep, flat = down.abs().int() << 15, across.abs().int()
    slanted = flat * _TAN_22
    level, upright = steep < slanted, steep > slanted.add_(flat, alpha=2**16)
    falling = (across ^ down) < 0
    rising_ridge = (strength > beside(-1, -1)) & (strength > beside(1, 1)) & ~falling
    falling_ridge = (strength > beside(-1, 1)) & (strength > beside(1, -1)) & falling
    upright_ridge = (strength > beside(-1, 0)) & (strength >= beside(1, 0)) & upright
    level_ridge = (strength > beside(0, -1)) & (strength >= beside(0, 1)) & level
    return ((rising_ridge | falling_ridge) & ~(level | upright)) | upright_ridge | level_ridge


def _connected(strong: Tensor, thin: Tensor) -> Tensor:
    """The thin places that are strong, or reach a strong one over thin neighbours."""
    height, width = strong.shape[1:]
    found = functional.pad(strong, (1, 1, 1, 1)).contiguous()
    flat, row = found.view(-1), width + 2
    around = torch.tensor([-row - 1, -row, -row + 1, -1, 1, row - 1, row, row + 1], device=strong.device)
    open_places = functional.pad(thin & ~strong, (1, 1, 1, 1)).view(-1).nonzero()
    while len(open_places):
        hit = flat[open_places + around].any(1)
        if not hit.any():
            break
        flat[open_places[hit]] = True
        open_places = open_places[~hit]
    return found[:, 1 : height + 1, 1 : width + 1]


def distance(marked: Tensor) -> Tensor:
    """(N, H, W) float32 distance to the nearest marked pixel, at most 20.

    Steps to the side count 1, diagonal ones 1.4, a knight's 2.1969; a path is the shortest of such steps.

    Args:
        marked: (N, H, W) booleans.

    Source: Borgefors 1986, with the weights of OpenCV's 5x5 mask.
    """
    along = torch.where(marked, 0, _FARTHEST).short()
    for stride in (1, 2, 4, 8, 5):  # reaches 20 in five steps
        nearer = along.clone()
        _lower(nearer[..., stride:], along[..., :-stride] + stride)
        _lower(nearer[..., :-stride], along[..., stride:] + stride)
        along = nearer
    best, places = along.float(), along.flatten().int()
    table = _step_lengths(marked.device)
    for rows in range(1, min(_FARTHEST, marked.shape[1] - 1)):
        if rows >= best.max():
            break
        reached = table[rows].index_select(0, places).view_as(best)
        _lower(best[:, rows:], reached[:, :-rows])
        _lower(best[:, :-rows], reached[:, rows:])
    return best


@lru_cache(maxsize=8)
def _step_lengths(device: torch.device) -> Tensor:
    """(21, 21) lengths of the shortest path so many rows and columns away, at most 20."""
    straight, diagonal, knight = 1.0, 91750 / 2**16, 143976 / 2**16  # as OpenCV rounds them
    away = torch.arange(_FARTHEST + 1, dtype=torch.float64)
    long, short = torch.maximum(away[:, None], away), torch.minimum(away[:, None], away)
    flat = straight * (long - 2 * short) + knight * short
    steep = knight * (long - short) + diagonal * (2 * short - long)
    return torch.where(2 * short <= long, flat, steep).clamp_(max=_FARTHEST).to(device, torch.float32)


def _lower(values: Tensor, limits: Tensor) -> None:
    torch.minimum(values, limits, out=values)


def box_blur(values: Tensor) -> Tensor:
    """The mean of each 3x3 neighbourhood, mirrored about the last pixel; (N, H, W) floats."""
    padded = _mirrored(values)
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    return (rows[..., :-2] + rows[..., 1:-1]).add_(rows[..., 2:]).div_(9)


def equalised(values: Tensor) -> Tensor:
    """Each image's grey levels spread so that their counts grow evenly from 0 to 255; one level alone stays.

    Args:
        values: (N, H, W) floats, whole numbers in 0..255.
    """
    count, pixels = len(values), values[0].numel()
    places = values.long().view(count, -1)
    images = torch.arange(count, device=values.device)[:, None] * 256
    histogram = (places + images).flatten().bincount(minlength=256 * count).view(count, 256)
    below = histogram.cumsum(1)
    first = below.masked_fill(below == 0, pixels).amin(1, keepdim=True)
    spread = ((below - first) * (255.0 / (pixels - first).clamp_min(1))).round_().clamp_(0, 255)
    lone = first == pixels
    table = torch.where(lone, torch.arange(256, device=values.device), spread)
    return table.gather(1, places).view_as(values).float()


def _shaded(values: Tensor) -> Tensor:
    """Light from the lower right: differences along the diagonal, clipped to grey levels."""
    padded = _mirrored(values)
    height, width = values.shape[1:]

    def beside(row: int, column: int) -> Tensor:
        return padded[:, 1 + row : 1 + row + height, 1 + column : 1 + column + width]

    shaded = values + beside(0, 1) + beside(1, 0) - beside(0, -1) - beside(-1, 0)
    return shaded.add_(beside(1, 1), alpha=2).sub_(beside(-1, -1), alpha=2).clamp_(0, 255)


def _mirrored(values: Tensor) -> Tensor:
    return functional.pad(values[:, None], (1, 1, 1, 1), mode="reflect")[:, 0]
