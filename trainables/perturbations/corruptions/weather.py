"""Weather: snow, frost, fog and glaring brightness."""

import torch
from torch import Generator, Tensor

from trainables.perturbations.corruptions.blur import enlarged, zoom_crop
from trainables.perturbations.corruptions.constants import Fog, Frost, Snow
from trainables.perturbations.corruptions.convolution import correlated, motion_kernels
from trainables.perturbations.corruptions.ice import Ice
from trainables.perturbations.corruptions.levels import levels
from trainables.perturbations.corruptions.plasma import plasma

Size = tuple[int, int]

_FALL = (-135.0, -90.0, -45.0)
_LUMINANCE = (0.299, 0.587, 0.114)


def snow_flakes(size: Size, snow: Snow, generator: Generator) -> tuple[Tensor, Tensor]:
    """For one image: standard normal noise before its enlargement, and the angle of the fall in degrees."""
    crop = [zoom_crop(side, snow.zoom) for side in size]
    noise = torch.empty(*crop, device=generator.device).normal_(generator=generator)
    return noise, torch.empty((), device=generator.device).uniform_(_FALL[0], _FALL[2], generator=generator)


def snow(images: Tensor, snow: Snow, noise: Tensor, degrees: Tensor) -> Tensor:
    """Whitens the image and lets enlarged, smeared noise fall over it, once as drawn and once turned by 180 degrees.

    Args:
        images: (N, 3, H, W) uint8.
        snow: its constants.
        noise: (N, ceil(H / zoom), ceil(W / zoom)) standard normal.
        degrees: (N,) angles within 45 degrees of straight up.
    """
    layer = _flying(snow, noise, degrees, (images.shape[2], images.shape[3]))
    pixels = images.float()
    grey = torch.einsum("nchw,c->nhw", pixels, pixels.new_tensor(_LUMINANCE))[:, None]
    white = torch.maximum(pixels, grey.mul_(1.5).add_(127.5))
    white.mul_(1 - snow.kept).add_(pixels, alpha=snow.kept)
    return levels(white.add_(layer).add_(layer.flip(2, 3)))


def _flying(snow: Snow, noise: Tensor, degrees: Tensor, size: Size) -> Tensor:
    """The layer of snow in whole grey levels, (N, 1, H, W)."""
    flakes = enlarged((noise * snow.deviation + snow.mean)[:, None], snow.zoom)
    flakes = (flakes * (flakes >= snow.threshold)).clamp_(0, 1)
    kernels, reach = motion_kernels(snow.motion, degrees, _FALL, (flakes.shape[2], flakes.shape[3]))
    flying = correlated(flakes, kernels, reach, "replicate")[..., : size[0], : size[1]]
    return flying.mul(255).round_()


def frost_places(_: Size, __: Frost, generator: Generator) -> tuple[Tensor]:
    """For one image: (3,) draws in [0, 1) for the picture of ice, the row and the column."""
    return (torch.empty(3, device=generator.device).uniform_(generator=generator),)


def frost(images: Tensor, frost: Frost, places: Tensor, ice: Ice) -> Tensor:
    """Lays a piece of ice over each image.

    Args:
        images: (N, 3, H, W) uint8.
        frost: shares of image and ice, and the scale of the ice.
        places: (N, 3) in [0, 1): picture, row, column.
        ice: the pictures.
    """
    size = (images.shape[2], images.shape[3])
    pieces = torch.stack([ice.crop(place, frost.scale, size) for place in places.tolist()]).to(images.device)
    return levels(images.float().mul_(frost.kept).add_(pieces, alpha=frost.added))


def fog_heights(size: Size, _: Fog, generator: Generator) -> tuple[Tensor]:
    """For one image: (M * M,) draws in [0, 1), M the next power of two from the longer side on."""
    side = 1 << (max(size) - 1).bit_length()
    return (torch.empty(side * side, device=generator.device).uniform_(generator=generator),)


def fog(images: Tensor, fog: Fog, uniform: Tensor) -> Tensor:
    """Adds a cloudy height map and takes the brightest value back to where it was.

    Args:
        images: (N, 3, H, W) uint8.
        fog: strength and decay.
        uniform: (N, M * M) of `fog_heights`.
    """
    heights = plasma(uniform, fog.decay)[:, None, : images.shape[2], : images.shape[3]]
    brightest = images.amax((1, 2, 3), keepdim=True) / 255
    return levels(torch.add(images, heights, alpha=255 * fog.strength).mul_(brightest / (brightest + fog.strength)))


def brightness(images: Tensor, lift: float) -> Tensor:
    """Raises the value of hue, saturation and value by `lift`, at most to 1; hue and saturation stay.

    Args:
        images: (N, 3, H, W) uint8.
        lift: in [0, 1].
    """
    value = images.amax(1, keepdim=True).float()
    raised = (value + 255 * lift).clamp_(max=255)
    black = raised * (value == 0)
    return levels(torch.mul(images, raised / value.clamp_min(1)).add_(black))
