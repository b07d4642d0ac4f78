"""Pictures of ice for `frost`: made from a seed, or read from a folder."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import torch
from torch import Generator, Tensor
from torch.nn import functional

from trainables.corruption_facts import ICE_SUFFIXES
from trainables.data.ingestion.trees import Unreadable
from trainables.perturbations.corruptions.constants import Motion
from trainables.perturbations.corruptions.convolution import correlated, motion_kernels
from trainables.perturbations.corruptions.levels import truncated
from trainables.perturbations.corruptions.plasma import plasma
from trainables.perturbations.corruptions.smoothing import smoothed
from trainables.seeds import generator

SIDE: Final = 512
NEEDLE_ANGLES: Final = 8
_TINTS: Final = (
    ((20, 105, 130), (135, 190, 200)),
    ((150, 160, 175), (255, 255, 255)),
    ((140, 150, 160), (250, 252, 255)),
    ((55, 75, 90), (235, 245, 255)),
    ((25, 35, 45), (205, 215, 225)),
)
"""Colours of the lowest and the highest place of each picture: lake, window and pane in other light."""
_SMALLEST: Final = 32


@dataclass(frozen=True, eq=False)
class Ice:
    """Pictures of ice, each (3, height, width) uint8, on the CPU.

    Attributes:
        pictures: at least one, none with a side under 32 pixels.
    """

    pictures: Sequence[Tensor]

    def __post_init__(self) -> None:
        lawful = [p.dtype == torch.uint8 and p.ndim == 3 and p.shape[0] == 3 for p in self.pictures]
        if not lawful or not all(lawful) or min(min(p.shape[1:]) for p in self.pictures) < _SMALLEST:
            raise ValueError(
                f"ice: frost needs at least one picture, uint8 (3, height, width) with sides of {_SMALLEST} pixels or "
                f"more; came {[tuple(p.shape) for p in self.pictures]}"
            )

    def crop(self, places: Sequence[float], scale: float, size: tuple[int, int]) -> Tensor:
        """A piece of one scaled picture, (3, H, W) uint8.

        Args:
            places: picture, row and column, each in [0, 1).
            scale: of the picture; a picture that would not cover the image with a tenth to spare is enlarged until it
                does.
            size: (H, W) of the piece.
        """
        which = min(int(places[0] * len(self.pictures)), len(self.pictures) - 1)
        picture = self.pictures[which]
        scale = max(scale, *(1.1 * side / own for side, own in zip(size, picture.shape[1:], strict=True)))
        scaled = _scaled(self, which, scale)
        top, left = (
            int(place * (own - side)) for place, own, side in zip(places[1:], scaled.shape[1:], size, strict=True)
        )
        return scaled[:, top : top + size[0], left : left + size[1]]


@lru_cache(maxsize=64)
def _scaled(ice: Ice, which: int, scale: float) -> Tensor:
    picture = ice.pictures[which]
    if scale == 1:
        return picture
    size = [math.ceil(side * scale) for side in picture.shape[1:]]
    mode = "bicubic" if scale > 1 else "bilinear"
    resized = functional.interpolate(picture[None].float(), size=size, mode=mode, align_corners=False)
    return truncated(resized[0].round_().clamp_(0, 255))


@lru_cache(maxsize=1)
def procedural_ice() -> Ice:
    """Five pictures of needles on a clouded, rough pane, 512x512; the same in every call."""
    return Ice([_picture(number, *tint) for number, tint in enumerate(_TINTS)])


def _picture(number: int, low: Sequence[int], high: Sequence[int]) -> Tensor:
    draws = generator("ice", number)
    cloud, rough = (plasma(torch.rand(1, SIDE * SIDE, generator=draws), decay)[0] for decay in (1.6, 1.15))
    height = 0.4 * cloud + 0.25 * rough + 0.35 * _needles(draws)
    height = ((height - height.mean()) * 2 + 0.55).clamp_(0, 1)
    start, end = (torch.tensor(colour, dtype=torch.float32)[:, None, None] for colour in (low, high))
    return truncated((start + (end - start) * height).round_())


def _needles(draws: Generator) -> Tensor:
    """(SIDE, SIDE) in [0, 1]: lines of many directions, fading along their length."""
    points = (torch.rand(NEEDLE_ANGLES, 1, SIDE, SIDE, generator=draws) < 0.003).float()
    angles = torch.rand(NEEDLE_ANGLES, generator=draws) * 90 - 45
    kernels, reach = motion_kernels(Motion(20, 15), angles, (-45.0, 0.0, 45.0), (SIDE, SIDE))
    lines = correlated(points, kernels / kernels.amax((1, 2), keepdim=True), reach, "replicate")[:, 0]
    crossed = torch.cat([lines[::2], lines[1::2].transpose(1, 2)]).amax(0)
    return smoothed(crossed.clamp_(0, 1), 0.7)


def read_ice(folder: Path | str) -> Ice:
    """The PNG and JPEG pictures of a folder, by name.

    Raises:
        ValueError: there is no such folder, no picture in it, or one that cannot be read or is too small.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder; frost needs one with {', '.join(ICE_SUFFIXES)} files of ice")
    paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in ICE_SUFFIXES)
    if not paths:
        raise ValueError(f"{folder}: no picture of ice; frost needs a folder with {', '.join(ICE_SUFFIXES)} files")
    return Ice([_read(path) for path in paths])


def _read(path: Path) -> Tensor:
    from trainables.data.ingestion.decoding import decoded  # a machine that only trains may lack its libraries

    try:
        pixels = decoded(path.read_bytes())
    except (OSError, Unreadable) as error:
        raise ValueError(f"{path}: not a picture of ice ({error}); PNG or JPEG is needed") from error
    height, width = pixels.shape[:2]
    if min(height, width) < _SMALLEST:
        raise ValueError(f"{path}: is {width}x{height}; sides of {_SMALLEST} pixels or more are needed")
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).contiguous()
