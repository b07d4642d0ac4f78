"""`embedded-digits`: handwritten digits in colour on patches of photographs, 3x32x32, made from scikit-learn's package.

The digits are the test part of UCI's Optical Recognition of Handwritten Digits (Alpaydin & Kaynak 1998), the
photographs scikit-learn's `china.jpg` and `flower.jpg`; both lie in scikit-learn's package, and nothing is downloaded.
Every pixel is made in integers and every draw by SHA-256, so the bytes depend on no generator's version; the
photographs are decoded by the installed JPEG library, which is the one place where a machine could differ.
"""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from trainables.seeds import derive

Integers = npt.NDArray[np.int64]

SPLITS: Final = ("train", "validation", "test", "holdout")
PRETEXT: Final = "pretext"
"""A part of digits and cells that no split uses; see `trainables.data.embedded_pretext`."""
PARTS: Final = (*SPLITS, PRETEXT)
SIDE: Final = 32
CELL_SIDE: Final = 64
PHOTOGRAPHS: Final = ("china.jpg", "flower.jpg")
COMPOSITES: Final = 2
"""Images per digit: with two, a thin ResNet-18 gets 6 points further on the validation digits than with one."""
DIGITS_PER_CLASS: Final = 20
"""Of each class in validation, test and hold-out; the others train, but for those of the pretext part."""
PRETEXT_DIGITS_PER_CLASS: Final = 15
CELLS_PER_PHOTOGRAPH: Final = 10
"""Cells of each photograph in validation, test and hold-out; the others train, but for those of the pretext part."""
PRETEXT_CELLS_PER_PHOTOGRAPH: Final = 6
NEAR_TWIN: Final = 64
"""Squared distance of two 8x8 scans (0 to 16) up to which they count as one digit; the median nearest one has 260."""
CONTRAST: Final = (64, 104)
"""Luminance steps between a stroke and what it covers. Below, digits vanish; above, noise costs little."""
STROKE_SIDES: Final = (24, 26, 28)
"""Side of the enlarged scan. From 28 on, a net averages noise away: 7 points lost at sigma 0.2 where these lose 14."""
PATCH_QUARTERS: Final = 3
"""Quarters of a patch's own contrast that are kept: with all four, the net stays about 4 points lower."""
_LUMINANCE: Final = np.array([299, 587, 114])


@dataclass(frozen=True)
class Photograph:
    """A photograph under its file name; pixels (height, width, 3) in 0 to 255."""

    name: str
    pixels: Integers


@dataclass(frozen=True)
class Cell:
    """A square of one photograph that belongs to one split; no pixel belongs to two cells."""

    photograph: Photograph
    top: int
    left: int


@dataclass(frozen=True)
class Composite:
    """One image, (32, 32, 3) uint8, with the patch it stands on and the cell that the patch is cut from."""

    pixels: npt.NDArray[np.uint8]
    patch: str
    cell: str


def build(directory: Path) -> None:
    """Writes the four splits and `data.json`; the same bytes in every call."""
    import torch  # the registry's readers need none

    from trainables.data.images import write_images

    scans, labels = scanned_digits()
    parts, cells = split_digits(scans, labels), split_cells(load_photographs())
    for split in SPLITS:
        digits = parts[split]
        made = [composites(digit, scans[digit], cells[split], COMPOSITES) for digit in digits]
        flat = list(itertools.chain.from_iterable(made))
        images = np.stack([composite.pixels for composite in flat]).transpose(0, 3, 1, 2)
        sources = np.repeat(digits, COMPOSITES)
        write_images(
            directory / f"{split}.arrow",
            torch.from_numpy(np.ascontiguousarray(images)),
            torch.from_numpy(labels[sources]),
            [f"digit:{digit}" for digit in sources],
            patch=[composite.patch for composite in flat],
            cell=[composite.cell for composite in flat],
        )
        if split == "train":
            (directory / "data.json").write_text(json.dumps(_described(images)))


def scanned_digits() -> tuple[Integers, Integers]:
    """The 1,797 scans (1797, 8, 8) with values 0 to 16, and their classes (1797,)."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    return digits.images.astype(np.int64), digits.target.astype(np.int64)


def load_photographs() -> list[Photograph]:
    """The two photographs, 427x640 each."""
    from sklearn.datasets import load_sample_image

    return [Photograph(name, load_sample_image(name).astype(np.int64)) for name in PHOTOGRAPHS]


def split_digits(scans: Integers, labels: Integers) -> Mapping[str, Sequence[int]]:
    """Indices of each part's digits: disjoint, near twins together, the same number of every class outside `train`."""
    found: dict[str, list[int]] = {part: [] for part in PARTS}
    drawn = sorted(_families(scans), key=lambda family: derive("embedded-digits", "family", family[0]))
    for label in range(10):
        own = [family for family in drawn if labels[family[0]] == label]
        for part in PARTS[1:]:
            taken: list[int] = []
            while len(taken) < (PRETEXT_DIGITS_PER_CLASS if part == PRETEXT else DIGITS_PER_CLASS):
                taken += own.pop(0)
            found[part] += taken
        found["train"] += itertools.chain.from_iterable(own)
    return {part: sorted(digits) for part, digits in found.items()}


def split_cells(photographs: Sequence[Photograph]) -> Mapping[str, Sequence[Cell]]:
    """Each part's cells, drawn from the whole of every photograph so that no part has scenery of its own."""
    found: dict[str, list[Cell]] = {part: [] for part in PARTS}
    for photograph in photographs:
        drawn = _drawn_cells(photograph)
        for part in PARTS[1:]:
            count = PRETEXT_CELLS_PER_PHOTOGRAPH if part == PRETEXT else CELLS_PER_PHOTOGRAPH
            found[part] += drawn[:count]
            drawn = drawn[count:]
        found["train"] += drawn
    return found


def composites(digit: int, scan: Integers, cells: Sequence[Cell], count: int) -> Iterator[Composite]:
    """The images of one digit, each with its own patch, place, size and colour.

    Args:
        digit: its number, from which everything is drawn.
        scan: (8, 8), 0 to 16.
        cells: of the digit's part.
        count: of images; the first ones are the same whatever it is.
    """
    for number in range(count):
        draw = _Draw(digit, number)
        cell = cells[draw.below(len(cells), "cell")]
        top = cell.top + draw.below(CELL_SIDE - SIDE + 1, "patch row")
        left = cell.left + draw.below(CELL_SIDE - SIDE + 1, "patch column")
        patch = softened(cell.photograph.pixels[top : top + SIDE, left : left + SIDE])
        cover = _cover(scan, draw)
        colour = _colour(patch, cover, draw)
        mixed = (patch * (255 - cover[..., None]) + colour * cover[..., None] + 127) // 255
        name = cell.photograph.name
        yield Composite(mixed.astype(np.uint8), f"{name}:{top},{left}", f"{name}:{cell.top},{cell.left}")


def stroke(scan: Integers, side: int) -> Integers:
    """The scan enlarged bilinearly in integers: (side, side) opacities, 0 to 255."""
    # Source positions of pixel centres, in 1/256 of a source pixel.
    places = (2 * np.arange(side) + 1) * len(scan) * 128 // side - 128
    low, share = places // 256, places % 256
    first, second = low.clip(0, len(scan) - 1), (low + 1).clip(0, len(scan) - 1)
    rows = scan[first] * (256 - share)[:, None] + scan[second] * share[:, None]
    both = rows[:, first] * (256 - share) + rows[:, second] * share
    opacities: Integers = (both * 255 + 8 * 65536) // (16 * 65536)
    return opacities


def softened(patch: Integers) -> Integers:
    """The patch (32, 32, 3) with `PATCH_QUARTERS` of its contrast about the mean of each channel."""
    mean = patch.sum((0, 1)) // SIDE**2
    softened: Integers = mean + (patch - mean) * PATCH_QUARTERS // 4
    return softened


@dataclass(frozen=True)
class _Draw:
    digit: int
    number: int

    def below(self, limit: int, *purpose: int | str) -> int:
        return derive("embedded-digits", self.digit, self.number, *purpose) % limit


def _cover(scan: Integers, draw: _Draw) -> Integers:
    side = STROKE_SIDES[draw.below(len(STROKE_SIDES), "stroke side")]
    top, left = (draw.below(SIDE - side + 1, f"stroke {axis}") for axis in ("row", "column"))
    cover = np.zeros((SIDE, SIDE), np.int64)
    cover[top : top + side, left : left + side] = stroke(scan, side)
    return cover


def _colour(patch: Integers, cover: Integers, draw: _Draw) -> Integers:
    """The first drawn colour whose luminance differs lawfully from the covered pixels' mean, weighted by opacity."""
    weight = int(cover.sum())
    covered = int(((patch @ _LUMINANCE) * cover).sum())
    for attempt in itertools.count():
        colour = np.array([draw.below(256, "colour", attempt, channel) for channel in range(3)])
        distance = abs(int(colour @ _LUMINANCE) * weight - covered)
        if CONTRAST[0] * 1000 * weight <= distance <= CONTRAST[1] * 1000 * weight:
            return colour
    raise AssertionError("unreachable: every luminance has lawful ones above or below it")


def _families(scans: Integers) -> list[list[int]]:
    """Digits that are near twins, joined through each other; most stand alone."""
    flat = scans.reshape(len(scans), -1)
    norms = (flat**2).sum(1)
    close = norms[:, None] + norms[None] - 2 * flat @ flat.T <= NEAR_TWIN
    family = np.arange(len(scans))
    for first, second in zip(*np.nonzero(np.triu(close, 1)), strict=True):
        family[family == family[second]] = family[first]
    return [np.flatnonzero(family == root).tolist() for root in np.unique(family)]


def _drawn_cells(photograph: Photograph) -> list[Cell]:
    height, width, _ = photograph.pixels.shape
    first_row, first_column = (height % CELL_SIDE) // 2, (width % CELL_SIDE) // 2
    cells = [
        Cell(photograph, top, left)
        for top in range(first_row, height - CELL_SIDE + 1, CELL_SIDE)
        for left in range(first_column, width - CELL_SIDE + 1, CELL_SIDE)
    ]
    return sorted(cells, key=lambda cell: derive("embedded-digits", "cell", photograph.name, cell.top, cell.left))


def _described(images: npt.NDArray[np.uint8]) -> dict[str, Any]:
    pixels = images.astype(np.int64)
    count = pixels[:, 0].size
    mean = pixels.sum((0, 2, 3)) / count
    variance = (pixels**2).sum((0, 2, 3)) / count - mean**2
    return {
        "classes": [str(label) for label in range(10)],
        "mean": [round(float(value) / 255, 6) for value in mean],
        "std": [round(float(value) ** 0.5 / 255, 6) for value in variance],
        "image_shape": list(images.shape[1:]),
        "flips_keep_labels": False,
        "lineage_columns": ["cell"],
    }
