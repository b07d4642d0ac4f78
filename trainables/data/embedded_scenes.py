"""`embedded-scenes`: one to four handwritten digits on a patch of a photograph, 3x64x64, with the class of every pixel.

The sources are those of `embedded-digits`, and so is their division: a digit or a cell of a photograph that trains in
one set trains in the other. Every pixel is made in integers and every draw by SHA-256, so the bytes depend on no
generator's version; the photographs are decoded by the installed JPEG library.
"""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from trainables.data.embedded_digits import (
    CELL_SIDE,
    CONTRAST,
    PATCH_QUARTERS,
    SPLITS,
    Cell,
    Integers,
    load_photographs,
    scanned_digits,
    split_cells,
    split_digits,
    stroke,
)
from trainables.seeds import derive

SIDE: Final = 64
CLASSES: Final = ("background", *map(str, range(10)))
COUNTS: Final = {"train": 800, "validation": 200, "test": 200, "holdout": 200}
"""Scenes of each split. An epoch of a thin UNet3+ on the training scenes takes one core about 20 seconds."""
MOST_DIGITS: Final = 4
STROKE_SIDES: Final = (18, 22, 27, 33)
"""Sides of the enlarged scans: from a quarter of the scene to a half."""
PATCH_SIDES: Final = (40, 48, 56)
"""Sides of the squares that are enlarged to a scene; smaller ones are blurred."""
HALF: Final = 128
"""Opacity, of 255, from which on a pixel is the digit's."""
LEAST_SEEN: Final = (3, 4)
"""The share of a digit's pixels that the digits above it leave to be seen."""
_LUMINANCE: Final = np.array([299, 587, 114])


@dataclass(frozen=True)
class Place:
    """Where a digit stands in a scene: the square of its enlarged scan."""

    digit: int
    side: int
    top: int
    left: int


@dataclass(frozen=True)
class Scene:
    """One image with its mask, and what both were made from.

    Attributes:
        pixels: (64, 64, 3) uint8.
        mask: (64, 64) uint8: 0, or one more than the digit's class.
        places: of the digits, the lowest first; later ones cover earlier ones.
        patch: the square of a photograph behind them, as `name:top,left,side,turn`.
        cell: the cell that the patch is cut from.
    """

    pixels: npt.NDArray[np.uint8]
    mask: npt.NDArray[np.uint8]
    places: tuple[Place, ...]
    patch: str
    cell: str


def build(directory: Path) -> None:
    """Writes the four splits and `data.json`; the same bytes in every call.

    `lineage` is the cell of a photograph. A scene has several digits, so they are a list in the column `digits`, and a
    digit that stands in a list of one split stands in none of another.
    """
    import torch  # the registry's readers need none

    from trainables.data.masked_images import write_masked

    scans, labels = scanned_digits()
    parts, cells = split_digits(scans, labels), split_cells(load_photographs())
    for split in SPLITS:
        made = [scene(split, number, scans, labels, parts[split], cells[split]) for number in range(COUNTS[split])]
        images = np.ascontiguousarray(np.stack([each.pixels for each in made]).transpose(0, 3, 1, 2))
        write_masked(
            directory / f"{split}.arrow",
            torch.from_numpy(images),
            torch.from_numpy(np.stack([each.mask for each in made])),
            [each.cell for each in made],
            digits=[[f"digit:{place.digit}" for place in each.places] for each in made],
            patch=[each.patch for each in made],
        )
        if split == "train":
            (directory / "data.json").write_text(json.dumps(_described(images)))


def scene(
    split: str, number: int, scans: Integers, labels: Integers, digits: Sequence[int], cells: Sequence[Cell]
) -> Scene:
    """One scene of a split, a function of its number.

    Args:
        split: from whose name everything is drawn.
        number: of the scene.
        scans: of all digits, (n, 8, 8), 0 to 16.
        labels: of all digits.
        digits: indices of the split's own.
        cells: the split's own.
    """
    draw = _Draw(split, number)
    cell = cells[draw.below(len(cells), "cell")]
    pixels, patch = _patch(cell, draw)
    places = _places(scans, digits, draw)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for order, place in enumerate(places):
        opacity = cover(scans[place.digit], place)
        colour = _colour(pixels, opacity, draw, order)
        pixels = (pixels * (255 - opacity[..., None]) + colour * opacity[..., None] + 127) // 255
        mask[opacity >= HALF] = labels[place.digit] + 1
    name = cell.photograph.name
    return Scene(pixels.astype(np.uint8), mask, places, patch, f"{name}:{cell.top},{cell.left}")


def cover(scan: Integers, place: Place) -> Integers:
    """(64, 64) opacities of a digit at its place, 0 to 255."""
    opacity = np.zeros((SIDE, SIDE), np.int64)
    opacity[place.top : place.top + place.side, place.left : place.left + place.side] = stroke(scan, place.side)
    return opacity


def enlarged(square: Integers, side: int) -> Integers:
    """A square of pixels (s, s, C), 0 to 255, enlarged bilinearly in integers: (side, side, C)."""
    # Source positions of pixel centres, in 1/256 of a source pixel.
    places = ((2 * np.arange(side) + 1) * len(square) * 128 // side - 128).clip(0, (len(square) - 1) * 256)
    low, share = places // 256, places % 256
    high = (low + 1).clip(0, len(square) - 1)
    rows = square[low] * (256 - share)[:, None, None] + square[high] * share[:, None, None]
    both = rows[:, low] * (256 - share)[:, None] + rows[:, high] * share[:, None]
    pixels: Integers = (both + 32768) // 65536
    return pixels


@dataclass(frozen=True)
class _Draw:
    split: str
    number: int

    def below(self, limit: int, *purpose: int | str) -> int:
        return derive("embedded-scenes", self.split, self.number, *purpose) % limit


def _patch(cell: Cell, draw: _Draw) -> tuple[Integers, str]:
    """The background (64, 64, 3), with a part of its own contrast, and its name."""
    side = PATCH_SIDES[draw.below(len(PATCH_SIDES), "patch side")]
    top = cell.top + draw.below(CELL_SIDE - side + 1, "patch row")
    left = cell.left + draw.below(CELL_SIDE - side + 1, "patch column")
    turn = draw.below(8, "turn")
    pixels = enlarged(cell.photograph.pixels[top : top + side, left : left + side], SIDE)
    pixels = np.rot90(pixels.transpose(1, 0, 2) if turn >= 4 else pixels, turn % 4)
    mean = pixels.sum((0, 1)) // SIDE**2
    pixels = mean + (pixels - mean) * PATCH_QUARTERS // 4
    return pixels, f"{cell.photograph.name}:{top},{left},{side},{turn}"


def _places(scans: Integers, digits: Sequence[int], draw: _Draw) -> tuple[Place, ...]:
    """One to four digits; their sizes and places are drawn anew, all together, until enough of each is seen."""
    # The digits stay over all attempts, or scenes of many would prefer those with thin strokes.
    chosen = [digits[draw.below(len(digits), "digit", order)] for order in range(1 + draw.below(MOST_DIGITS, "count"))]
    for attempt in itertools.count():
        places = tuple(_place(digit, draw, attempt, order) for order, digit in enumerate(chosen))
        if _are_seen([cover(scans[place.digit], place) >= HALF for place in places]):
            return places
    raise AssertionError("unreachable: small digits find room")


def _place(digit: int, draw: _Draw, attempt: int, order: int) -> Place:
    side = STROKE_SIDES[draw.below(len(STROKE_SIDES), "side", attempt, order)]
    top, left = (draw.below(SIDE - side + 1, axis, attempt, order) for axis in ("row", "column"))
    return Place(digit, side, top, left)


def _are_seen(shapes: Sequence[npt.NDArray[np.bool_]]) -> bool:
    part, whole = LEAST_SEEN
    above = np.zeros((SIDE, SIDE), bool)
    for shape in reversed(shapes):
        if (shape & ~above).sum() * whole < shape.sum() * part:
            return False
        above |= shape
    return True


def _colour(pixels: Integers, opacity: Integers, draw: _Draw, order: int) -> Integers:
    """The first drawn colour whose luminance differs lawfully from the covered pixels' mean, weighted by opacity."""
    weight = int(opacity.sum())
    covered = int(((pixels @ _LUMINANCE) * opacity).sum())
    for attempt in itertools.count():
        colour = np.array([draw.below(256, "colour", order, attempt, channel) for channel in range(3)])
        distance = abs(int(colour @ _LUMINANCE) * weight - covered)
        if CONTRAST[0] * 1000 * weight <= distance <= CONTRAST[1] * 1000 * weight:
            return colour
    raise AssertionError("unreachable: every luminance has lawful ones above or below it")


def _described(images: npt.NDArray[np.uint8]) -> dict[str, Any]:
    pixels = images.astype(np.int64)
    count = pixels[:, 0].size
    mean = pixels.sum((0, 2, 3)) / count
    variance = (pixels**2).sum((0, 2, 3)) / count - mean**2
    return {
        "classes": list(CLASSES),
        "mean": [round(float(value) / 255, 6) for value in mean],
        "std": [round(float(value) ** 0.5 / 255, 6) for value in variance],
        "image_shape": list(images.shape[1:]),
        "flips_keep_labels": False,
        "lineage_columns": ["digits"],
    }
