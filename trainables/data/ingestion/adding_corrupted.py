"""Adds a corrupted test set to the library: read and written corruption by corruption, never held as a whole."""

import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from trainables.corruption_facts import SEVERITIES
from trainables.data import library as libraries
from trainables.data.ingestion.class_names import some
from trainables.data.ingestion.corrupted_found import CorruptedFound
from trainables.data.ingestion.found import Found
from trainables.data.ingestion.pixels import Images, Shape, first_shape, read_all
from trainables.data.ingestion.placing import Added, Choices, Progress, check_readable, check_room, placed
from trainables.data.ingestion.trees import Unreadable
from trainables.data.ingestion.writing import write_rows
from trainables.data.library import Record
from trainables.data.manifest import canonical, move
from trainables.errors import TrainableError

VERSION: Final = 1
"""Part of every digest: raise it whenever the same images give other files."""


def add_corrupted(
    found: CorruptedFound, layout: str, name: str, choices: Choices, library: Path, progress: Progress
) -> Added:
    """Adds a corrupted test set under a name; the same images give the same digest, however they are stored or read.

    Args:
        found: by the layout's reader.
        layout: the format, which is also what the constants of its corruptions are called.
        name: of the set.
        choices: how it is made.
        library: folder of the library.
        progress: told how far it is.

    Raises:
        TrainableError: DATA_INVALID, IMAGES_UNREADABLE, DATA_EXISTS, CACHE_UNWRITABLE.
    """
    shape = _common_shape(found, choices.size)
    each = len(SEVERITIES) * len(found.sources)
    check_room(library, shape, each * len(found.corruptions), aside=each)
    with libraries.store(library).aside() as aside:
        writing = _Writing(found, shape, choices, library, aside, progress)
        for corruption in found.corruptions:
            writing.write(corruption)
        would_do = "get them again, or take other --corruptions or --classes"
        check_readable(writing.unreadable, "corrupted images", would_do, library / f"{name}.unreadable.txt")
        facts = _facts(found, shape) | {"format": layout, "constants": layout, "size": choices.size}
        record = Record(name, _in_words(facts), _digest(facts, found, writing.lineage), libraries.CORRUPTED)

        def build(directory: Path) -> None:
            for file in aside.iterdir():
                move(file, directory / file.name)

        return placed(library, record, facts, build)


@dataclass
class _Writing:
    """The files of the corruptions so far, and what could not be read."""

    found: CorruptedFound
    shape: Shape
    choices: Choices
    library: Path
    aside: Path
    progress: Progress
    lineage: dict[str, str] = field(default_factory=dict)
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    def write(self, corruption: str) -> None:
        """Reads the images under one corruption and writes them, unless some could not be read so far."""
        rows = range(len(SEVERITIES) * len(self.found.sources))
        with tempfile.TemporaryFile(dir=self.library) as scratch:
            images = read_all(
                self.found.under(corruption),
                self.shape,
                self.choices.size,
                self.choices.workers,
                scratch,
                self._told("reading", corruption, len(rows)),
            )
            self.unreadable += images.unreadable
            self.lineage[corruption] = hashlib.sha256(b"".join(images.lineage)).hexdigest()
            if not self.unreadable:
                self._write(corruption, images, rows)

    def _write(self, corruption: str, images: Images, rows: Sequence[int]) -> None:
        told, done = self._told("writing", corruption, len(rows)), 0

        def more(count: int) -> None:
            nonlocal done
            done += count
            told(done)

        write_rows(
            self.aside / f"{corruption}.arrow",
            images.pixels,
            rows,
            list(self.found.labels) * len(SEVERITIES),
            list(self.found.sources) * len(SEVERITIES),
            more,
            severity=[level for level in SEVERITIES for _ in self.found.sources],
        )

    def _told(self, what: str, corruption: str, each: int) -> Callable[[int], None]:
        before = self.found.corruptions.index(corruption) * each
        return lambda done: self.progress(what, before + done, each * len(self.found.corruptions))


def _common_shape(found: CorruptedFound, size: int | None) -> Shape:
    sizes = {corruption: each for corruption in found.corruptions if (each := _first_size(found.under(corruption)))}
    if size is None and len(set(sizes.values())) > 1:
        told = [f"{name} {each}" for name, each in sizes.items()]
        raise TrainableError(
            "DATA_INVALID",
            f"the first images of the corruptions have several sizes: {some(told)}; --size N resizes the short "
            "side of each to N pixels and keeps the N by N in the centre",
        )
    return first_shape(found.under(next(iter(sizes), found.corruptions[0])), size)


def _first_size(images: Found) -> str | None:
    for number in range(len(images.names)):
        with suppress(Unreadable):
            return "{}x{}".format(*images.size(number))
    return None


def _facts(found: CorruptedFound, shape: Shape) -> dict[str, Any]:
    height, width, channels = shape
    return {
        "kind": libraries.CORRUPTED,
        "classes": list(found.classes),
        "class_ids": list(found.class_ids),
        "corruptions": list(found.corruptions),
        "severities": list(SEVERITIES),
        "image_shape": [channels, height, width],
        "counts": [found.labels.count(label) for label in range(len(found.classes))],
        "images": len(found.sources),
        "unused": {what: count for what, count in found.unused if count},
    }


def _digest(facts: Mapping[str, Any], found: CorruptedFound, lineage: Mapping[str, str]) -> str:
    """SHA-256 over all that a set holds: images by their pixels, labels, names of sources, and `data.json`."""
    named = [f"{label} {source}" for label, source in zip(found.labels, found.sources, strict=True)]
    sources = hashlib.sha256("\0".join(named).encode("utf-8", "backslashreplace")).hexdigest()
    content = {"version": VERSION, "facts": dict(facts), "sources": sources, "lineage": dict(lineage)}
    return hashlib.sha256(canonical(content)).hexdigest()


def _in_words(facts: Mapping[str, Any]) -> str:
    shape = "x".join(map(str, facts["image_shape"]))
    return (
        f"corrupted test images, {facts['format']}, {shape}, {len(facts['classes'])} classes; {facts['images']:,} "
        f"under {len(facts['corruptions'])} corruptions at severities 1-5"
    )
