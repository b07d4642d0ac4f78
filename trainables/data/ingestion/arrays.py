"""Reads numpy's `.npy` files: plain numbers alone, never a pickle."""

import io
import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from trainables.data.ingestion.trees import Unreadable

_HEADERS: Final = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_LONGEST_HEADER: Final = 10_000
_MOST_AXES: Final = 32


def array_of(content: bytes) -> npt.NDArray[Any]:
    """The array of integers in a `.npy` file, lying in its bytes and read-only.

    Args:
        content: the whole file.

    Raises:
        Unreadable: it is no such file, is cut short or too long, or holds something else than integers in rows.
    """
    stream = io.BytesIO(content)
    try:
        version = npy.read_magic(stream)
        if version not in _HEADERS:
            raise Unreadable(f"is of version {version[0]}.{version[1]} of numpy's format; 1.0 and 2.0 are read")
        shape, by_column, kind = _HEADERS[version](stream, max_header_size=_LONGEST_HEADER)
    except Unreadable:
        raise
    except Exception as error:  # numpy reads a literal of Python there, which can fail in any way
        raise Unreadable(f"is no array as numpy saves it ({' '.join(str(error).split())[:100]})") from error
    if kind.hasobject:
        raise Unreadable("holds Python objects, which no set of images needs; they were not read")
    if kind.kind not in "iu":
        raise Unreadable(f"holds values of type {str(kind)[:40]}, not integers")
    if len(shape) > _MOST_AXES or any(axis < 0 for axis in shape) or (by_column and len(shape) > 1):
        raise Unreadable(f"holds an array that is not in rows ({_shown(shape)})")
    start = stream.tell()
    if math.prod(shape) * kind.itemsize != len(content) - start:
        raise Unreadable(f"has {len(content) - start:,} bytes of values, {_shown(shape)} of {kind} need others")
    return np.frombuffer(content, kind, offset=start).reshape(shape)


def _shown(shape: tuple[int, ...]) -> str:
    return "x".join(str(axis) if axis.bit_length() < 64 else "?" for axis in shape[:_MOST_AXES]) or "one value"
