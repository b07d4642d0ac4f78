"""What holds for whatever is added: how it is chosen, its name, and what the library's disk and Pillow refuse."""

import errno
import os
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from PIL import Image

from trainables.data import library as libraries
from trainables.data.ingestion.pixels import Shape
from trainables.data.library import Record
from trainables.errors import TrainableError

Progress = Callable[[str, int, int], None]
"""Told what is done, how many images of it are, and of how many."""

_DISK_REFUSES: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)


@dataclass(frozen=True)
class Choices:
    """How a data set is made.

    Attributes:
        size: side in pixels that every image is fitted to; None where they have one size already.
        classes: to take, by the layout's names; its usual ones where empty.
        shares: of `validation`, `test` and `holdout`, in place of the usual ones.
        skip_unreadable: leave images out that cannot be read, instead of refusing.
        flips_keep_labels: whether a mirrored image still shows its class; it does where None.
        corruptions: of a corrupted test set, to take; the fifteen, and the extra ones that are there, where empty.
        workers: threads that read and decode.
    """

    size: int | None = None
    classes: tuple[str, ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict)
    skip_unreadable: bool = False
    flips_keep_labels: bool | None = None
    corruptions: tuple[str, ...] = ()
    workers: int = 1


@dataclass(frozen=True)
class Added:
    """A data set of the library, what its `data.json` says, and whether it lay there before."""

    record: Record
    path: Path
    facts: Mapping[str, Any]
    already: bool


def named(library: Path, record: Record) -> bool:
    """Whether the library holds the same under the name.

    Raises:
        TrainableError: DATA_EXISTS.
    """
    if record.name not in libraries.names(library):
        return False
    there = libraries.read(library, record.name)
    if there.digest != record.digest:
        raise TrainableError(
            "DATA_EXISTS",
            f"{library}: {record.name!r} is another data set already: {there.description}, digest {there.digest[:12]}; "
            f"this one: {record.description}, digest {record.digest[:12]}; give it another --name, or "
            f"`robustune data remove {record.name}` first",
        )
    return True


def check_room(library: Path, shape: Shape, count: int, aside: int) -> None:
    """Refuses what the library's disk has no room for.

    Args:
        library: the folder.
        shape: of each image.
        count: images that stay.
        aside: images that lie there a second time while they are added.

    Raises:
        TrainableError: CACHE_UNWRITABLE.
    """
    needed = (count + aside) * shape[0] * shape[1] * shape[2]
    free = shutil.disk_usage(library).free
    if needed > free:
        raise TrainableError(
            "CACHE_UNWRITABLE",
            f"{library}: {count:,} images of {shape[1]}x{shape[0]} need {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are "
            f"free; make room, name another folder with {libraries.VARIABLE}, or give a smaller --size",
        )


@contextmanager
def refusals(library: Path, all_of_them: bool = False) -> Iterator[None]:
    """Turns what the library's disk refuses, or whatever the system does, into CACHE_UNWRITABLE."""
    try:
        yield
    except OSError as error:
        if not all_of_them and error.errno not in _DISK_REFUSES:
            raise
        raise TrainableError(
            "CACHE_UNWRITABLE",
            f"{library}: {os.strerror(error.errno or 0)}; make room, make it writable, or name another folder with "
            f"{libraries.VARIABLE}",
        ) from error


@contextmanager
def bombs_refused() -> Iterator[None]:
    """Pillow only warns of images above its limit; what else it warns of does not touch the pixels."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield
