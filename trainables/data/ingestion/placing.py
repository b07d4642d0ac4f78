"""What holds for whatever is added: how it is chosen, its name, and what the library's disk and Pillow refuse."""

import errno
import json
import os
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from PIL import Image

from trainables.data import library as libraries
from trainables.data.ingestion.class_names import some
from trainables.data.ingestion.pixels import Shape
from trainables.data.library import Record
from trainables.data.manifest import canonical
from trainables.errors import TrainableError

Progress = Callable[[str, int, int], None]
"""Told what is done, how many images of it are, and of how many."""

FACTS: Final = "data.json"
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


def check_readable(unreadable: Sequence[tuple[str, str]], what: str, would_do: str, listing: Path) -> None:
    """Refuses a set with images that cannot be read.

    Args:
        unreadable: their names and reasons.
        what: follows their number.
        would_do: what the user can do.
        listing: gets a line for each of them where the set is refused, and is gone otherwise.

    Raises:
        TrainableError: IMAGES_UNREADABLE.
        OSError: the listing cannot be written.
    """
    if not unreadable:
        listing.unlink(missing_ok=True)
        return
    lines = (f"{json.dumps(name)}\t{reason}\n" for name, reason in unreadable)
    listing.write_text("".join(lines), "utf-8", "backslashreplace")
    shown = some([f"{name} ({reason})" for name, reason in unreadable])
    raise TrainableError(
        "IMAGES_UNREADABLE",
        f"{len(unreadable):,} {what} cannot be read: {shown}; all are named in {listing}: {would_do}",
    )


def check_images(unreadable: Sequence[tuple[str, str]], images: int, choices: Choices, listing: Path) -> None:
    """`check_readable`, of a set out of which images may be left: then they are counted and named in `data.json`."""
    told = [] if choices.skip_unreadable else unreadable
    check_readable(told, f"of {images:,} images", "mend them, or leave them out with --skip-unreadable", listing)


def placed(library: Path, record: Record, facts: Mapping[str, Any], build: Callable[[Path], None]) -> Added:
    """Publishes an entry with its `data.json` in the library's store, and gives it its name.

    Args:
        library: the folder.
        record: of the set; nothing is built where its digest lies in the store.
        facts: of `data.json`.
        build: puts all other files into an empty folder.

    Raises:
        TrainableError: DATA_EXISTS, CACHE_UNWRITABLE.
    """
    already = named(library, record)

    def whole(directory: Path) -> None:
        (directory / FACTS).write_bytes(canonical(facts))
        build(directory)

    entry = libraries.store(library).publish(record.digest, whole, {"kind": "added", "name": record.name})
    if not already and not libraries.write(library, record):
        named(library, record)  # somebody else was faster: with the same images, or with others
    return Added(record, entry.path, facts, already)


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
