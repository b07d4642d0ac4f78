"""AugMix's operations by name and code, and how images with an operation each are worked on together."""

from collections.abc import Callable, Mapping
from typing import Final

import torch
from torch import Tensor

from trainables.perturbations.augmix import moves, tones

_TONES: Final[Mapping[str, Callable[[Tensor, Tensor], None]]] = {
    "autocontrast": tones.autocontrast,
    "equalize": tones.equalize,
    "posterize": tones.posterize,
    "solarize": tones.solarize,
    "brightness": tones.brightness,
    "contrast": tones.contrast,
    "colour": tones.colour,
    "sharpness": tones.sharpness,
}
_SHIFTS: Final[Mapping[str, Callable[[Tensor, Tensor], None]]] = {
    "translate_x": moves.translate_x,
    "translate_y": moves.translate_y,
}
_MAPS: Final[Mapping[str, Callable[[Tensor, int, int], Tensor]]] = {
    "rotate": moves.rotation,
    "shear_x": moves.shear_x,
    "shear_y": moves.shear_y,
}

OVERLAPPING: Final = ("brightness", "contrast", "colour", "sharpness")
"""Operations that resemble corruptions of the test, and come on request alone."""

OPERATIONS: Final = (*_MAPS, *_SHIFTS, *(name for name in _TONES if name not in OVERLAPPING), *OVERLAPPING)
"""Names of all operations; a code is a place in it."""

NONE: Final = -1
"""The code of a step that a shorter chain does not take."""


def order(codes: Tensor, levels: Tensor) -> Tensor:
    """Rows by operation, those of equal operations by level: slices cost nothing, and equal shifts lie together.

    Args:
        codes: (n,) int64.
        levels: (n,) float64 within [-10, 10].
    """
    return (codes * 32 + levels).argsort(stable=True)


def apply(images: Tensor, codes: Tensor, levels: Tensor) -> None:
    """Each image becomes what its own operation makes of it; one of code NONE stays.

    Args:
        images: (n, 3, H, W) uint8, contiguous, changed in place.
        codes: (n,) int64, ascending, on the CPU.
        levels: (n,) float64, on the CPU; below 0 a move goes the other way, and other operations have no other way.
    """
    counts = (codes + 1).bincount(minlength=len(OPERATIONS) + 1).tolist()
    own_images = dict(zip(OPERATIONS, images.split(counts)[1:], strict=True))
    own_levels = dict(zip(OPERATIONS, levels.split(counts)[1:], strict=True))
    drawn = [name for name in OPERATIONS if len(own_levels[name])]
    for name in drawn:
        if name in _TONES:
            _TONES[name](own_images[name], own_levels[name].abs())
        elif name in _SHIFTS:
            _SHIFTS[name](own_images[name], own_levels[name])
    maps = [_MAPS[name](own_levels[name], *images.shape[2:]) for name in drawn if name in _MAPS]
    if maps:  # these have the lowest codes, so their images lie together
        moves.sample(images[counts[0] : sum(counts[: len(_MAPS) + 1])], torch.cat(maps))
