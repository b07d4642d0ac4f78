"""Gaussian smoothing as one matrix product for each axis: exact for every sigma and every rule for the edges."""

from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor

Edges = Literal["nearest", "mirrored"]


def smoothed(
    values: Tensor, sigma: float | tuple[float, float], edges: Edges = "nearest", truncate: float = 4.0
) -> Tensor:
    """Each (H, W) plane smoothed by a normalised, truncated Gaussian; a flat plane stays flat.

    Args:
        values: (..., H, W) floats; not changed.
        sigma: in pixels, of both axes or of (H, W); below 0.5 / truncate nothing happens.
        edges: what lies outside: `nearest` repeats the last pixel, `mirrored` mirrors the image with its last pixel.
        truncate: where the Gaussian ends, in sigmas.

    Source: the definition of scipy.ndimage.gaussian_filter, whose twin stands in the tests.
    """
    down, across = (sigma, sigma) if isinstance(sigma, float | int) else sigma
    height, width = values.shape[-2:]
    if _radius(across, truncate):
        values = values @ _matrix(width, across, edges, truncate, values.device).T
    if _radius(down, truncate):
        values = _matrix(height, down, edges, truncate, values.device) @ values
    return values


def _radius(sigma: float, truncate: float) -> int:
    return int(truncate * sigma + 0.5)


@lru_cache(maxsize=64)
def _matrix(side: int, sigma: float, edges: Edges, truncate: float, device: torch.device) -> Tensor:
    radius = _radius(sigma, truncate)
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float64)
    weights = torch.exp(-0.5 * (offsets / sigma) ** 2)
    sources = torch.arange(side)[:, None] + offsets.long()
    if edges == "nearest":
        sources = sources.clamp(0, side - 1)
    else:
        sources = sources % (2 * side)
        sources = torch.where(sources < side, sources, 2 * side - 1 - sources)
    matrix = torch.zeros(side, side, dtype=torch.float64)
    matrix.scatter_add_(1, sources, (weights / weights.sum()).expand(side, -1))
    return matrix.to(device, torch.float32)
