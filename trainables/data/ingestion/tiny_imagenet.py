"""TinyImageNet as published: class folders to train on, and a list that gives validation images their classes."""

from collections.abc import Mapping, Sequence
from typing import Final

from trainables.data.ingestion.class_folders import ImageFiles
from trainables.data.ingestion.class_names import check_classes, chosen_ids, invalid, readable, some, words_of
from trainables.data.ingestion.found import TRAIN, VAL, File, Found, found_files
from trainables.data.ingestion.trees import Tree, joined, lines, rooted

_ANNOTATIONS: Final = "val_annotations.txt"


def tiny_imagenet(tree: Tree, chosen: Sequence[str]) -> Found:
    """Images of the 200 classes; the images of `test` have no published class and stay unused.

    Args:
        tree: the folder or archive.
        chosen: classes to take, by WordNet id or by name; all where empty.

    Raises:
        TrainableError: DATA_INVALID: the layout is another one, a class lacks images, or `val_annotations.txt` does
            not fit the images.
    """
    root = rooted(tree, ["train", "val"])
    train, val, test = (joined(root, name) for name in ("train", "val", "test"))
    words = words_of(tree, root)
    there = tree.folders(train)
    if not there or _ANNOTATIONS not in tree.files(val):
        raise invalid(
            tree, f"no class folders in {train!r}, or no {joined(val, _ANNOTATIONS)!r}; unpack it as published"
        )
    ids = chosen_ids(tree, there, chosen, words)
    images = ImageFiles(tree)
    files = [
        File(name, label, TRAIN) for label, wordnet in enumerate(ids) for name in images.of(f"{train}/{wordnet}/images")
    ]
    labels = {wordnet: label for label, wordnet in enumerate(ids)}
    annotated = _annotated(tree, val, list(images.of(f"{val}/images")), set(there))
    files += [File(name, labels[wordnet], VAL) for name, wordnet in annotated.items() if wordnet in labels]
    unlabelled = ("images without a published class", len(tree.files(f"{test}/images")))
    found = found_files(tree, readable(tree, ids, words), files, [images.unused, unlabelled], ids)
    return check_classes(tree, found, (TRAIN, VAL))


def _annotated(tree: Tree, val: str, images: Sequence[str], classes: set[str]) -> Mapping[str, str]:
    """The WordNet id of each validation image, in the order of the images."""
    found: dict[str, str] = {}
    wrong: list[str] = []
    for number, line in enumerate(lines(tree, f"{val}/{_ANNOTATIONS}"), 1):
        name, wordnet = (*line.split("\t"), "", "")[:2]
        if wordnet not in classes:
            wrong.append(f"line {number}: {wordnet[:20]!r} is no class")
        elif found.setdefault(f"{val}/images/{name}", wordnet) != wordnet:
            wrong.append(f"line {number}: {name[:40]!r} has another class before")
    there = set(images)
    wrong += [f"{name} is not there" for name in found if name not in there]
    wrong += [f"{name} has no line" for name in images if name not in found]
    if wrong:
        raise invalid(tree, f"{val}/{_ANNOTATIONS}: {len(wrong)} of its lines and images do not fit: {some(wrong)}")
    return {name: found[name] for name in images}
