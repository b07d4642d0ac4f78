"""Masks keep their values whatever the file's palette, and are refused by what is wrong with them."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from trainables.data import masked_images
from trainables.data.ingestion.segmentation_masks import IGNORED, check_mask, decoded_mask, fitted_pair, fitted_size
from trainables.data.ingestion.trees import Unreadable

VALUES = np.array([[0, 1, 2, 20], [255, 3, 0, 1], [9, 9, 9, 9]], np.uint8)


def png(image: Image.Image, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", **options)
    return stream.getvalue()


def palette(values: Any, **options: Any) -> bytes:
    """Indices with colours of their own, and a transparent one, as annotation tools write them."""
    image = Image.fromarray(values).convert("L")
    image.putpalette([(7 * place + 3) % 256 for place in range(768)])
    return png(image, **options)


def grey(values: Any, bits: int) -> bytes:
    """A grey PNG with few bits for each value, which Pillow cannot write."""
    rows = b""
    for row in values:
        text = "".join(f"{value:0{bits}b}" for value in row)
        text += "0" * (-len(text) % 8)
        rows += b"\0" + int(text, 2).to_bytes(len(text) // 8, "big")
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], bits, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def refused(content: bytes, *told: str) -> None:
    with pytest.raises(Unreadable) as caught:
        decoded_mask(content)
    for part in told:
        assert part in str(caught.value)


def test_indices_come_back_whatever_the_colours() -> None:
    for content in (palette(VALUES), palette(VALUES, transparency=0), png(Image.fromarray(VALUES))):
        assert np.array_equal(decoded_mask(content), VALUES)
        assert decoded_mask(content).dtype == np.uint8


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_few_bits_for_each_value_are_not_stretched(bits: int) -> None:
    values = np.random.default_rng(bits).integers(0, 2**bits, (5, 7)).astype(np.uint8)
    assert np.array_equal(decoded_mask(grey(values, bits)), values)
    image = Image.fromarray(values).convert("L")
    image.putpalette(list(range(6)) * 2**bits)
    assert np.array_equal(decoded_mask(png(image, bits=bits)), values)


def test_sixteen_bits_are_read_where_the_values_are_classes() -> None:
    assert np.array_equal(decoded_mask(png(Image.fromarray(VALUES.astype(np.uint16)))), VALUES)
    refused(png(Image.fromarray(VALUES.astype(np.uint16) + 256)), "value 511", "255 is void")


def test_what_is_no_mask_is_told() -> None:
    colours = png(Image.fromarray(np.zeros((3, 4, 3), np.uint8)))
    refused(colours, "colours", "RGB", "indices")
    refused(palette(np.random.default_rng(0).integers(0, 256, (90, 90)).astype(np.uint8))[:3000])
    refused(b"not an image", "no image")
    stream = io.BytesIO()
    Image.fromarray(VALUES).save(stream, "JPEG")
    refused(stream.getvalue())
    refused(grey(np.zeros((1, 8), np.uint8), 1).replace(struct.pack(">II", 8, 1), struct.pack(">II", 20000, 20000)))


def test_a_bomb_is_refused_by_its_header() -> None:
    content = bytearray(grey(np.zeros((1, 8), np.uint8), 1))
    content[16:24] = struct.pack(">II", 30_000, 30_000)
    content[29:33] = struct.pack(">I", zlib.crc32(bytes(content[12:29])))
    refused(bytes(content), "megapixels")


def test_a_mask_is_held_against_its_image_and_the_classes() -> None:
    pixels = np.zeros((3, 4, 3), np.uint8)
    check_mask(VALUES, pixels, 21)
    check_mask(VALUES, pixels, 0)
    with pytest.raises(Unreadable, match="has 4x3 pixels, the image 3x4"):
        check_mask(VALUES, pixels.transpose(1, 0, 2), 21)
    with pytest.raises(Unreadable, match="value 9; classes are 0 to 8"):
        check_mask(VALUES, pixels, 9)
    with pytest.raises(Unreadable, match="is 255, void, everywhere"):
        check_mask(np.full((3, 4), 255, np.uint8), pixels, 21)
    assert IGNORED == masked_images.IGNORED


@pytest.mark.parametrize("longest", [None, 4, 6])
def test_small_images_keep_their_pixels(longest: int | None) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (3, 4, 3)).astype(np.uint8)
    fitted, mask = fitted_pair(pixels, VALUES, longest)
    assert np.array_equal(fitted, pixels)
    assert np.array_equal(mask, VALUES)


@pytest.mark.parametrize(("height", "width"), [(40, 20), (20, 40), (33, 33), (500, 3), (3, 500)])
def test_large_ones_keep_their_shape_and_their_classes(height: int, width: int) -> None:
    mask = np.zeros((height, width), np.uint8)
    mask[: height // 2] = 7
    pixels = np.repeat(mask[..., None] * 30, 3, 2)
    fitted, small = fitted_pair(pixels, mask, 16)
    rows, columns = small.shape
    assert fitted.shape == (rows, columns, 3)
    assert (columns, rows) == fitted_size(width, height, 16)
    assert max(rows, columns) == 16
    assert abs(rows - max(1, 16 * height / max(height, width))) <= 0.5
    assert abs(columns - max(1, 16 * width / max(height, width))) <= 0.5
    assert set(np.unique(small)) <= {0, 7}
    if height > 3:
        flat = np.isin(fitted[..., 0], (0, 210))
        assert flat.mean() > 0.6
        assert np.array_equal(fitted[..., 0][flat] // 30, small[flat])
