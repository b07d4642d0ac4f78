"""Operations that change values and leave places alone: as Pillow's ImageOps and ImageEnhance do it.

All take (n, 3, H, W) uint8 images and (n,) float64 levels above 0 on the CPU, which some do not need, and return values
from 0 to 255 as uint8 or int16.
"""

from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import conv2d

_VALUES: Final = 256
# What a sum in float32 may fall short of the whole number that it stands for, in grey levels.
_SHORTFALL: Final = 1 / 256


def autocontrast(images: Tensor, levels: Tensor) -> Tensor:
    """Stretches every channel so that its darkest value becomes 0 and its brightest 255; a flat one stays."""
    low, high = images.amin((2, 3), keepdim=True).float(), images.amax((2, 3), keepdim=True).float()
    scale = torch.where(high > low, 255 / (high - low), 1)
    offset = torch.where(high > low, -low * scale, 0) + _SHORTFALL
    return images.float().mul_(scale).add_(offset).to(torch.int16)


def equalize(images: Tensor, levels: Tensor) -> Tensor:
    """Spreads the values of every channel so that their histogram is as level as whole bins allow."""
    entries = _entries(images)
    bins = torch.bincount(entries, minlength=images.shape[0] * images.shape[1] * _VALUES).view(-1, _VALUES)
    # Whole numbers as float32 take a third of the time of integers, and are exact up to 16 million pixels.
    histograms = bins.float()
    # The brightest value that occurs does not count: what lies below it is spread over 255 steps.
    brightest = histograms.gather(1, images.amax((2, 3)).flatten()[:, None].long())
    step = ((images[0, 0].numel() - brightest) / 255).floor_()
    below = histograms.cumsum(1).sub_(histograms)
    spread = below.add_((step / 2).floor_()).div_(step.clamp_min(1)).floor_().clamp_(max=255)
    tables = torch.where(step > 0, spread, torch.arange(_VALUES, device=images.device)).to(torch.int16).to(torch.uint8)
    return tables.flatten().index_select(0, entries).view(images.shape)


def posterize(images: Tensor, levels: Tensor) -> Tensor:
    """Keeps the highest 4 bits at levels below 2.5, 3 from there, and none at 10."""
    dropped = 4 + (levels * 4 / 10).long()
    return images & (255 >> dropped << dropped).to(images)[:, None, None, None]


def solarize(images: Tensor, levels: Tensor) -> Tensor:
    """Turns values from a threshold on into their negative; the threshold falls from 256 to 0 at level 10."""
    highest = (255 - (levels * 256 / 10).trunc()).to(images.device, torch.int16)[:, None, None, None]
    # The sign of the difference is all ones above it, which flips all bits: three times as fast as a choice.
    return images ^ ((highest - images.to(torch.int16)) >> 15).to(torch.uint8)


def brightness(images: Tensor, levels: Tensor) -> Tensor:
    """Multiplies every value by 0.1 at level 0, by 1 at level 5 and by 1.9 at level 10."""
    return _enhanced(images, torch.zeros((), device=images.device), levels)


def contrast(images: Tensor, levels: Tensor) -> Tensor:
    """Moves every value towards the image's mean grey value, or away from it at levels above 5."""
    mean = (_grey(images).double().mean((1, 2)) + 0.5).trunc().float()
    return _enhanced(images, mean[:, None, None, None], levels)


def colour(images: Tensor, levels: Tensor) -> Tensor:
    """Moves every pixel towards its own grey value, or away from it at levels above 5."""
    return _enhanced(images, _grey(images)[:, None].float(), levels)


def sharpness(images: Tensor, levels: Tensor) -> Tensor:
    """Moves every pixel towards the weighted mean of its 3 x 3 neighbourhood, or away from it at levels above 5.

    The outermost pixels stay as they are.
    """
    kernel = torch.ones(1, 1, 3, 3, device=images.device)
    kernel[0, 0, 1, 1] = 5
    dull = images.float()
    smooth = conv2d(dull.view(-1, 1, *images.shape[2:]), kernel)
    dull[:, :, 1:-1, 1:-1] = (smooth / 13 + 0.5).trunc_().view(dull[:, :, 1:-1, 1:-1].shape)
    return _enhanced(images, dull, levels)


def _enhanced(images: Tensor, dull: Tensor, levels: Tensor) -> Tensor:
    factors = (levels * 1.8 / 10 + 0.1).float().to(images.device)[:, None, None, None]
    return (dull + factors * (images - dull)).clamp_(0, 255).to(torch.int16)


def _grey(images: Tensor) -> Tensor:
    """(n, H, W) int32 grey values from 0 to 255, by the weights of ITU-R 601-2 as 16-bit fractions."""
    red, green, blue = images.to(torch.int32).unbind(1)
    return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16


def _entries(images: Tensor) -> Tensor:
    """Places of all values in a row of tables, one table of 256 entries for each channel of each image."""
    channels = images.shape[0] * images.shape[1]
    firsts = torch.arange(channels, dtype=torch.int32, device=images.device)[:, None] * _VALUES
    # As int32 throughout: with bytes and other integers mixed, this takes three times as long.
    return images.reshape(channels, -1).to(torch.int32).add_(firsts).flatten()
