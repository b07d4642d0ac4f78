"""Adds a data set with masks to the library: read, divided and checked whole before it lies there under its name."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from trainables.data import library as libraries
from trainables.data.ingestion.class_names import some
from trainables.data.ingestion.decoding import Pixels
from trainables.data.ingestion.description import colour_facts, content_digest, division_facts
from trainables.data.ingestion.division import HELD_OUT, KEPT, SPLITS, Division, Part, divide, parts_of, told
from trainables.data.ingestion.found import ALL, TRAIN
from trainables.data.ingestion.pixels import Integers
from trainables.data.ingestion.placing import Added, Choices, Progress, check_images, check_room, placed
from trainables.data.ingestion.segmentation_found import MaskedFound
from trainables.data.ingestion.segmentation_masks import IGNORED
from trainables.data.ingestion.segmentation_pixels import CHANNELS, MaskedPixels, common_shape, read_pairs
from trainables.data.ingestion.writing import Masks, write_splits
from trainables.data.library import Record
from trainables.errors import TrainableError

_COLOURS: Final = CHANNELS - 1


def add_masked(
    found: MaskedFound,
    layout: str,
    name: str,
    choices: Choices,
    library: Path,
    scratch: IO[bytes],
    progress: Progress,
) -> Added:
    """Adds images with masks under a name; the same pairs give the same digest, however they are stored or read.

    Args:
        found: by the layout's reader.
        layout: the format.
        name: of the set.
        choices: how it is made; `size` is that of the longer side at most.
        library: folder of the library.
        scratch: an empty file on its disk.
        progress: told how far it is.

    Raises:
        TrainableError: OPTION_INVALID, DATA_INVALID, IMAGES_UNREADABLE, DATA_EXISTS, CACHE_UNWRITABLE.
    """
    parts = parts_of(set(found.origins), choices.shares)
    shape = common_shape(found, choices.size, choices.workers)
    total = len(found.names)
    check_room(library, shape, total, aside=total)
    read = read_pairs(
        found, shape, choices.size, choices.workers, scratch, lambda done: progress("reading", done, total)
    )
    check_images(read.images.unreadable, total, choices, library / f"{name}.unreadable.txt")
    classes, values = _classes(found, read.counts)
    pixels = read.counts[:, values]
    division = _divided(read, [found.origins[number] for number in read.images.numbers], pixels, parts)
    _check_division(classes, pixels, division)
    facts = {
        "kind": libraries.MASKED,
        "classes": list(classes),
        **({} if found.classes else {"values": values.tolist()}),
        **_described(found, read, pixels, division),
        "division": told(parts, ", by content"),
        "format": layout,
        "size": choices.size,
        "flips_keep_labels": choices.flips_keep_labels is not False,
    }
    digest = content_digest(facts, read.images.lineage, read.digests, division)
    record = Record(name, _in_words(facts), digest, libraries.MASKED)

    def build(directory: Path) -> None:
        masks = Masks(read.masks, _numbers(values))
        write_splits(directory, read.colours, division.splits, _main(pixels), read.images.lineage, progress, masks)

    return placed(library, record, facts, build)


def kept_origins(lineage: Sequence[bytes], origins: Sequence[str], pixels: Integers) -> list[str]:
    """The official splits, with `KEPT` for images that have to train so that every class there is trained on.

    A class of few images would else be held out as a whole, by chance. The rarest class comes first and keeps the first
    of its images by lineage, unless one that is kept already shows it. What equals a held-out image does not train, so
    it is not kept.

    Args:
        lineage: n digests; equal images are kept together.
        origins: n official splits.
        pixels: (n, classes) how many pixels of each class an image shows.
    """
    held_out = {lineage[row] for row, origin in enumerate(origins) if origin not in (TRAIN, ALL)}
    trained = [row for row, source in enumerate(lineage) if source not in held_out]
    sources = sorted({lineage[row] for row in trained})
    places = {source: place for place, source in enumerate(sources)}
    shows = np.zeros((len(sources), pixels.shape[1]), bool)
    for row in trained:
        shows[places[lineage[row]]] |= pixels[row] > 0
    kept = np.zeros(len(sources), bool)
    for label in np.argsort(shows.sum(0), kind="stable"):
        if shows[:, label].any() and not shows[kept, label].any():
            kept[shows[:, label].argmax()] = True
    found = list(origins)
    for row in trained:
        if kept[places[lineage[row]]]:
            found[row] = KEPT
    return found


def _divided(read: MaskedPixels, origins: Sequence[str], pixels: Integers, parts: Mapping[str, Part]) -> Division:
    """By content alone, since an image shows several classes."""
    lineage = read.images.lineage
    division = divide(lineage, [0] * len(lineage), kept_origins(lineage, origins, pixels), parts)
    # Equal images may have different masks: without their order, that of the files would tell.
    content = list(zip(lineage, read.digests, strict=True))
    in_order = {split: sorted(rows, key=content.__getitem__) for split, rows in division.splits.items()}
    return Division(in_order, division.left_out)


def _classes(found: MaskedFound, counts: Integers) -> tuple[tuple[str, ...], Integers]:
    """The names of the classes, and the value of each in the masks as they were read."""
    if found.classes:
        return found.classes, np.arange(len(found.classes))
    values = np.flatnonzero(counts[:, :IGNORED].sum(0))
    if len(values) < 2:
        there = f"the value {values[0]}" if len(values) else "no value"
        raise TrainableError(
            "DATA_INVALID",
            f"masks with {there} alone besides {IGNORED}, which is void: two classes at least are needed; write 1 "
            f"where masks of two classes have {IGNORED}",
        )
    return tuple(map(str, values)), values


def _check_division(classes: Sequence[str], pixels: Integers, division: Division) -> None:
    """Refuses a division in which a split has no image or a class no pixel to train on."""
    counts = {split: len(division.splits[split]) for split in SPLITS}
    if not all(counts.values()):
        shares = ", ".join(f"--{'hold-out' if split == 'holdout' else split}" for split in HELD_OUT)
        raise TrainableError(
            "DATA_INVALID",
            f"a split would be empty ({', '.join(f'{split} {count}' for split, count in counts.items())}), equal "
            f"images and one image of every class being kept to train; add images, or give other shares: {shares}",
        )
    trained = pixels[np.asarray(division.splits["train"])].sum(0)
    absent = [name for name, count in zip(classes, trained, strict=True) if not count]
    if absent:
        raise TrainableError(
            "DATA_INVALID",
            f"{len(absent)} of {len(classes)} classes have no pixel to train on: {some(absent)}; add images that show "
            "them, or take masks whose values are classes that are there",
        )


def _described(found: MaskedFound, read: MaskedPixels, pixels: Integers, division: Division) -> dict[str, Any]:
    train = np.asarray(division.splits["train"])
    colours = colour_facts(read.images, train.tolist(), int(read.shown[train].sum()))
    _, _, height, width = read.images.pixels.shape
    return {
        **{name: values[:_COLOURS] for name, values in colours.items()},
        "image_shape": [_COLOURS, height, width],
        "padded": round(1 - float(read.shown.mean()) / (height * width), 6),
        "class_pixels": {split: pixels[np.asarray(division.splits[split])].sum(0).tolist() for split in SPLITS},
        **division_facts(read.images, division, found.unused),
    }


def _main(pixels: Integers) -> list[int]:
    """The class of each image, as `trainables.data.masked_images.main_classes` has it."""
    labels: list[int] = np.where(pixels[:, 1:].any(1), pixels[:, 1:].argmax(1) + 1, 0).tolist()
    return labels


def _numbers(values: Integers) -> Pixels:
    """(256,) the class of each value; void stays what it is."""
    numbers = np.full(IGNORED + 1, IGNORED, np.uint8)
    numbers[values] = np.arange(len(values))
    return numbers


def _in_words(facts: Mapping[str, Any]) -> str:
    shape = "x".join(map(str, facts["image_shape"]))
    counts = ", ".join(f"{count:,} {split}" for split, count in facts["counts"].items())
    return f"{facts['format']}, with masks, {shape}, {len(facts['classes'])} classes; {counts}"
