"""Reads the pickles in which CIFAR is published without running what they name."""

import io
import pickle
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from trainables.data.ingestion.trees import Unreadable


def unpickled(content: bytes) -> Any:
    """What a pickle holds: bytes, strings, numbers, lists, tuples, dicts and `ByteArray`; it can make nothing else.

    Strings that Python 2 wrote are bytes.

    Raises:
        Unreadable: it names anything else, or is damaged.
    """
    try:
        return _Restricted(io.BytesIO(content), encoding="bytes").load()
    except Unreadable:
        raise
    except Exception as error:  # an unpickler raises whatever a damaged or hostile stream makes it trip over
        raise Unreadable(f"is no batch of images ({type(error).__name__})") from error


class ByteArray:
    """Stands in for numpy's array: keeps the state that the pickle gives it, to be checked when its bytes are asked."""

    def __init__(self, *_: Any) -> None:
        self._state: Any = None

    def __setstate__(self, state: Any) -> None:
        self._state = state

    def rows(self) -> npt.NDArray[np.uint8]:
        """The bytes (rows, columns).

        Raises:
            Unreadable: it holds no bytes, has other than two axes, or another number of bytes than they say.
        """
        match self._state:
            case (_, (int(rows), int(columns)), _Type(name=b"u1" | "u1"), bool(by_column), bytes(content)) if (
                rows >= 0 and columns >= 0 and rows * columns == len(content)
            ):
                return np.frombuffer(content, np.uint8).reshape((rows, columns), order="F" if by_column else "C")
        raise Unreadable("holds an array that is not of bytes in rows")


class _Type:
    """Stands in for numpy's dtype."""

    def __init__(self, name: Any = None, *_: Any) -> None:
        self.name = name

    def __setstate__(self, state: Any) -> None:
        pass


def _bytes(text: Any, encoding: Any) -> bytes:
    """How Python 3 writes bytes for Python 2."""
    if not isinstance(text, str) or encoding not in ("latin1", b"latin1"):
        raise Unreadable("holds bytes in an unknown form")
    return text.encode("latin1")


_STAND_INS: Final[Mapping[tuple[str, str], Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): ByteArray,
    ("numpy._core.multiarray", "_reconstruct"): ByteArray,
    ("numpy", "ndarray"): ByteArray,
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): _bytes,
}


# In Python, so that a step can be overridden; the C one also keeps its memo in an array as long as the stream asks.
_Unpickler: Any = vars(pickle)["_Unpickler"]


class _Restricted(_Unpickler):  # type: ignore[misc]
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _STAND_INS:
            raise Unreadable(f"names {module}.{name}, which no batch of images needs; it was not run")
        return _STAND_INS[module, name]

    def load_build(self) -> None:
        if not isinstance(self.stack[-2], ByteArray | _Type):  # else a stream could set attributes of the stand-ins
            raise Unreadable("sets the state of something that is no array")
        super().load_build()

    def load_bytearray8(self) -> None:
        raise Unreadable("holds a mutable array of bytes")  # made as long as the stream says before any of it is read

    dispatch: ClassVar = {
        **_Unpickler.dispatch,
        pickle.BUILD[0]: load_build,
        pickle.BYTEARRAY8[0]: load_bytearray8,
    }
