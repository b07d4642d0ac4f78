"""The four extra corruptions, meant for choosing: speckle noise, Gaussian blur, spatter and saturation."""

import torch
from torch import Generator, Tensor

from trainables.perturbations.corruptions.constants import Saturation, Spatter
from trainables.perturbations.corruptions.levels import levels
from trainables.perturbations.corruptions.smoothing import smoothed
from trainables.perturbations.corruptions.water import thickness

Size = tuple[int, int]

_TURQUOISE = (175, 238, 238)
_MUD = (63, 42, 20)
_THIN_MUD = 0.8


def speckle_noise(images: Tensor, deviation: float, noise: Tensor) -> Tensor:
    """Adds normal noise in proportion to each value.

    Args:
        images: (N, 3, H, W) uint8.
        deviation: of the noise, in shares of the value.
        noise: (N, 3, H, W) standard normal.
    """
    pixels = images.float()
    return levels(torch.addcmul(pixels, pixels, noise, value=deviation))


def gaussian_blur(images: Tensor, sigma: float) -> Tensor:
    """Smooths by a Gaussian cut off at four sigmas; the last pixel goes on outside.

    Args:
        images: (N, 3, H, W) uint8.
        sigma: in pixels.
    """
    return levels(smoothed(images.float(), sigma))


def spatter_drops(size: Size, _: Spatter, generator: Generator) -> tuple[Tensor]:
    """For one image: (H, W) standard normal noise."""
    return (torch.empty(*size, device=generator.device).normal_(generator=generator),)


def spatter(images: Tensor, spatter: Spatter, noise: Tensor) -> Tensor:
    """Splashes shining water or covering mud on each image, where smoothed noise is high.

    Args:
        images: (N, 3, H, W) uint8.
        spatter: its constants.
        noise: (N, H, W) standard normal.
    """
    liquid = smoothed(noise * spatter.deviation + spatter.mean, spatter.sigma)
    if spatter.mud:
        cover = smoothed((liquid > spatter.threshold).float(), spatter.last)[:, None]
        cover.mul_(cover >= _THIN_MUD)
        return levels(torch.lerp(images.float(), _colour(_MUD, cover), cover))
    film = thickness(liquid * (liquid >= spatter.threshold))[:, None]
    return levels(torch.addcmul(images.float(), film, _colour(_TURQUOISE, film), value=spatter.last))


def _colour(levels_of: tuple[int, int, int], like: Tensor) -> Tensor:
    return like.new_tensor(levels_of)[:, None, None]


def saturate(images: Tensor, saturation: Saturation) -> Tensor:
    """Scales and raises the saturation of hue, saturation and value; grey pixels count as unsaturated red.

    Args:
        images: (N, 3, H, W) uint8.
        saturation: factor and offset.
    """
    pixels = images.float()
    value, low = pixels.amax(1, keepdim=True), pixels.amin(1, keepdim=True)
    spread = value - low
    wanted = (spread / value.clamp_min(1)).mul_(saturation.factor).add_(saturation.offset).clamp_(0, 1).mul_(value)
    result = value + (pixels - value) * (wanted / spread.clamp_min(1))
    if saturation.offset:
        result[:, 1:] -= wanted * (spread == 0)
    return levels(result)
