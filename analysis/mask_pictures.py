"""Brings images and masks to the size they are drawn in: small ones enlarged without blur, large ones scaled down."""

import base64
import io
import math
from typing import Any, Final

import numpy as np
from matplotlib import image as pictures

from analysis.voc_palette import Mask, Pixels, outlined, painted

SIDE_LEAST: Final = 200
"""Pixels of the longer side, which a smaller image is enlarged to by a whole number."""
SIDE_MOST: Final = 320
OUTLINED_FROM: Final = 3
"""Times that pixels are enlarged from which on a line hides no region that is one of them wide."""

_METADATA: Final[Any] = {"Software": None}  # else the bytes would change with each version of matplotlib


def drawn_size(height: int, width: int) -> tuple[int, int]:
    """Returns height and width in drawn pixels: a whole multiple of a small image, SIDE_MOST at most of a large one."""
    longer = max(height, width)
    if longer < SIDE_LEAST:
        times = math.ceil(SIDE_LEAST / longer)
        return height * times, width * times
    share = min(1.0, SIDE_MOST / longer)
    return max(1, round(height * share)), max(1, round(width * share))


def is_outlined(height: int, width: int) -> bool:
    """Returns whether masks of so many pixels are drawn with lines."""
    return drawn_size(height, width)[0] >= OUTLINED_FROM * height


def image_picture(image: Pixels) -> Pixels:
    """Returns an image in its drawn size: pixels repeated where it is enlarged, averaged where it is scaled down."""
    height, width = drawn_size(*image.shape[:2])
    if height > image.shape[0] or width > image.shape[1]:
        return _nearest(image, height, width)
    return _averaged(image, height, width)


def mask_picture(mask: Mask, truth: Mask) -> Pixels:
    """Returns a mask in its drawn size and its classes' colours, which never mix.

    Where pixels are enlarged enough, white lines show where the true classes meet, so that a prediction's errors stand
    out. Lines around its own regions would cover a prediction that noise has torn to single pixels.
    """
    height, width = drawn_size(*mask.shape)
    picture = painted(_nearest(mask, height, width))
    return outlined(picture, _nearest(truth, height, width)) if is_outlined(*mask.shape) else picture


def as_data(picture: Pixels) -> str:
    """Returns a picture as the address of a PNG that lies within the address."""
    written = io.BytesIO()
    pictures.imsave(written, picture, format="png", metadata=_METADATA)
    return f"data:image/png;base64,{base64.b64encode(written.getvalue()).decode()}"


def _nearest(values: Pixels, height: int, width: int) -> Pixels:
    rows = ((np.arange(height) + 0.5) * values.shape[0] / height).astype(int)
    columns = ((np.arange(width) + 0.5) * values.shape[1] / width).astype(int)
    found: Pixels = values[rows][:, columns]
    return found


def _averaged(image: Pixels, height: int, width: int) -> Pixels:
    """The mean over each drawn pixel's own pixels, whose numbers differ by one at most."""
    sums = image.astype(np.float64)
    for axis, drawn in ((0, height), (1, width)):
        starts = np.arange(drawn) * image.shape[axis] // drawn
        counts = np.diff(np.append(starts, image.shape[axis]))
        sums = np.add.reduceat(sums, starts, axis) / np.expand_dims(counts, tuple({0, 1, 2} - {axis}))
    found: Pixels = np.rint(sums).astype(np.uint8)
    return found
