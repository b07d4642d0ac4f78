"""Adds a data set to the library: read, divided and checked whole before anything lies there under its name."""

import difflib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

from trainables.corruption_facts import CORRUPTIONS
from trainables.data import library as libraries
from trainables.data.ingestion.adding_corrupted import add_corrupted
from trainables.data.ingestion.adding_masked import add_masked
from trainables.data.ingestion.archives import opened, opened_with_archives
from trainables.data.ingestion.cifar import cifar10, cifar100
from trainables.data.ingestion.class_folders import image_folder, imagenet20
from trainables.data.ingestion.corrupted_arrays import cifar_10_c
from trainables.data.ingestion.corrupted_folders import imagenet_c, tiny_imagenet_c
from trainables.data.ingestion.corrupted_found import CorruptedFound
from trainables.data.ingestion.description import check_division, content_digest, described
from trainables.data.ingestion.division import divide, parts_of
from trainables.data.ingestion.found import Found
from trainables.data.ingestion.pixels import first_shape, read_all
from trainables.data.ingestion.placing import (
    Added,
    Choices,
    Progress,
    bombs_refused,
    check_images,
    check_room,
    placed,
    refusals,
)
from trainables.data.ingestion.segmentation_found import MaskedFound
from trainables.data.ingestion.segmentation_pairs import image_masks
from trainables.data.ingestion.segmentation_sbd import sbd
from trainables.data.ingestion.segmentation_voc import voc2012, voc2012_aug
from trainables.data.ingestion.tiny_imagenet import tiny_imagenet
from trainables.data.ingestion.trees import Tree
from trainables.data.ingestion.writing import write_splits
from trainables.data.library import Record
from trainables.errors import TrainableError

__all__ = ["CORRUPTED_FORMATS", "FORMATS", "MASKED_FORMATS", "Added", "Choices", "add"]

FORMATS: Final[Mapping[str, Callable[[Tree, Sequence[str]], Found]]] = {
    "image-folder": image_folder,
    "imagenet20": imagenet20,
    "tiny-imagenet": tiny_imagenet,
    "cifar10": cifar10,
    "cifar100": cifar100,
}
"""Readers of layouts, by name."""
CORRUPTED_FORMATS: Final[Mapping[str, Callable[[Tree, Choices], CorruptedFound]]] = {
    "imagenet-c": imagenet_c,
    "tiny-imagenet-c": tiny_imagenet_c,
    "cifar-10-c": cifar_10_c,
}
"""Readers of corrupted test sets, by name; the constants of their corruptions have the same names."""
MASKED_FORMATS: Final[Mapping[str, Callable[[Tree], MaskedFound]]] = {
    "voc2012": voc2012,
    "voc2012-aug": voc2012_aug,
    "sbd": sbd,
    "image-masks": image_masks,
}
"""Readers of images with a class for every pixel, by name."""
LARGEST_SIDE: Final = 4096


def add(layout: str, path: Path, name: str, choices: Choices, library: Path, progress: Progress) -> Added:
    """Adds images under a name; the same images give the same digest, however they are stored, ordered or read.

    Args:
        layout: of `FORMATS`, `MASKED_FORMATS` or `CORRUPTED_FORMATS`.
        path: folder or archive; of a corrupted set also a folder with archives.
        name: of the data set.
        choices: how it is made.
        library: folder of the library, made where there is none.
        progress: told how far it is.

    Raises:
        TrainableError: OPTION_INVALID, DATA_INVALID, ARCHIVE_UNSAFE, IMAGES_UNREADABLE; DATA_EXISTS where the library
            holds other images under the name; CACHE_UNWRITABLE where its disk refuses.
    """
    _check(layout, name, choices, library)
    with refusals(library, all_of_them=True):
        library.mkdir(parents=True, exist_ok=True)
    if layout in CORRUPTED_FORMATS:
        with refusals(library), opened_with_archives(path, library) as tree, bombs_refused():
            return add_corrupted(CORRUPTED_FORMATS[layout](tree, choices), layout, name, choices, library, progress)
    with (
        refusals(library),
        tempfile.TemporaryFile(dir=library) as scratch,
        opened(path, library) as tree,
        bombs_refused(),
    ):
        if layout in MASKED_FORMATS:
            return add_masked(MASKED_FORMATS[layout](tree), layout, name, choices, library, scratch, progress)
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
    check_room(library, shape, len(found.names), aside=len(found.names))
    images = read_all(
        found,
        shape,
        choices.size,
        choices.workers,
        scratch,
        lambda done: progress("reading", done, len(found.names)),
    )
    check_images(images.unreadable, len(found.names), choices, library / f"{name}.unreadable.txt")
    labels = [found.labels[number] for number in images.numbers]
    division = divide(images.lineage, labels, [found.origins[number] for number in images.numbers], parts)
    check_division(found.classes, labels, division)
    facts = described(found, images, labels, division, parts)
    facts |= {"format": layout, "size": choices.size, "flips_keep_labels": choices.flips_keep_labels is not False}
    contents = [label.to_bytes(8, "little") for label in labels]
    record = Record(name, _in_words(facts), content_digest(facts, images.lineage, contents, division))

    def build(directory: Path) -> None:
        write_splits(directory, images.pixels, division.splits, labels, images.lineage, progress)

    return placed(library, record, facts, build)


def _check(layout: str, name: str, choices: Choices, library: Path) -> None:
    from trainables.data.registry import is_built_in  # which lists the library's sets as well

    formats = (*FORMATS, *MASKED_FORMATS, *CORRUPTED_FORMATS)
    if layout not in formats:
        raise TrainableError("OPTION_INVALID", f"format {layout!r}: there is {', '.join(formats)}; name one of them")
    if layout in CORRUPTED_FORMATS:
        _check_senseless(layout, choices)
        _check_corruptions(choices.corruptions)
    elif choices.corruptions:
        raise TrainableError(
            "OPTION_INVALID",
            f"--corruptions: {layout} is no corrupted test set; leave it out, or name one of "
            f"{', '.join(CORRUPTED_FORMATS)}",
        )
    if layout in MASKED_FORMATS and choices.classes:
        raise TrainableError(
            "OPTION_INVALID",
            f"--classes: a pixel of {layout} that is of none of them would be of no class; leave it out, all are taken",
        )
    if is_built_in(libraries.checked_name(name)):
        raise TrainableError("OPTION_INVALID", f"name {name!r}: a built-in data set has it; give another with --name")
    if choices.size is not None and not 1 <= choices.size <= LARGEST_SIDE:
        raise TrainableError("OPTION_INVALID", f"size {choices.size}: a side has 1 to {LARGEST_SIDE} pixels")
    if choices.workers < 1:
        raise TrainableError("OPTION_INVALID", f"workers {choices.workers}: one at least is needed")
    if name in libraries.names(library):
        libraries.read(library, name)  # says what would do where it is damaged


def _check_senseless(layout: str, choices: Choices) -> None:
    """Refuses what a corrupted test set cannot heed."""
    given = [f"--{'hold-out' if split == 'holdout' else split}" for split in choices.shares]
    reasons = [(option, "it is not divided: all of it tests") for option in given]
    if choices.flips_keep_labels is not None:
        option = "--flips" if choices.flips_keep_labels else "--no-flips"
        reasons.append((option, "nothing is trained on it, so nothing is mirrored"))
    if choices.skip_unreadable:
        reasons.append(("--skip-unreadable", "every corruption and severity must show the same images"))
    if reasons:
        told = "; ".join(f"{option}: {reason}" for option, reason in reasons)
        raise TrainableError("OPTION_INVALID", f"{layout} is a corrupted test set. {told}; leave it out")


def _check_corruptions(names: Sequence[str]) -> None:
    for name in names:
        if name not in CORRUPTIONS:
            close = difflib.get_close_matches(name[:80], CORRUPTIONS, 1)
            meant = f"did you mean {close[0]!r}?" if close else f"there is {', '.join(CORRUPTIONS)}"
            raise TrainableError("OPTION_INVALID", f"--corruptions: no corruption {name[:80]!r}; {meant}")
    if len(set(names)) < len(names):
        raise TrainableError("OPTION_INVALID", f"--corruptions: {', '.join(names)} names one twice; name each once")


def _in_words(facts: Mapping[str, Any]) -> str:
    shape = "x".join(map(str, facts["image_shape"]))
    counts = ", ".join(f"{count:,} {split}" for split, count in facts["counts"].items())
    return f"{facts['format']}, {shape}, {len(facts['classes'])} classes; {counts}"
