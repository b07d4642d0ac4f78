"""Reads one matrix out of a MATLAB 5 file, as SBD keeps its masks, and looks at nothing else in it.

`scipy.io.loadmat` would build all that a file names, of any size that it claims, and unpack bombs. Here a file's own
bytes, and what they unpack to up to a limit, bound all that is made.

Source of the format: MathWorks, "MAT-File Format", version 5.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from trainables.data.ingestion.decoding import MOST_PIXELS
from trainables.data.ingestion.trees import Unreadable

_HEADER: Final = 128
_LITTLE_ENDIAN: Final = b"IM"
_MATRIX: Final = 14
_COMPRESSED: Final = 15
_STRUCT: Final = 2
_NUMBERS: Final = range(6, 16)
"""Classes of plain matrices, from double to unsigned 64 bits."""
_KINDS: Final = {1: "i1", 2: "u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8", 12: "<i8", 13: "<u8"}
_MOST_UNPACKED: Final = 1 << 26
"""Bytes of one packed variable; those of SBD have less than a mebibyte."""
_MOST_FIELDS: Final = 100


class _Element(NamedTuple):
    kind: int
    content: memoryview


def matrix_of(content: bytes, variable: str, field: str) -> npt.NDArray[np.uint8]:
    """The matrix (H, W) of whole numbers from 0 to 255 in a field of a struct.

    Args:
        content: the whole file.
        variable: the struct's name; it has one element.
        field: the field's name.

    Raises:
        Unreadable: it is no such file, is damaged, or lacks the field, or the field holds something else.
    """
    if content[_HEADER - 2 : _HEADER] != _LITTLE_ENDIAN:
        raise Unreadable("is no MATLAB 5 file of a little-endian machine; save it by MATLAB's '-v7'")
    try:
        for element in _elements(memoryview(content)[_HEADER:]):
            matrix = _unpacked(element)
            if matrix is not None and (found := _field(matrix, variable, field)) is not None:
                return _values(found)
    except (struct.error, zlib.error, ValueError, IndexError) as error:
        raise Unreadable(f"is a damaged MATLAB file ({' '.join(str(error).split())[:80]})") from error
    raise Unreadable(f"has no {variable}.{field}")


def _elements(data: memoryview) -> Iterator[_Element]:
    """The elements that stand side by side; packed ones are not padded to eight bytes."""
    at = 0
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        if kind >> 16:  # up to four bytes stand in the tag itself
            kind, size, start, step = kind & 0xFFFF, kind >> 16, at + 4, 8
        else:
            start = at + 8
            step = 8 + (size if kind == _COMPRESSED else -(-size // 8) * 8)
        if start + size > len(data) or (step == 8 and size > 4):
            raise ValueError("it ends before its content")
        yield _Element(kind, data[start : start + size])
        at += step


def _unpacked(element: _Element) -> memoryview | None:
    """The content of a matrix; None of what is none."""
    if element.kind == _COMPRESSED:
        unpacker = zlib.decompressobj()
        plain = unpacker.decompress(element.content, _MOST_UNPACKED)
        if unpacker.unconsumed_tail:
            raise ValueError(f"a variable unpacks to more than {_MOST_UNPACKED} bytes")
        element = next(_elements(memoryview(plain)), element)
    return element.content if element.kind == _MATRIX else None


def _field(matrix: memoryview, variable: str, field: str) -> memoryview | None:
    """The content of a field's matrix; None where the matrix is no struct of that name or lacks it."""
    parts = _elements(matrix)
    flags, dimensions, name = (next(parts, _Element(0, memoryview(b""))).content for _ in range(3))
    if len(flags) < 8 or flags[0] != _STRUCT or bytes(name) != variable.encode() or _shape(dimensions) != (1, 1):
        return None
    (length,) = struct.unpack("<i", next(parts).content)
    names = bytes(next(parts).content)
    if length < 1 or len(names) > _MOST_FIELDS * length:
        raise ValueError("the names of its fields")
    called = [names[at : at + length].split(b"\0")[0] for at in range(0, len(names), length)]
    for each, element in zip(called, parts, strict=False):
        if each == field.encode() and element.kind == _MATRIX:
            return element.content
    return None


def _values(matrix: memoryview) -> npt.NDArray[np.uint8]:
    flags, dimensions, _, values = (each for each, _ in zip(_elements(matrix), range(4), strict=False))
    shape = _shape(dimensions.content)
    if flags.content[0] not in _NUMBERS or flags.content[1] & 8 or values.kind not in _KINDS:  # 8: complex numbers
        raise Unreadable("holds no matrix of whole numbers")
    numbers = np.frombuffer(values.content, _KINDS[values.kind])
    if len(shape) != 2 or min(shape) < 1 or shape[0] * shape[1] != len(numbers) or len(numbers) > MOST_PIXELS:
        raise Unreadable(f"holds a matrix of {len(numbers)} numbers that is said to be {'x'.join(map(str, shape[:4]))}")
    with np.errstate(invalid="ignore"):  # what does not fit is told below
        whole = numbers.astype(np.uint8)
    if not np.array_equal(whole, numbers):
        raise Unreadable("holds numbers that are no classes: whole ones from 0 to 255 are")
    return np.ascontiguousarray(whole.reshape(shape, order="F"))


def _shape(dimensions: memoryview) -> tuple[int, ...]:
    return tuple(np.frombuffer(dimensions, "<i4").tolist())
