"""Every mode of image file comes out as the 8-bit RGB that its law says; what is damaged is named."""

import io
import struct
import zlib
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from PIL import Image

from trainables.data.ingestion.decoding import decoded, fitted, size_of
from trainables.data.ingestion.trees import Unreadable


def by_pillow(content: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, depth: int, rows: bytes) -> bytes:
    """A colour PNG that says what it is told to say."""
    header = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, content) for kind, content in parts)


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"optimize": True}, {"quality": 30}, {"keep_rgb": True}]
)
@pytest.mark.parametrize("shape", [(64, 64), (17, 31), (1, 1)])
def test_the_fast_way_gives_the_pixels_of_pillow(making: Any, subsampling: str, options: Any, shape: Any) -> None:
    if "keep_rgb" in options:
        subsampling = "4:4:4"
    pixels = making.picture(1, 64)[: shape[0], : shape[1]]
    content = making.encoded(pixels, subsampling=subsampling, **options)
    room = np.empty((*shape, 3), np.uint8)
    assert np.array_equal(decoded(content), by_pillow(content))
    assert decoded(content, room) is room
    assert np.array_equal(room, by_pillow(content))
    assert decoded(content, np.empty((2, 2, 3), np.uint8)).shape == (*shape, 3)


def test_a_grey_jpeg_has_three_equal_channels(making: Any) -> None:
    content = making.encoded(making.picture(1)[..., 0])
    assert np.array_equal(decoded(content), by_pillow(content))
    assert (decoded(content) == decoded(content)[..., :1]).all()


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "GIF", "WEBP"])
def test_lossless_files_give_back_what_was_stored(making: Any, kind: str) -> None:
    pixels = making.picture(2)
    options = {"lossless": True} if kind == "WEBP" else {}
    image = Image.fromarray(pixels)
    stored = image.quantize(200) if kind == "GIF" else image
    assert np.array_equal(decoded(making.encoded(stored, kind, **options)), np.asarray(stored.convert("RGB")))


def test_cmyk_inks_darken_as_they_do_on_paper(making: Any) -> None:
    inks = np.zeros((8, 8, 4), np.uint8)
    inks[:4, :, 0] = 255  # cyan above
    inks[4:, :, 3] = 255  # black below
    pixels = decoded(making.encoded(Image.fromarray(inks, "CMYK"), quality=100, subsampling="4:4:4"))
    assert np.abs(pixels[:4].astype(int) - [0, 255, 255]).max() <= 4
    assert pixels[4:].max() <= 4


@pytest.mark.parametrize("marked", [True, False])
def test_inks_of_a_cmyk_jpeg_are_inverted_back(making: Any, marked: bool) -> None:
    content = making.encoded(Image.fromarray(np.full((8, 8, 4), 30, np.uint8), "CMYK"), quality=100)
    start = content.index(b"\xff\xee")
    length = struct.unpack(">H", content[start + 2 : start + 4])[0]
    assert content[start + 4 : start + 9] == b"Adobe"
    if not marked:
        content = content[:start] + content[start + 2 + length :]
    assert np.abs(decoded(content).astype(float) - (255 - 30) ** 2 / 255).max() < 3


def test_transparent_pixels_lie_on_white(making: Any) -> None:
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[..., :3] = (200, 100, 0)
    pixels[..., 3] = [[255, 0], [128, 255]]
    for image in (Image.fromarray(pixels), Image.fromarray(pixels[..., [0, 3]], "LA")):
        found = decoded(making.encoded(image, "PNG"))
        opaque = np.asarray(Image.fromarray(pixels[..., :3] if image.mode == "RGBA" else pixels[..., 0]).convert("RGB"))
        assert found[0, 1].tolist() == [255, 255, 255]
        assert np.array_equal(found[0, 0], opaque[0, 0])
        assert np.abs(found[1, 0] - (opaque[1, 0] * (128 / 255) + 255 * (127 / 255))).max() <= 1


def test_palettes_keep_their_colours_and_their_transparent_one_is_white(making: Any) -> None:
    image = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8), "P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    assert decoded(making.encoded(image, "PNG")).tolist() == [
        [[255, 0, 0], [0, 255, 0]],
        [[0, 0, 255], [0, 255, 0]],
    ]
    for kind in ("PNG", "GIF"):
        assert decoded(making.encoded(image, kind, transparency=1))[:, 1].tolist() == [[255, 255, 255]] * 2


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_16_bit_grey_keeps_its_upper_bits(making: Any, kind: str) -> None:
    values = np.array([[0, 255, 256, 40_000], [65_535, 257, 511, 1_000]], np.uint16)
    found = decoded(making.encoded(Image.fromarray(values), kind))
    assert np.array_equal(found, np.repeat((values >> 8)[..., None], 3, axis=2))


def test_16_bit_colour_keeps_its_upper_bits_too() -> None:
    values = np.random.default_rng(0).integers(0, 65_536, (5, 4, 3)).astype(">u2")
    assert np.array_equal(decoded(png(4, 5, 16, b"".join(b"\0" + row.tobytes() for row in values))), values >> 8)


def test_one_bit_images_are_black_and_white(making: Any) -> None:
    image = Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8)).convert("1")
    assert decoded(making.encoded(image, "PNG"))[..., 0].tolist() == [[0, 255], [255, 0]]


def test_float_and_32_bit_pixels_are_refused_by_name(making: Any) -> None:
    for values, told in ((np.ones((2, 2), np.float32), "floating"), (np.full((2, 2), 1 << 20, np.int32), "32-bit")):
        with pytest.raises(Unreadable, match=told):
            decoded(making.encoded(Image.fromarray(values), "TIFF"))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize(
    ("orientation", "turned"),
    [
        (1, lambda x: x),
        (2, lambda x: x[:, ::-1]),
        (3, lambda x: x[::-1, ::-1]),
        (4, lambda x: x[::-1]),
        (5, lambda x: x.transpose(1, 0, 2)),
        (6, lambda x: np.rot90(x, -1)),
        (7, lambda x: x[::-1, ::-1].transpose(1, 0, 2)),
        (8, lambda x: np.rot90(x)),
    ],
)
def test_an_exif_orientation_is_applied(making: Any, kind: str, orientation: int, turned: Any) -> None:
    pixels = making.picture(3)[:10]
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = making.encoded(pixels, kind, exif=exif)
    plain = by_pillow(making.encoded(pixels, kind))
    assert np.array_equal(decoded(content), turned(plain))
    width, height = size_of(content)
    assert decoded(content).shape == (height, width, 3)


def test_of_several_frames_the_first_counts(making: Any) -> None:
    frames = [Image.fromarray(np.full((4, 4), value, np.uint8)) for value in (10, 200)]
    assert (decoded(making.encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])) == 10).all()


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP"])
def test_a_truncated_file_is_unreadable_wherever_it_is_cut(making: Any, kind: str) -> None:
    content = making.encoded(making.picture(4, 64), kind)
    for length in (0, 1, 10, len(content) // 2, len(content) - 40):
        with pytest.raises(Unreadable):
            decoded(content[:length])


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_no_damage_ends_in_anything_but_unreadable(making: Any) -> None:
    generator = np.random.default_rng(0)
    for kind in ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM"):
        content = np.frombuffer(making.encoded(making.picture(5), kind), np.uint8)
        for _ in range(40):
            damaged = content.copy()
            damaged[generator.integers(0, len(content), 4)] = generator.integers(0, 256, 4)
            with suppress(Unreadable):
                assert decoded(damaged.tobytes()).dtype == np.uint8


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("content", [png(9460, 9460, 8, b""), png(60_000, 60_000, 8, b"")], ids=["90", "3600"])
def test_an_image_above_89_megapixels_is_refused_before_it_is_decoded(content: bytes) -> None:
    for look in (decoded, size_of):
        with pytest.raises(Unreadable, match="megapixels"):
            look(content)


def test_a_large_jpeg_is_refused_by_its_header(making: Any) -> None:
    content = bytearray(making.encoded(making.picture(1)))
    start = content.index(b"\xff\xc0")
    content[start + 5 : start + 9] = struct.pack(">HH", 20_000, 20_000)
    with pytest.raises(Unreadable, match="megapixels"):
        decoded(bytes(content))


@pytest.mark.parametrize("content", [b"", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"<svg/>", b"not an image at all" * 100])
def test_other_files_are_no_images(content: bytes) -> None:
    with pytest.raises(Unreadable, match="no image"):
        decoded(content)


def test_fitting_is_resizing_the_short_side_and_cutting_the_centre_out(making: Any) -> None:
    wide = making.picture(6, 80)[20:60]
    whole = np.asarray(Image.fromarray(wide).resize((20, 10), Image.Resampling.BILINEAR))
    assert np.array_equal(fitted(wide, 10), whole[:, 5:15])
    tall = np.ascontiguousarray(wide.transpose(1, 0, 2))
    assert np.array_equal(fitted(tall, 10), whole[:, 5:15].transpose(1, 0, 2))
    assert fitted(wide[:, :40], 40).tolist() == wide[:, :40].tolist()


def test_fitting_is_antialiased() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(fitted(stripes, 8).astype(int) - 127).max() <= 8
