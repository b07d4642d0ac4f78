"""Room for more images than memory should hold, while a set is made."""

import contextlib
import errno
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

_FILE: Final = "gathering"
_DISK_IS_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def gathering(directory: Path, count: int, shape: Sequence[int]) -> Iterator[Tensor]:
    """A writable (count, *shape) uint8 tensor in a file of the directory, which is gone afterwards.

    The system moves its pages to the disk where memory is short: 26,000 images of 224x224 are 4 GB. The disk's
    room is taken before anything is written: a page of a mapped file that finds none ends the process.

    Raises:
        OSError: the disk has no room.
    """
    size = count * math.prod(shape)
    if not size:  # an empty file cannot be mapped
        yield torch.empty((count, *shape), dtype=torch.uint8)
        return
    file = directory / _FILE
    try:
        _reserve(file, size)
        yield torch.from_file(str(file), shared=True, size=size, dtype=torch.uint8).view(count, *shape)
    finally:
        file.unlink(missing_ok=True)


def _reserve(file: Path, size: int) -> None:
    with file.open("wb") as stream:
        if hasattr(os, "posix_fallocate"):
            try:
                os.posix_fallocate(stream.fileno(), 0, size)
            except OSError as error:
                if error.errno in _DISK_IS_FULL:
                    raise  # other refusals are of file systems that cannot reserve
