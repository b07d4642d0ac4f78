"""What a divided data set has to keep to, and what its `data.json` says of it."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from trainables.data.ingestion.class_names import some
from trainables.data.ingestion.division import SPLITS, Division, Part, told
from trainables.data.ingestion.found import Found
from trainables.data.ingestion.pixels import Images
from trainables.data.manifest import canonical
from trainables.errors import TrainableError

VERSION: Final = 1
"""Part of every digest: raise it whenever the same images give other files."""
_DIGITS: Final = 6


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
    """What `data.json` says: what trainers read, and how the set came about."""
    train = division.splits["train"]
    return {
        "classes": list(found.classes),
        **({"class_ids": list(found.class_ids)} if found.class_ids else {}),
        **colour_facts(images, train, len(train) * images.pixels[0, 0].size),
        "image_shape": list(images.pixels.shape[1:]),
        "division": told(parts),
        **division_facts(images, division, found.unused),
        "in_two_classes": _in_two_classes(images, labels),
    }


def colour_facts(images: Images, rows: Sequence[int], pixels: int) -> dict[str, list[float]]:
    """`mean` and `std` of each channel over rows that hold that many pixels; others of them are 0.

    A channel that is the same everywhere has a `std` of 1, so that normalising makes zeros of it.
    """
    chosen = np.asarray(rows)
    mean = images.sums[chosen].sum(0) / pixels
    variance = images.squares[chosen].sum(0) / pixels - mean**2
    return {
        "mean": [round(float(value) / 255, _DIGITS) for value in mean],
        "std": [round(float(value) ** 0.5 / 255, _DIGITS) or 1.0 for value in variance.clip(0)],
    }


def division_facts(images: Images, division: Division, unused: Sequence[tuple[str, int]]) -> dict[str, Any]:
    """How many images and sources each split has, and what was left out."""
    lineage = {split: {images.lineage[row] for row in rows} for split, rows in division.splits.items()}
    return {
        "counts": {split: len(division.splits[split]) for split in SPLITS},
        "sources": {split: len(lineage[split]) for split in SPLITS},
        "twins_left_out": len(division.left_out),
        "unreadable": sorted([name, reason] for name, reason in images.unreadable),
        "unused": {what: count for what, count in unused if count},
    }


def content_digest(
    facts: Mapping[str, Any], lineage: Sequence[bytes], contents: Sequence[bytes], division: Division
) -> str:
    """SHA-256 over all that a set holds: images by their lineage, what is told of each, splits and `data.json`."""
    splits = {}
    for split, rows in division.splits.items():
        hashed = hashlib.sha256(b"".join(contents[row] for row in rows))
        hashed.update(b"".join(lineage[row] for row in rows))
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
