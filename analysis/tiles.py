"""Lays small pictures out in rows and columns on one white ground, each as large as its cell allows."""

from collections.abc import Sequence
from typing import Final

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Values = NDArray[np.float64]

WHITE: Final = 255
HATCHED: Final = 232
"""Grey of what has no value."""


def coloured(values: Values, low: float, high: float) -> Pixels:
    """Returns (H, W, 3) colours of (H, W) values, dark at `low` and light at `high`; grey where there is no number."""
    width = high - low
    shares = (values - low) / width if width > 0 else np.full_like(values, 0.5)
    known = np.isfinite(values)
    painted = mpl.colormaps["viridis"](np.where(known, shares, 0.0), bytes=True)[..., :3]
    return np.where(known[..., None], painted, np.uint8(HATCHED)).astype(np.uint8)


def signed(values: Values) -> Pixels:
    """Returns (H, W, 3) pixels of (C, H, W) weights of three colours or one: grey is 0, each on its own scale."""
    most = float(np.abs(values).max()) or 1.0
    levels = np.rint(127.5 + 127.5 * values / most).astype(np.uint8)
    return np.ascontiguousarray(np.moveaxis(levels if len(levels) == 3 else np.repeat(levels[:1], 3, 0), 0, -1))


def fitted(picture: Pixels, side: int) -> Pixels:
    """Returns the picture with its longer side near `side`: pixels repeated a whole number of times, or averaged."""
    longer = max(picture.shape[:2])
    if picture.shape[0] == 1:
        picture = np.repeat(picture, max(1, longer // 4), 0)  # else units in one row would be a hair
    if longer <= side:
        times = side // longer
        return np.repeat(np.repeat(picture, times, 0), times, 1)
    size = (max(1, round(picture.shape[1] * side / longer)), max(1, round(picture.shape[0] * side / longer)))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX))


def laid(rows: Sequence[Sequence[Pixels | None]], side: int, gaps: Sequence[int], between: int) -> Pixels:
    """Returns one picture of all, each in the middle of a square cell.

    Args:
        rows: pictures of at most `side` pixels; None leaves a cell empty.
        side: of a cell in pixels.
        gaps: white before each column but the first.
        between: white between rows.
    """
    lefts = np.concatenate([[0], np.cumsum([side + gap for gap in gaps])]).astype(int)
    height = len(rows) * (side + between) - between
    ground = np.full((height, int(lefts[-1]) + side, 3), WHITE, np.uint8)
    for number, row in enumerate(rows):
        for left, picture in zip(lefts, row, strict=False):
            if picture is not None:
                top = number * (side + between) + (side - picture.shape[0]) // 2
                start = left + (side - picture.shape[1]) // 2
                ground[top : top + picture.shape[0], start : start + picture.shape[1]] = picture
    return ground


def squared(pictures: Sequence[Pixels], side: int, across: int, between: int) -> Pixels:
    """Returns pictures as a block of `across` columns, each fitted to a cell of `side` pixels."""
    cells: list[Pixels | None] = [fitted(picture, side) for picture in pictures]
    rows = [cells[start : start + across] for start in range(0, len(cells), across)]
    return laid(rows, side, [between] * (across - 1), between)


def plane(row: dict[str, object]) -> Values:
    """Returns the (height, width) values of a table's row; (colours, height, width) where it says colours."""
    found = np.asarray(row["values"], dtype=np.float64)
    shape = [int(str(row[name])) for name in ("colours", "height", "width") if name in row]
    return found.reshape(shape)
