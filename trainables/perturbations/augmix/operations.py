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
    """Each image becomes what its own operation makes of it.

    Args:
        images: (n, 3, H, W) uint8, contiguous, changed in place.
        codes: (n,) int64, ascending, on the CPU.
        levels: (n,) float64, on the CPU; below 0 a move goes the other way, and other operations have no other way.
    """
    counts = codes.bincount(minlength=len(OPERATIONS)).tolist()
    parts = zip(OPERATIONS, torch.split(images, counts), torch.split(levels, counts), strict=True)
    maps = []
    for name, part, own in parts:
        if not len(part):
            continue
        if name in _MAPS:
            maps.append(_MAPS[name](own, *images.shape[2:]))
        elif name in _SHIFTS:
            _SHIFTS[name](part, own)
        else:
            size = moves.at_once(part)
            for few, few_levels in zip(torch.split(part, size), torch.split(own.abs(), size), strict=True):
                _TONES[name](few, few_levels)
    if maps:  # these have the lowest codes, so their images lie together
        moves.sample(images[: sum(counts[: len(_MAPS)])], torch.cat(maps))
