"""From the bytes of a mask's file to a class for every pixel, and images with their masks made smaller alike."""

import io
from typing import Final

import numpy as np
from PIL import Image

from trainables.data.ingestion.decoding import Pixels, size_of
from trainables.data.ingestion.trees import Unreadable

IGNORED: Final = 255
"""The void label of PASCAL VOC; `trainables.data.masked_images` has the same."""
_FORMATS: Final = ("PNG",)
_INDEXED: Final = ("P", "L", "1")
_DEPTH: Final = 24
"""Where a PNG's header says how many bits a value has; the next byte is 0 for grey."""
_STRETCHED: Final = {2: 85, 4: 17}
"""By how much Pillow multiplies grey values of few bits, so that the largest becomes 255."""
_LONGEST_REASON: Final = 160


def decoded_mask(content: bytes) -> Pixels:
    """The values (H, W) of a mask: the indices of a palette, whatever its colours, or the grey values.

    Args:
        content: a whole PNG file.

    Raises:
        Unreadable: it is damaged, no PNG, has colours instead of indices, values above 255, or claims more pixels than
            `decoding.MOST_PIXELS`.
    """
    size_of(content)
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            image.load()
            values, mode = np.asarray(image), image.mode
    except Exception as error:  # a decoder raises whatever a damaged file makes it trip over
        raise Unreadable((" ".join(str(error).split()) or type(error).__name__)[:_LONGEST_REASON]) from error
    if mode.startswith("I"):
        if values.max(initial=0) > IGNORED:
            raise Unreadable(
                f"has the value {int(values.max())}; classes are 0 to {IGNORED - 1}, and {IGNORED} is void"
            )
    elif mode not in _INDEXED:
        raise Unreadable(f"has colours (mode {mode}), not indices of classes; store it as a palette or grey PNG")
    depth, kind = content[_DEPTH], content[_DEPTH + 1]
    return values.astype(np.uint8) // (_STRETCHED.get(depth, 1) if kind == 0 else 1)


def check_mask(mask: Pixels, pixels: Pixels, classes: int) -> None:
    """Refuses a mask that does not fit its image, has values that are no class, or is void everywhere.

    Args:
        mask: (H, W).
        pixels: (H, W, 3) of its image.
        classes: how many there are; 0 where any value is one.

    Raises:
        Unreadable.
    """
    if mask.shape != pixels.shape[:2]:
        rows, columns = mask.shape
        height, width, _ = pixels.shape
        raise Unreadable(f"has {columns}x{rows} pixels, the image {width}x{height}")
    wrong = np.unique(mask[(mask >= classes) & (mask != IGNORED)]).tolist() if classes else []
    if wrong:
        raise Unreadable(f"has the value {wrong[0]}; classes are 0 to {classes - 1}, and {IGNORED} is void")
    if (mask == IGNORED).all():
        raise Unreadable(f"is {IGNORED}, void, everywhere")


def fitted_size(width: int, height: int, longest: int | None) -> tuple[int, int]:
    """Width and height whose longer one is `longest` at most, in the same ratio; as they are where none is larger."""
    larger = max(width, height)
    if longest is None or larger <= longest:
        return width, height
    return max(1, round(width * longest / larger)), max(1, round(height * longest / larger))


def fitted_pair(pixels: Pixels, mask: Pixels, longest: int | None) -> tuple[Pixels, Pixels]:
    """Both at `fitted_size`: images by antialiased bilinear interpolation, masks by the nearest pixel.

    Args:
        pixels: (H, W, 3).
        mask: (H, W).
        longest: pixels of the longer side at most; None for any number.
    """
    size = fitted_size(mask.shape[1], mask.shape[0], longest)
    if size == mask.shape[::-1]:
        return pixels, mask
    return (
        np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR)),
        np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST)),
    )
