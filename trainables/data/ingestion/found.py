"""What the reader of a layout finds, before any image is read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from trainables.data.ingestion.decoding import Pixels, decoded, size_of
from trainables.data.ingestion.trees import Tree

ALL: Final = "all"
TRAIN: Final = "train"
VAL: Final = "val"
TEST: Final = "test"


@dataclass(frozen=True)
class Found:
    """The classes, and every image that has one.

    Attributes:
        classes: their names; a label counts into them.
        names: of each image, as its source names it.
        labels: of each image.
        origins: the official split of each image, or `ALL` where the layout has none.
        read: the pixels (H, W, 3) of an image by its number, in the given room where they fit it; or `Unreadable`.
        size: width and height of an image by its number, without its pixels; or `Unreadable`.
        unused: what else lies there, in words that follow a number, with that number.
        class_ids: what the layout calls each class, where that is not its name.
    """

    classes: tuple[str, ...]
    names: Sequence[str]
    labels: Sequence[int]
    origins: Sequence[str]
    read: Callable[[int, Pixels | None], Pixels]
    size: Callable[[int], tuple[int, int]]
    unused: tuple[tuple[str, int], ...] = ()
    class_ids: tuple[str, ...] = ()


class File(NamedTuple):
    """One image file of a tree."""

    name: str
    label: int
    origin: str


def found_files(
    tree: Tree,
    classes: Sequence[str],
    files: Sequence[File],
    unused: Sequence[tuple[str, int]] = (),
    class_ids: Sequence[str] = (),
) -> Found:
    """Images that are files of a tree."""
    names, labels, origins = zip(*files, strict=True) if files else ((), (), ())
    return Found(
        tuple(classes),
        names,
        labels,
        origins,
        lambda number, room: decoded(tree.read(names[number]), room),
        lambda number: size_of(tree.read(names[number])),
        tuple((what, count) for what, count in unused if count),
        () if tuple(class_ids) == tuple(classes) else tuple(class_ids),
    )
