"""What a divided data set has to keep to, and what its `data.json` says of it."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from trainables.data.ingestion.class_names import some
from trainables.data.ingestion.division import SPLITS, Division, Part, told
from trainables.data.ingestion.found import Found
from trainables.data.ingestion.pixels import Images
from trainables.data.manifest import canonical
from trainables.errors import TrainableError

FACTS: Final = "data.json"
VERSION: Final = 1
"""Part of every digest: raise it whenever the same images give other files."""
_DIGITS: Final = 6


def check_readable(found: Found, images: Images, listing: Path, skip: bool) -> None:
    """Refuses a set with images that cannot be read, unless they are to be skipped.

    Args:
        found: the whole set.
        images: what could be read.
        listing: gets a line for each of the others where the set is refused, and is gone otherwise.
        skip: leave them out; they are counted and named in `data.json`.

    Raises:
        TrainableError: IMAGES_UNREADABLE.
        OSError: the listing cannot be written.
    """
    if skip or not images.unreadable:
        listing.unlink(missing_ok=True)
        return
    lines = (f"{json.dumps(name)}\t{reason}\n" for name, reason in images.unreadable)
    listing.write_text("".join(lines), "utf-8", "backslashreplace")
    named = some([f"{name} ({reason})" for name, reason in images.unreadable])
    raise TrainableError(
        "IMAGES_UNREADABLE",
        f"{len(images.unreadable):,} of {len(found.names):,} images cannot be read: {named}; all are named in "
        f"{listing}: mend them, or leave them out with --skip-unreadable",
    )


def check_division(classes: Sequence[str], labels: Sequence[int], division: Division) -> None:
    """Refuses a division in which a class is missing from a split.

    Raises:
        TrainableError: DATA_INVALID, with the counts.
    """
    counts = {split: Counter(labels[row] for row in rows) for split, rows in division.splits.items()}
    missing = [
        f"{name} ({', '.join(f'{split} {counts[split][label]}' for split in SPLITS)})"
        for label, name in enumerate(classes)
        if not all(counts[split][label] for split in SPLITS)
    ]
    if missing:
        raise TrainableError(
            "DATA_INVALID",
            f"{len(missing)} of {len(classes)} classes would be missing from a split, equal images being kept "
            f"together: {some(missing)}; add images, or name the other classes with --classes",
        )


def described(
    found: Found, images: Images, labels: Sequence[int], division: Division, parts: Mapping[str, Part]
) -> dict[str, Any]:
    """What `data.json` says: what trainers read, and how the set came about.

    A channel that is the same everywhere has a `std` of 1, so that normalising makes zeros of it.
    """
    train = np.asarray(division.splits["train"])
    pixels = len(train) * images.pixels[0, 0].size
    mean = images.sums[train].sum(0) / pixels
    variance = images.squares[train].sum(0) / pixels - mean**2
    lineage = {split: {images.lineage[row] for row in rows} for split, rows in division.splits.items()}
    return {
        "classes": list(found.classes),
        **({"class_ids": list(found.class_ids)} if found.class_ids else {}),
        "mean": [round(float(value) / 255, _DIGITS) for value in mean],
        "std": [round(float(value) ** 0.5 / 255, _DIGITS) or 1.0 for value in variance.clip(0)],
        "image_shape": list(images.pixels.shape[1:]),
        "division": told(parts),
        "counts": {split: len(division.splits[split]) for split in SPLITS},
        "sources": {split: len(lineage[split]) for split in SPLITS},
        "twins_left_out": len(division.left_out),
        "in_two_classes": _in_two_classes(images, labels),
        "unreadable": sorted([name, reason] for name, reason in images.unreadable),
        "unused": {what: count for what, count in found.unused if count},
    }


def content_digest(facts: Mapping[str, Any], images: Images, labels: Sequence[int], division: Division) -> str:
    """SHA-256 over all that a set holds: images by their lineage, classes, splits and `data.json`."""
    splits = {}
    for split, rows in division.splits.items():
        hashed = hashlib.sha256(np.asarray([labels[row] for row in rows], "<i8").tobytes())
        hashed.update(b"".join(images.lineage[row] for row in rows))
        splits[split] = hashed.hexdigest()
    return hashlib.sha256(canonical({"version": VERSION, "facts": dict(facts), "splits": splits})).hexdigest()


def _in_two_classes(images: Images, labels: Sequence[int]) -> int:
    """How many different images stand in more than one class."""
    classes: dict[bytes, int] = {}
    several = {
        lineage
        for lineage, label in zip(images.lineage, labels, strict=True)
        if classes.setdefault(lineage, label) != label
    }
    return len(several)
