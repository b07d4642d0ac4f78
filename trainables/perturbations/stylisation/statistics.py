"""Stylisation without a network: the bands of an image's pyramid take the statistics of a style's."""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from trainables.perturbations.stylisation import pyramid

_COARSEST: Final = 4  # pixels of the shorter side in the last band: where things lie, and in which colours
_FAINT: Final = 1e-4  # standard deviation, of values in [0, 1], below which a band counts as flat


@dataclass(frozen=True)
class StatisticsOptions:
    """How an image takes a style on.

    Attributes:
        strength: 0 leaves an image as it is, 1 gives its bands the style's statistics altogether.
        texture: share of the finest band's variance that comes from the style's own pixels; it falls in equal steps to
            0 in the coarsest band, so that shapes stay. 0 changes statistics alone.

    Raises:
        ValueError: one is outside [0, 1].
    """

    strength: float = 1.0
    texture: float = 0.5

    def __post_init__(self) -> None:
        for name, value in (("strength", self.strength), ("texture", self.texture)):
            if not 0 <= value <= 1:
                raise ValueError(f"{name}: {value} is not from 0 to 1")


def matched(images: Tensor, styles: Tensor, options: StatisticsOptions) -> Tensor:
    """Every image in the style beside it; an image in its own style stays as it is.

    In every band of a Laplacian pyramid and every channel, the result has the style's mean and standard deviation, and
    the pattern of the image, in fine bands mixed with that of the style.

    Args:
        images: (N, 3, H, W) floats in [0, 1], of any size.
        styles: of the same shape.
        options: of stylisation.

    Returns:
        (N, 3, H, W) floats; some may lie outside [0, 1].

    Source: after Heeger & Bergen 1995, who match histograms of a steerable pyramid of noise, and Huang & Belongie 2017,
    who match means and deviations of a network's features. That patterns are mixed is ours: without it an image takes
    colours and coarseness of a style, but nothing that is seen as its texture.
    """
    levels = pyramid.deepest(images.shape[2], images.shape[3], _COARSEST)
    found = []
    bands = zip(pyramid.split(images, levels), pyramid.split(styles, levels), strict=True)
    for level, (own, other) in enumerate(bands):
        share = options.texture * (1 - level / levels) if levels else 0.0
        found.append(own + options.strength * (_restyled(own, other, share) - own))
    return pyramid.joined(found)


def _restyled(own: Tensor, other: Tensor, share: float) -> Tensor:
    mean, deviation = _moments(other)
    pattern = (1 - share) ** 0.5 * _standard(own) + share**0.5 * _standard(other)
    return _standard(pattern) * deviation + mean


def _standard(band: Tensor) -> Tensor:
    """Mean 0 and deviation 1 in every channel; 0 where it is flat, so that no rounding noise is enlarged."""
    mean, deviation = _moments(band)
    return torch.where(deviation > _FAINT, (band - mean) / deviation.clamp_min(_FAINT), 0)


def _moments(band: Tensor) -> tuple[Tensor, Tensor]:
    """(N, C, 1, 1) means and standard deviations."""
    return band.mean((2, 3), keepdim=True), band.std((2, 3), correction=0, keepdim=True)
