"""Room for more images than memory should hold, while a set is made."""

import contextlib
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

_FILE: Final = "gathering"


@contextlib.contextmanager
def gathering(directory: Path, count: int, shape: Sequence[int]) -> Iterator[Tensor]:
    """A writable (count, *shape) uint8 tensor in a file of the directory, which is gone afterwards.

    The system moves its pages to the disk where memory is short: 26,000 images of 224x224 are 4 GB.
    """
    size = count * math.prod(shape)
    if not size:  # an empty file cannot be mapped
        yield torch.empty((count, *shape), dtype=torch.uint8)
        return
    file = directory / _FILE
    try:
        yield torch.from_file(str(file), shared=True, size=size, dtype=torch.uint8).view(count, *shape)
    finally:
        file.unlink(missing_ok=True)
