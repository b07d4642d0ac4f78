"""Correlation with large kernels by FFT, and the two kernels that need it: a soft disk and a line."""

import math
from functools import lru_cache
from typing import Literal, NamedTuple

import torch
from scipy.fft import next_fast_len
from torch import Tensor
from torch.nn import functional

from trainables.perturbations.corruptions.constants import Disk, Motion


class Reach(NamedTuple):
    """How far a kernel looks beyond a pixel, in pixels, in each direction."""

    top: int
    bottom: int
    left: int
    right: int


def correlated(values: Tensor, kernels: Tensor, reach: Reach, edges: Literal["replicate", "reflect"]) -> Tensor:
    """Each pixel's neighbourhood weighted by the kernel of its image: out[y, x] = sum k[i, j] * in[y+i-top, x+j-left].

    Args:
        values: (N, C, H, W) float32.
        kernels: (N or 1, top + 1 + bottom, left + 1 + right) float32.
        reach: of the kernels.
        edges: `replicate` repeats the last pixel; `reflect` mirrors about it.

    Returns:
        (N, C, H, W); exact to about 1e-6 of the largest value.
    """
    height, width = values.shape[-2:]
    padded = functional.pad(values, (reach.left, reach.right, reach.top, reach.bottom), mode=edges)
    size = [next_fast_len(side, real=True) for side in padded.shape[-2:]]
    spectrum = torch.fft.rfft2(padded, s=size)
    spectrum *= torch.fft.rfft2(kernels, s=size).conj()[:, None]
    result: Tensor = torch.fft.irfft2(spectrum, s=size)
    return result[..., :height, :width]


@lru_cache(maxsize=32)
def disk_kernel(disk: Disk, device: torch.device) -> tuple[Tensor, Reach]:
    """A disk of equal weights, softened by a Gaussian of 3 taps (5 above a radius of 8), and how far it reaches.

    The weights sum to 1, except that a disk as wide as its window is mirrored at the window's edge, as in the
    reference: radius 8 brightens an image by 1.3 percent, radius 10 by 1.1.
    """
    half, taps = (8, 3) if disk.radius <= 8 else (math.floor(disk.radius), 5)
    places = torch.arange(-half, half + 1, dtype=torch.float64)
    inside = (places[:, None] ** 2 + places**2 <= disk.radius**2).double()
    line = torch.exp(-0.5 * ((torch.arange(taps) - taps // 2).double() / disk.softness) ** 2)
    soft = torch.outer(line, line) / line.sum() ** 2
    padded = functional.pad((inside / inside.sum())[None, None], [taps // 2] * 4, mode="reflect")
    kernel = functional.conv2d(padded, soft[None, None])[0]
    return kernel.to(device, torch.float32), Reach(half, half, half, half)


def motion_kernels(
    motion: Motion, degrees: Tensor, extremes: tuple[float, float, float], size: tuple[int, int]
) -> tuple[Tensor, Reach]:
    """A line of 2 * radius + 1 taps for each angle, weighted by half a Gaussian, its taps on whole pixels.

    Taps farther away than the image is large are left out, and the others are not weighted up: a long blur of a small
    image darkens it, as in the reference.

    Args:
        motion: the line.
        degrees: (N,) angles; 0 looks to the right, 90 down.
        extremes: lowest, axis within, and highest angle that can come: they settle the reach for every batch alike.
        size: height and width of the image.

    Returns:
        (N, height, width) kernels, and their common reach.
    """
    taps = torch.arange(2 * motion.radius + 1, dtype=torch.float64, device=degrees.device)
    weights = torch.exp(-0.5 * (taps / motion.sigma) ** 2)
    down, across = _tap_places(taps, degrees)
    weights = (weights / weights.sum()) * ((down.abs() < size[0]) & (across.abs() < size[1]))
    reach = _line_reach(motion, extremes)
    shape = (reach.top + 1 + reach.bottom, reach.left + 1 + reach.right)
    kernels = torch.zeros(len(degrees), shape[0] * shape[1], dtype=torch.float64, device=degrees.device)
    kernels.scatter_add_(1, (down + reach.top) * shape[1] + across + reach.left, weights)
    return kernels.view(-1, *shape).float(), reach


def _tap_places(taps: Tensor, degrees: Tensor) -> tuple[Tensor, Tensor]:
    radians = torch.deg2rad(degrees.double())[:, None]
    return (taps * radians.sin() - 0.5).ceil().long(), (taps * radians.cos() - 0.5).ceil().long()


@lru_cache(maxsize=32)
def _line_reach(motion: Motion, extremes: tuple[float, float, float]) -> Reach:
    taps = torch.arange(2 * motion.radius + 1, dtype=torch.float64)
    down, across = _tap_places(taps, torch.tensor(extremes))
    return Reach(
        *(max(0, int(side)) for side in (-down.min(), down.max(), -across.min(), across.max())),
    )
