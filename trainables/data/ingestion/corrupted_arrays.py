"""CIFAR-10-C: an array of images for each corruption, the severities one after the other, and one of labels."""

import threading
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from trainables.corruption_facts import CORRUPTIONS, SEVERITIES
from trainables.data.ingestion.arrays import array_of
from trainables.data.ingestion.cifar import SIDE
from trainables.data.ingestion.class_names import chosen_ids, invalid, some
from trainables.data.ingestion.corrupted_found import CorruptedFound, missing, not_whole, wanted
from trainables.data.ingestion.found import TEST, Found
from trainables.data.ingestion.placing import Choices
from trainables.data.ingestion.trees import Tree, Unreadable, joined, rooted

CLASSES: Final = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
"""CIFAR-10's, in the order of its labels, as its own `batches.meta` names them; CIFAR-10-C tells none."""

_LABELS: Final = "labels.npy"


def cifar_10_c(tree: Tree, choices: Choices) -> CorruptedFound:
    """Images of `CORRUPTION.npy`, (5 n, 32, 32, 3) uint8, classes of `labels.npy`, (5 n,); n is 10,000 as published.

    Every array is looked at before any image is read; one is in memory at a time, 154 MB as published.

    Args:
        tree: the folder or archive.
        choices: with `classes` by name; all ten without.

    Raises:
        TrainableError: DATA_INVALID, listing what is missing and what differs.
    """
    root = rooted(tree, [_LABELS, *(f"{name}.npy" for name in CORRUPTIONS)])
    there = {name: joined(root, f"{name}.npy") for name in CORRUPTIONS if f"{name}.npy" in tree.files(root)}
    names = wanted(there, choices)
    if not there:
        raise invalid(tree, f"no array of a corruption, such as {names[0]}.npy; take CIFAR-10-C as published")
    try:
        labels = _labels(tree, joined(root, _LABELS))
        problems = missing(there, names)
    except Unreadable as error:
        labels, problems = None, [f"{_LABELS} {error}", *missing(there, names)]
    problems += _differing(tree, {name: there[name] for name in names if name in there}, labels)
    if problems or labels is None:
        would_do = "take the files as published, or name corruptions that are whole with --corruptions A,B,..."
        raise not_whole(tree, "CIFAR-10-C", problems, would_do)
    ids = chosen_ids(tree, CLASSES, choices.classes, {})
    rows = [row for row, label in enumerate(labels) if CLASSES[label] in ids]
    empty = [name for name in ids if CLASSES.index(name) not in labels]
    if empty:
        raise invalid(tree, f"{len(empty)} of {len(ids)} classes have no images: {some(empty)}; leave them out")
    return CorruptedFound(
        tuple(ids),
        tuple(ids),
        names,
        [f"test/{row}" for row in rows],
        [ids.index(CLASSES[labels[row]]) for row in rows],
        lambda corruption: _under(tree, there[corruption], ids, rows, labels),
        (("arrays of unknown corruptions", _others(tree, root)),),
    )


class _Array:
    """The images of one file, read when the first of them is asked for, by whichever thread."""

    def __init__(self, tree: Tree, name: str, count: int) -> None:
        self._given = tree, name, count
        self._lock = threading.Lock()
        self._images: npt.NDArray[np.uint8] | None = None

    def images(self) -> npt.NDArray[np.uint8]:
        """All of them, (5 n, 32, 32, 3)."""
        with self._lock:
            if self._images is None:
                self._images = _images(*self._given)
            return self._images


def _labels(tree: Tree, name: str) -> list[int]:
    """The labels of one severity, where all five have the same."""
    found = array_of(tree.read(name))
    if found.ndim != 1 or not len(found) or len(found) % len(SEVERITIES):
        raise Unreadable(f"has the shape {found.shape}, not five times as many labels as there are images")
    wrong = sorted({int(label) for label in found if not 0 <= label < len(CLASSES)})
    if wrong:
        raise Unreadable(f"has labels that are none of {len(CLASSES)} classes: {some([str(label) for label in wrong])}")
    levels = found.reshape(len(SEVERITIES), -1)
    if not (levels == levels[0]).all():
        raise Unreadable("has other labels at some severity, whose images should be the same")
    return [int(label) for label in levels[0]]


def _images(tree: Tree, name: str, count: int | None) -> npt.NDArray[np.uint8]:
    """The images (5 n, 32, 32, 3) of a corruption."""
    found = array_of(tree.read(name))
    if found.dtype != np.uint8:
        raise Unreadable(f"holds {found.dtype}, not uint8")
    expected = (len(found) if count is None else count * len(SEVERITIES), SIDE, SIDE, 3)
    if found.shape != expected:
        raise Unreadable(f"has the shape {_shown(found.shape)}, not {_shown(expected)}")
    return found


def _differing(tree: Tree, files: Mapping[str, str], labels: Sequence[int] | None) -> list[str]:
    wrong = []
    for name in files.values():
        try:
            _images(tree, name, None if labels is None else len(labels))
        except Unreadable as error:
            wrong.append(f"{name} {error}")
    return [f"{len(wrong)} of {len(files)} arrays are not as published: {some(wrong)}"] if wrong else []


def _under(tree: Tree, name: str, classes: Sequence[str], rows: Sequence[int], labels: Sequence[int]) -> Found:
    array = _Array(tree, name, len(labels))
    places = [len(labels) * at + row for at in range(len(SEVERITIES)) for row in rows]
    return Found(
        tuple(classes),
        [f"{name}:{place}" for place in places],
        [classes.index(CLASSES[labels[row]]) for _ in SEVERITIES for row in rows],
        [TEST] * len(places),
        lambda number, _: array.images()[places[number]],
        lambda _: (SIDE, SIDE),
    )


def _others(tree: Tree, root: str) -> int:
    known = {_LABELS, *(f"{name}.npy" for name in CORRUPTIONS)}
    return sum(name.endswith(".npy") and name not in known for name in tree.files(root))


def _shown(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
