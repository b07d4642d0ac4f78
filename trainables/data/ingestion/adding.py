"""Adds a data set to the library: read, divided and checked whole before anything lies there under its name."""

import errno
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from PIL import Image

from trainables.data import library as libraries
from trainables.data.ingestion.archives import opened
from trainables.data.ingestion.cifar import cifar10, cifar100
from trainables.data.ingestion.class_folders import image_folder, imagenet20
from trainables.data.ingestion.description import FACTS, check_division, check_readable, content_digest, described
from trainables.data.ingestion.division import SPLITS, divide, parts_of
from trainables.data.ingestion.found import Found
from trainables.data.ingestion.pixels import Images, Shape, first_shape, lineage_name, read_all
from trainables.data.ingestion.tiny_imagenet import tiny_imagenet
from trainables.data.ingestion.trees import Tree
from trainables.data.ingestion.writing import write_rows
from trainables.data.library import Record
from trainables.data.manifest import Entry, canonical
from trainables.errors import TrainableError

Progress = Callable[[str, int, int], None]
"""Told what is done, how many images of it are, and of how many."""

FORMATS: Final[Mapping[str, Callable[[Tree, Sequence[str]], Found]]] = {
    "image-folder": image_folder,
    "imagenet20": imagenet20,
    "tiny-imagenet": tiny_imagenet,
    "cifar10": cifar10,
    "cifar100": cifar100,
}
"""Readers of layouts, by name."""
LARGEST_SIDE: Final = 4096
_DISK_REFUSES: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)


@dataclass(frozen=True)
class Choices:
    """How a data set is made.

    Attributes:
        size: side in pixels that every image is fitted to; None where they have one size already.
        classes: to take, by the layout's names; its usual ones where empty.
        shares: of `validation`, `test` and `holdout`, in place of the usual ones.
        skip_unreadable: leave images out that cannot be read, instead of refusing.
        flips_keep_labels: whether a mirrored image still shows its class.
        workers: threads that read and decode.
    """

    size: int | None = None
    classes: tuple[str, ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict)
    skip_unreadable: bool = False
    flips_keep_labels: bool = True
    workers: int = 1


@dataclass(frozen=True)
class Added:
    """A data set of the library, what its `data.json` says, and whether it lay there before."""

    record: Record
    path: Path
    facts: Mapping[str, Any]
    already: bool


def add(layout: str, path: Path, name: str, choices: Choices, library: Path, progress: Progress) -> Added:
    """Adds images under a name; the same images give the same digest, however they are stored, ordered or read.

    Args:
        layout: of `FORMATS`.
        path: folder or archive.
        name: of the data set.
        choices: how it is made.
        library: folder of the library, made where there is none.
        progress: told how far it is.

    Raises:
        TrainableError: OPTION_INVALID, DATA_INVALID, ARCHIVE_UNSAFE, IMAGES_UNREADABLE; DATA_EXISTS where the library
            holds other images under the name; CACHE_UNWRITABLE where its disk refuses.
    """
    _check(layout, name, choices, library)
    with _refusals(library, all_of_them=True):
        library.mkdir(parents=True, exist_ok=True)
    with (
        _refusals(library),
        tempfile.TemporaryFile(dir=library) as scratch,
        opened(path, library) as tree,
        _bombs_refused(),
    ):
        return _add(FORMATS[layout](tree, choices.classes), layout, name, choices, library, scratch, progress)


def _add(
    found: Found,
    layout: str,
    name: str,
    choices: Choices,
    library: Path,
    scratch: IO[bytes],
    progress: Progress,
) -> Added:
    parts = parts_of(set(found.origins), choices.shares)
    shape = first_shape(found, choices.size)
    _check_room(library, shape, len(found.names))
    images = read_all(
        found,
        shape,
        choices.size,
        choices.workers,
        scratch,
        lambda done: progress("reading", done, len(found.names)),
    )
    check_readable(found, images, library / f"{name}.unreadable.txt", choices.skip_unreadable)
    labels = [found.labels[number] for number in images.numbers]
    division = divide(images.lineage, labels, [found.origins[number] for number in images.numbers], parts)
    check_division(found.classes, labels, division)
    facts = described(found, images, labels, division, parts)
    facts |= {"format": layout, "size": choices.size, "flips_keep_labels": choices.flips_keep_labels}
    record = Record(name, _in_words(facts), content_digest(facts, images, labels, division))
    already = _named(library, record)
    entry = _published(library, record, images, labels, division.splits, facts, progress)
    if not already and not libraries.write(library, record):
        _named(library, record)  # somebody else was faster: with the same images, or with others
    return Added(record, entry.path, facts, already)


def _published(
    library: Path,
    record: Record,
    images: Images,
    labels: Sequence[int],
    splits: Mapping[str, Sequence[int]],
    facts: Mapping[str, Any],
    progress: Progress,
) -> Entry:
    total, done = sum(map(len, splits.values())), 0

    def told(more: int) -> None:
        nonlocal done
        done += more
        progress("writing", done, total)

    def build(directory: Path) -> None:
        (directory / FACTS).write_bytes(canonical(facts))
        for split in SPLITS:
            rows = splits[split]
            lineage = [lineage_name(images.lineage[row]) for row in rows]
            write_rows(directory / f"{split}.arrow", images.pixels, rows, [labels[row] for row in rows], lineage, told)

    return libraries.store(library).publish(record.digest, build, {"kind": "added", "name": record.name})


def _check(layout: str, name: str, choices: Choices, library: Path) -> None:
    from trainables.data.registry import is_built_in  # which lists the library's sets as well

    if layout not in FORMATS:
        raise TrainableError("OPTION_INVALID", f"format {layout!r}: there is {', '.join(FORMATS)}; name one of them")
    if is_built_in(libraries.checked_name(name)):
        raise TrainableError("OPTION_INVALID", f"name {name!r}: a built-in data set has it; give another with --name")
    if choices.size is not None and not 1 <= choices.size <= LARGEST_SIDE:
        raise TrainableError("OPTION_INVALID", f"size {choices.size}: a side has 1 to {LARGEST_SIDE} pixels")
    if choices.workers < 1:
        raise TrainableError("OPTION_INVALID", f"workers {choices.workers}: one at least is needed")
    if name in libraries.names(library):
        libraries.read(library, name)  # says what would do where it is damaged


def _named(library: Path, record: Record) -> bool:
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


def _in_words(facts: Mapping[str, Any]) -> str:
    shape = "x".join(map(str, facts["image_shape"]))
    counts = ", ".join(f"{count:,} {split}" for split, count in facts["counts"].items())
    return f"{facts['format']}, {shape}, {len(facts['classes'])} classes; {counts}"


def _check_room(library: Path, shape: Shape, count: int) -> None:
    needed = 2 * count * shape[0] * shape[1] * shape[2]  # read into one file, then written in the order of the splits
    free = shutil.disk_usage(library).free
    if needed > free:
        raise TrainableError(
            "CACHE_UNWRITABLE",
            f"{library}: {count:,} images of {shape[1]}x{shape[0]} need {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are "
            f"free; make room, name another folder with {libraries.VARIABLE}, or give a smaller --size",
        )


@contextmanager
def _refusals(library: Path, all_of_them: bool = False) -> Iterator[None]:
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
def _bombs_refused() -> Iterator[None]:
    """Pillow only warns of images above its limit; what else it warns of does not touch the pixels."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield
