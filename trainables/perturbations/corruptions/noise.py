"""Noise on each value of each pixel: Gaussian, shot and impulse noise."""

from functools import lru_cache

import torch
from torch import Generator, Tensor

from trainables.perturbations.corruptions.levels import levels

Size = tuple[int, int]


def normal_pixels(size: Size, _: float, generator: Generator) -> tuple[Tensor]:
    """One standard normal draw for each value of an image."""
    return (torch.empty(3, *size, device=generator.device).normal_(generator=generator),)


def uniform_pixels(size: Size, _: float, generator: Generator) -> tuple[Tensor]:
    """One draw in [0, 1) for each value of an image."""
    return (torch.empty(3, *size, device=generator.device).uniform_(generator=generator),)


def gaussian_noise(images: Tensor, deviation: float, noise: Tensor) -> Tensor:
    """Adds normal noise of `deviation` (in units of the full range).

    Args:
        images: (N, 3, H, W) uint8.
        deviation: of the noise; 1 is the whole range.
        noise: (N, 3, H, W) standard normal.
    """
    return levels(torch.add(images.float(), noise, alpha=255 * deviation))


def shot_noise(images: Tensor, photons: int, uniform: Tensor) -> Tensor:
    """Counts Poisson-distributed photons, of which a white pixel sends `photons` on average.

    Args:
        images: (N, 3, H, W) uint8.
        photons: at least 1.
        uniform: (N, 3, H, W) in [0, 1).

    Source: Walker's alias method, so that two look-ups make a draw; counts of `photons` and more are all white.
    """
    scaled = uniform * (photons + 1)
    bins = scaled.floor().clamp_(max=photons)  # float32 can round u * k up to k
    places = torch.add(bins, images, alpha=photons + 1).int().flatten()
    chances, aliases = _count_aliases(photons, images.device)
    taken = chances.index_select(0, places).view_as(images) > scaled.sub_(bins)
    others = aliases.index_select(0, places).view_as(images)
    return torch.where(taken, levels(bins.mul_(255 / photons)), others)


def impulse_noise(images: Tensor, share: float, uniform: Tensor) -> Tensor:
    """Turns half of `share` of the values white and the other half black.

    Args:
        images: (N, 3, H, W) uint8.
        share: in [0, 1].
        uniform: (N, 3, H, W) in [0, 1).
    """
    kept, white = (uniform >= share).view(torch.uint8), (uniform < share / 2).view(torch.uint8)
    return torch.mul(images, kept).bitwise_or_(white.neg_())  # -1 is 255


@lru_cache(maxsize=32)
def _count_aliases(photons: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """For each grey level and count: the chance that the count itself is drawn, and the grey level drawn otherwise."""
    bins = photons + 1
    rates = torch.arange(256, dtype=torch.float64)[:, None] * (photons / 255)
    counts = torch.arange(photons, dtype=torch.float64)
    below = torch.exp(torch.xlogy(counts, rates) - rates - torch.lgamma(counts + 1))
    last = (1 - below.sum(1, keepdim=True)).clamp_min(0)
    left = torch.cat([below, last], 1) * bins
    chances, others = torch.ones_like(left), torch.arange(bins).repeat(256, 1)
    rows = torch.arange(256)
    for _ in range(bins):
        poor, rich = left.argmin(1), left.argmax(1)
        need = (1 - left[rows, poor]).clamp_min(0)  # 0 where a row is done
        chances[rows, poor] -= need
        others[rows, poor] = torch.where(need > 0, rich, others[rows, poor])
        left[rows, rich] -= need
        left[rows, poor] += need
    return chances.float().flatten().to(device), levels(others.double() * (255 / photons)).flatten().to(device)
