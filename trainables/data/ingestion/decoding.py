"""From the bytes of an image file to 8-bit RGB pixels, whatever the file's own mode.

Laws: an EXIF orientation is applied; what is transparent lies on white; CMYK goes to RGB without a colour profile, and
in a JPEG its inks are inverted first, as Adobe stores them; 16-bit values keep their upper 8 bits; of several frames
the first counts.
"""

import io
from contextlib import suppress
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image, ImageOps, UnidentifiedImageError

from trainables.data.ingestion.trees import Unreadable

Pixels = npt.NDArray[np.uint8]

SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm")
"""Ends of names in lower case; a file with another one counts as no image."""
MOST_PIXELS: Final = 89_478_485
"""As Pillow has it: a quarter of a gibibyte of RGB. A small file can claim any number."""
_FORMATS: Final = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM")  # none that starts another program
_ORIENTATION: Final = 0x0112
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_LAID_OVER: Final = (5, 6, 7, 8)
_LONGEST_REASON: Final = 160


def decoded(content: bytes, room: Pixels | None = None) -> Pixels:
    """The pixels (H, W, 3) of an image file.

    Args:
        content: the whole file.
        room: contiguous, used for the result and returned where the image has just its size.

    Raises:
        Unreadable: it is damaged, cut short, of no known format, or claims more than `MOST_PIXELS`.
    """
    pixels = _plain_jpeg(content, room)
    return _by_pillow(content) if pixels is None else pixels


def size_of(content: bytes) -> tuple[int, int]:
    """Width and height of the image that `decoded` would give, from the file's header alone.

    Raises:
        Unreadable: the header is damaged, of no known format, or claims more than `MOST_PIXELS`.
    """
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            width, height = _checked_size(*image.size)
            if image.format == "TIFF":  # some versions of Pillow have turned the size by now
                height, width, _ = decoded(content).shape
                return width, height
            return (height, width) if image.getexif().get(_ORIENTATION) in _LAID_OVER else (width, height)
    except Unreadable:
        raise
    except Exception as error:
        raise _unreadable(error) from error


def fitted(pixels: Pixels, side: int) -> Pixels:
    """The largest centred square, resized to (side, side, 3) by antialiased bilinear interpolation.

    That is the short side resized to `side` and the centre cut out, in one step.
    """
    if pixels.shape[:2] == (side, side):
        return pixels
    square = ImageOps.fit(Image.fromarray(pixels), (side, side), Image.Resampling.BILINEAR)
    return np.asarray(square)


def _plain_jpeg(content: bytes, room: Pixels | None) -> Pixels | None:
    """What Pillow would give, in a quarter of its time for small images; None where Pillow has to say."""
    # An EXIF block may turn the image. The decoder objects to what it would have to guess, to inks for one.
    if not content.startswith(b"\xff\xd8\xff") or b"Exif\x00\x00" in content:
        return None
    try:
        if room is not None:  # no header is read twice where the size is the usual one
            with suppress(ValueError):
                if simplejpeg.decode_jpeg(content, "RGB", buffer=room).shape == room.shape:
                    return room
        height, width, _, _ = simplejpeg.decode_jpeg_header(content)
        if int(height) * int(width) > MOST_PIXELS:
            return None
        pixels: Pixels = simplejpeg.decode_jpeg(content, "RGB")
    except ValueError:
        return None
    return pixels


def _by_pillow(content: bytes) -> Pixels:
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            _checked_size(*image.size)
            image.load()
            turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))  # not before: Pillow has turned a TIFF by now
            pixels = _rgb(image)
            return pixels if turn is None else np.asarray(Image.fromarray(pixels).transpose(turn))
    except Unreadable:
        raise
    except Exception as error:  # a decoder raises whatever a damaged file makes it trip over
        raise _unreadable(error) from error


def _rgb(image: Any) -> Pixels:
    if image.mode.startswith("I"):
        return _upper_bits(np.asarray(image))
    if image.mode == "F":
        raise Unreadable("has floating-point pixels, whose range nobody states; store 8 or 16 bits")
    if image.has_transparency_data:
        laid = Image.new("RGBA", image.size, "white")
        laid.alpha_composite(image.convert("RGBA"))
        image = laid
    return np.asarray(image.convert("RGB"))


def _upper_bits(values: npt.NDArray[Any]) -> Pixels:
    if values.min() < 0 or values.max() > 0xFFFF:
        raise Unreadable("has 32-bit pixels; store 8 or 16 bits")
    grey = (values.astype(np.uint16) >> 8).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _checked_size(width: int, height: int) -> tuple[int, int]:
    if width * height > MOST_PIXELS:
        raise Unreadable(
            f"claims {width}x{height}, {width * height / 1e6:.0f} megapixels; {MOST_PIXELS / 1e6:.0f} at most are read"
        )
    return width, height


def _unreadable(error: Exception) -> Unreadable:
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return Unreadable(f"claims more than {MOST_PIXELS / 1e6:.0f} megapixels")
    if isinstance(error, UnidentifiedImageError):
        return Unreadable("is no image of a known format")
    return Unreadable((" ".join(str(error).split()) or type(error).__name__)[:_LONGEST_REASON])
