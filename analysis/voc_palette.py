"""The colours that PASCAL VOC draws classes in, and masks drawn in them."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.uint8]
"""(H, W) classes, VOID where a pixel is told to be of none."""
Pixels = NDArray[np.uint8]
"""(H, W, 3)."""

VOID: Final = 255
LINE: Final = (255, 255, 255)
"""Of outlines; no class has it."""


def _palette() -> Pixels:
    """(256, 3): bits 0, 3, 6 of a class are the highest bits of red, then 1, 4, 7 of green, and 2, 5 of blue.

    Source: `VOClabelcolormap.m` of the development kit of PASCAL VOC.
    """
    classes = np.arange(256)
    colours = np.zeros((256, 3), np.uint8)
    for bit in range(8):
        colours[:, bit % 3] |= ((classes >> bit & 1) << (7 - bit // 3)).astype(np.uint8)
    return colours


PALETTE: Final = _palette()
"""(256, 3) colours of all classes, each its own; class 0 is black, VOID is cream."""


def painted(mask: Mask) -> Pixels:
    """Returns a mask in its classes' colours."""
    picture: Pixels = PALETTE[mask]
    return picture


def outlined(picture: Pixels, truth: Mask) -> Pixels:
    """Returns a picture with a line before each change of the true class to the right or downwards."""
    edge = np.zeros(truth.shape, bool)
    edge[:, :-1] |= truth[:, 1:] != truth[:, :-1]
    edge[:-1] |= truth[1:] != truth[:-1]
    lined = picture.copy()
    lined[edge] = LINE
    return lined


def hex_colour(number: int) -> str:
    """Returns a class's colour as "#rrggbb"."""
    return "#" + "".join(f"{part:02x}" for part in PALETTE[number].tolist())
