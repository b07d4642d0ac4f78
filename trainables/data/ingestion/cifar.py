"""CIFAR-10 and CIFAR-100 in both official layouts: records of bytes, and the pickles that Python 2 wrote."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np

from trainables.data.ingestion.class_names import check_classes, chosen_ids, invalid, some
from trainables.data.ingestion.decoding import Pixels
from trainables.data.ingestion.found import TEST, TRAIN, Found
from trainables.data.ingestion.pickled import ByteArray, unpickled
from trainables.data.ingestion.trees import Tree, Unreadable, joined, lines, rooted

Content = TypeVar("Content")

SIDE: Final = 32
IMAGE_BYTES: Final = 3 * SIDE * SIDE


@dataclass(frozen=True)
class _Layout:
    """Where a version keeps what: the same names in the binary layout, where they end in `.bin`."""

    files: Mapping[str, Sequence[str]]
    """By official split."""
    classes: str
    class_key: str
    label_key: str
    binary_classes: str
    label_bytes: int
    """Before each binary image; the last of them counts."""


_TEN: Final = _Layout(
    files={TRAIN: [f"data_batch_{number}" for number in range(1, 6)], TEST: ["test_batch"]},
    classes="batches.meta",
    class_key="label_names",
    label_key="labels",
    binary_classes="batches.meta.txt",
    label_bytes=1,
)
_HUNDRED: Final = _Layout(
    files={TRAIN: ["train"], TEST: ["test"]},
    classes="meta",
    class_key="fine_label_names",
    label_key="fine_labels",
    binary_classes="fine_label_names.txt",
    label_bytes=2,
)


def cifar10(tree: Tree, chosen: Sequence[str]) -> Found:
    """Images of CIFAR-10's five training batches and its test batch; see `cifar100`."""
    return _read(tree, _TEN, chosen)


def cifar100(tree: Tree, chosen: Sequence[str]) -> Found:
    """Images of CIFAR-100 with their fine classes.

    Args:
        tree: the folder or archive, with the binary or the Python version.
        chosen: classes to take, by name; all where empty.

    Raises:
        TrainableError: DATA_INVALID: the layout is another one, or a file is not what was published.
    """
    return _read(tree, _HUNDRED, chosen)


@dataclass(frozen=True)
class _Batch:
    """The images of one file, (n, 3, 32, 32), and their classes."""

    name: str
    origin: str
    pixels: Pixels
    labels: Sequence[int]


def _read(tree: Tree, layout: _Layout, chosen: Sequence[str]) -> Found:
    places = [(origin, file) for origin, files in layout.files.items() for file in files]
    root = rooted(tree, [name for _, file in places for name in (file, f"{file}.bin")])
    binary = f"{places[0][1]}.bin" in tree.files(root)
    classes = _classes(tree, root, layout, binary)
    batches = []
    for origin, file in places:
        name = joined(root, f"{file}.bin" if binary else file)
        batch = _Batch(name, origin, *_named(tree, name, lambda content: _content(content, layout, binary)))
        wrong = sorted({str(label) for label in batch.labels if not 0 <= label < len(classes)})
        if wrong:
            raise invalid(tree, f"{name}: labels that are none of {len(classes)} classes: {some(wrong)}")
        batches.append(batch)
    return _found(tree, classes, batches, chosen_ids(tree, classes, chosen, {}))


def _found(tree: Tree, classes: Sequence[str], batches: Sequence[_Batch], chosen: Sequence[str]) -> Found:
    new = {classes.index(name): label for label, name in enumerate(chosen)}
    kept = [(batch, row) for batch in batches for row, label in enumerate(batch.labels) if label in new]

    found = Found(
        tuple(chosen),
        [f"{batch.name}:{row}" for batch, row in kept],
        [new[batch.labels[row]] for batch, row in kept],
        [batch.origin for batch, _ in kept],
        lambda number, _: kept[number][0].pixels[kept[number][1]].transpose(1, 2, 0),
        lambda _: (SIDE, SIDE),
    )
    return check_classes(tree, found, (TRAIN, TEST))


def _classes(tree: Tree, root: str, layout: _Layout, binary: bool) -> list[str]:
    if binary:
        return lines(tree, joined(root, layout.binary_classes))

    def names(content: bytes) -> list[str]:
        told = _entries(content).get(layout.class_key)
        if not isinstance(told, list) or not all(isinstance(name, bytes | str) for name in told):
            raise Unreadable(f"has no {layout.class_key}")
        return [name.decode() if isinstance(name, bytes) else name for name in told]

    return _named(tree, joined(root, layout.classes), names)


def _content(content: bytes, layout: _Layout, binary: bool) -> tuple[Pixels, list[int]]:
    if binary:
        length = layout.label_bytes + IMAGE_BYTES
        if not content or len(content) % length:
            raise Unreadable(f"has {len(content)} bytes, no whole number of images of {length}")
        records = np.frombuffer(content, np.uint8).reshape(-1, length)
        return _shaped(records[:, layout.label_bytes :]), records[:, layout.label_bytes - 1].tolist()
    entries = _entries(content)
    data, labels = entries.get("data"), entries.get(layout.label_key)
    if not isinstance(data, ByteArray) or not isinstance(labels, list) or not all(map(_is_number, labels)):
        raise Unreadable(f"has no data or no {layout.label_key}")
    rows = data.rows()
    if rows.shape != (len(labels), IMAGE_BYTES):
        raise Unreadable(f"has {len(labels)} labels and {rows.shape[0]} images of {rows.shape[1]} bytes")
    return _shaped(rows), labels


def _is_number(label: Any) -> bool:
    # One of thousands of digits is no label, and Python refuses to print it.
    return type(label) is int and label.bit_length() < 64


def _entries(content: bytes) -> dict[str, Any]:
    found = unpickled(content)
    if not isinstance(found, dict):
        raise Unreadable("is no batch of images")
    return {key.decode("latin1") if isinstance(key, bytes) else str(key): value for key, value in found.items()}


def _shaped(pixels: Pixels) -> Pixels:
    return pixels.reshape(-1, 3, SIDE, SIDE)


def _named(tree: Tree, name: str, read: Callable[[bytes], Content]) -> Content:
    try:
        return read(tree.read(name))
    except (Unreadable, UnicodeDecodeError) as error:
        raise invalid(tree, f"{name}: {error}; take the file as it was published") from error
