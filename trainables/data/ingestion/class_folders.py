"""Layouts with a folder for each class: a plain one, one below each official split, and ImageNet's."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from trainables.data.ingestion.class_names import check_classes, chosen_ids, invalid, readable, some, words_of
from trainables.data.ingestion.decoding import SUFFIXES
from trainables.data.ingestion.found import ALL, TEST, TRAIN, VAL, File, Found, found_files
from trainables.data.ingestion.trees import Tree, joined, rooted

ANIMALS: Final[Mapping[str, str]] = {
    "n01443537": "goldfish",
    "n01484850": "great white shark",
    "n01494475": "hammerhead",
    "n01608432": "kite",
    "n01632458": "spotted salamander",
    "n01664065": "loggerhead",
    "n01677366": "common iguana",
    "n01753488": "horned viper",
    "n01770081": "harvestman",
    "n01829413": "hornbill",
    "n01877812": "wallaby",
    "n01910747": "jellyfish",
    "n01914609": "sea anemone",
    "n01943899": "conch",
    "n01968897": "chambered nautilus",
    "n01978287": "Dungeness crab",
    "n01985128": "crayfish",
    "n02006656": "spoonbill",
    "n02012849": "crane",
    "n02018795": "bustard",
}
"""ImageNet20: twenty animals of ImageNet by their WordNet ids."""

_OFFICIAL: Final[Mapping[str, str]] = {"train": TRAIN, "val": VAL, "valid": VAL, "validation": VAL, "test": TEST}


def image_folder(tree: Tree, chosen: Sequence[str]) -> Found:
    """Images of class folders, which lie at the root, or below `train` and `val`, `test` or both.

    Args:
        tree: the folder or archive.
        chosen: classes to take, by folder; all where empty.

    Raises:
        TrainableError: DATA_INVALID: the layout is another one, or a class lacks images.
    """
    root = _above_classes(tree)
    official = _official_splits(tree, root)
    beside = [root, *(joined(root, name) for name in tree.folders(root))] if official else [root]
    unused = ("files beside class folders", sum(len(tree.files(place)) for place in beside))
    return _of_class_folders(tree, official or {root: ALL}, chosen, {}, unused)


def imagenet20(tree: Tree, chosen: Sequence[str]) -> Found:
    """Images of ImageNet's layout: `train` and `val` with a folder for each WordNet id.

    Args:
        tree: the folder or archive.
        chosen: WordNet ids, or names where a `words.txt` is there; the twenty of `ANIMALS` where empty.

    Raises:
        TrainableError: DATA_INVALID: the layout is another one, or a class is missing or lacks images.
    """
    root = rooted(tree, ["train"])
    folders = {joined(root, "train"): TRAIN, joined(root, "val"): VAL}
    for folder in folders:
        if not tree.folders(folder):
            raise invalid(tree, f"no class folders in {folder!r}; ImageNet's layout has them in 'train' and 'val'")
    return _of_class_folders(tree, folders, chosen or list(ANIMALS), {**words_of(tree, root), **ANIMALS})


class ImageFiles:
    """Yields the image files of folders and counts the others."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._others = 0

    def of(self, folder: str) -> Iterator[str]:
        """Names of the images in a folder."""
        for name in self._tree.files(folder):
            if name.lower().endswith(SUFFIXES):
                yield joined(folder, name)
            else:
                self._others += 1

    @property
    def unused(self) -> tuple[str, int]:
        """How many others there were."""
        return "files that are no images", self._others


def _above_classes(tree: Tree) -> str:
    at = ""
    while len(tree.folders(at)) == 1 and tree.folders(joined(at, tree.folders(at)[0])):
        at = joined(at, tree.folders(at)[0])
    return at


def _official_splits(tree: Tree, root: str) -> dict[str, str]:
    """Official splits by folder; none where the folders are classes, of which one may be called `train`."""
    found = {joined(root, name): _OFFICIAL[name] for name in tree.folders(root) if name in _OFFICIAL}
    found = {folder: origin for folder, origin in found.items() if tree.folders(folder)}
    if len(set(found.values())) < len(found):
        raise invalid(tree, f"{some(list(found))}: two of them are the same official split; take one away")
    return found if TRAIN in found.values() and len(found) > 1 else {}


def _of_class_folders(
    tree: Tree,
    folders: Mapping[str, str],
    chosen: Sequence[str],
    words: Mapping[str, str],
    *unused: tuple[str, int],
) -> Found:
    there = sorted({name for folder in folders for name in tree.folders(folder)})
    ids = chosen_ids(tree, there, chosen, words)
    images = ImageFiles(tree)
    files = []
    for folder, origin in folders.items():
        for label, name in enumerate(ids):
            at = joined(folder, name)
            if tree.folders(at):
                raise invalid(tree, f"{at!r} holds folders ({some(tree.folders(at))}); images lie in the class folder")
            files += [File(image, label, origin) for image in images.of(at)]
    found = found_files(tree, readable(tree, ids, words), files, [*unused, images.unused], ids)
    return check_classes(tree, found, folders.values())
