"""AugMix's operations by name and code, and how images with an operation each are worked on together."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

import torch
from torch import Tensor

from trainables.perturbations.augmix import moves, tones
from trainables.perturbations.augmix.shears import Shear

_TONES: Final[Mapping[str, Callable[[Tensor, Tensor], Tensor]]] = {
    "autocontrast": tones.autocontrast,
    "equalize": tones.equalize,
    "posterize": tones.posterize,
    "solarize": tones.solarize,
    "brightness": tones.brightness,
    "contrast": tones.contrast,
    "colour": tones.colour,
    "sharpness": tones.sharpness,
}
_SHIFTS: Final[Mapping[str, Callable[[Tensor, Tensor], Tensor]]] = {
    "translate_x": moves.translate_x,
    "translate_y": moves.translate_y,
}
_SAMPLED: Final = ("rotate", "shear_x", "shear_y")

OVERLAPPING: Final = ("brightness", "contrast", "colour", "sharpness")
"""Operations that resemble corruptions of the test, and come on request alone."""

OPERATIONS: Final = (*_SAMPLED, *_SHIFTS, *(name for name in _TONES if name not in OVERLAPPING), *OVERLAPPING)
"""Names of all operations; a code is a place in it."""

NONE: Final = -1
"""The code of a step that a shorter chain does not take."""


_CACHED: Final = 3 * 2**16  # values that stay in a core's cache, with what is computed from them


def at_once(images: Tensor) -> int:
    """How many of these images one operation had best take at once: all, but on a CPU what its cache holds."""
    return max(1, _CACHED // images[0].numel()) if images.device.type == "cpu" else len(images)


def order(codes: Tensor, levels: Tensor) -> Tensor:
    """Rows by operation, those of equal operations by level: so equal work and equal shifts lie together.

    Args:
        codes: (n,) int64.
        levels: (n,) float64 within [-10, 10].
    """
    return (codes * 32 + levels).argsort(stable=True)


def apply(images: Tensor, sources: Tensor, codes: Tensor, levels: Tensor, out: Tensor) -> None:
    """Fills `out` with what operations make of images.

    Args:
        images: (N, 3, H, W) uint8, contiguous.
        sources: (n,) int64, which image each operation takes; on the images' device.
        codes: (n,) int64, ascending, on the CPU.
        levels: (n,) float64, on the CPU; below 0 a move goes the other way, and other operations have no other way.
        out: (n, 3, H, W) uint8, on the images' device; shares no memory with the images.
    """
    first = 0
    for work, count, size in _works(images, codes, levels):
        own, end = sources[first : first + count], out[first : first + count]
        for start in range(0, count, size):
            rows = slice(start, min(start + size, count))
            # Taken out here and not for all at once: what a cache holds is worked on in it.
            end[rows] = work(images.index_select(0, own[rows]), rows)
        first += count


def _works(
    images: Tensor, codes: Tensor, levels: Tensor
) -> Iterator[tuple[Callable[[Tensor, slice], Tensor], int, int]]:
    """In the order of codes: what to do with images and the slice of its own that they are, how many, how many at once.

    Shifts take all at once: they only copy, and equal shifts in one piece are one copy.
    """
    size = at_once(images)
    counts = codes.bincount(minlength=len(OPERATIONS)).tolist()
    height, width = images.shape[2:]
    turned, across, upright, *others = torch.split(levels, counts)
    if len(turned):
        yield moves.Rotation(turned, images, size), len(turned), size
    # Together where that can be: what is made ready for few small images takes longer than they do.
    kinds = ((torch.cat([across, upright]), len(across)),) if height == width else ((across, len(across)), (upright, 0))
    for own, first in kinds:
        if len(own):
            yield Shear(own, images, size, first), len(own), size
    for name, own in zip(OPERATIONS[len(_SAMPLED) :], others, strict=True):
        if len(own):
            yield partial(_by_name, name, own), len(own), len(own) if name in _SHIFTS else size


def _by_name(name: str, levels: Tensor, part: Tensor, rows: slice) -> Tensor:
    return _SHIFTS[name](part, levels[rows]) if name in _SHIFTS else _TONES[name](part, levels[rows].abs())
