"""Cloudy height maps by the diamond-square algorithm, whole batches at a time."""

import torch
from torch import Tensor


def plasma(uniform: Tensor, decay: float) -> Tensor:
    """Height maps in [0, 1], both ends taken, that continue across their edges.

    Each scale adds uniform noise to the means of four neighbours: first in the middle of every square, then in the
    middle of every edge. The noise shrinks by decay^2 from one scale to the next.

    Args:
        uniform: (N, M * M) in [0, 1), M a power of two; the first of each row is not used. Taken scale by scale:
            centres, then edges beside them, then edges above and below.
        decay: above 0; from 1 on the map gets smoother.

    Returns:
        (N, M, M) float32.

    Source: Fournier, Fussell & Carpenter 1982, with the noise of the ImageNet-C scripts.
    """
    count = len(uniform)
    signed = uniform * 2 - 1
    grid, used, amplitude = torch.zeros(count, 1, 1, device=uniform.device), 1, 1.0
    while grid.shape[1] ** 2 < uniform.shape[1]:
        side = grid.shape[1]
        noise = signed[:, used : used + 3 * side**2].view(count, 3, side, side) * amplitude
        grid, used, amplitude = _finer(grid, noise), used + 3 * side**2, amplitude / decay**2
    low, high = grid.aminmax(dim=1)  # along one dimension at a time
    lowest, highest = low.amin(1)[:, None, None], high.amax(1)[:, None, None]
    return (grid - lowest) / (highest - lowest)


def _finer(grid: Tensor, noise: Tensor) -> Tensor:
    """The grid at half its spacing, (N, 2n, 2n): corners stay, centres and edges are means of four plus noise."""
    right = grid.roll(-1, 2)
    pairs = grid + right
    centres = (pairs + pairs.roll(-1, 1)).mul_(0.25).add_(noise[:, 0])
    sides = (centres + centres.roll(1, 1)).add_(pairs).mul_(0.25).add_(noise[:, 1])
    columns = (centres + centres.roll(1, 2)).add_(grid).add_(grid.roll(-1, 1)).mul_(0.25).add_(noise[:, 2])
    side = 2 * grid.shape[1]
    upper, lower = torch.stack([grid, sides], 3), torch.stack([columns, centres], 3)
    return torch.stack([upper, lower], 2).view(len(grid), side, side)
