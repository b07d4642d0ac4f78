"""A folder of images and one of their masks, at the root or below each official split."""

from collections import Counter
from pathlib import PurePosixPath
from typing import Final

from trainables.data.ingestion.class_names import invalid, some
from trainables.data.ingestion.decoding import SUFFIXES
from trainables.data.ingestion.found import ALL, TEST, TRAIN, VAL
from trainables.data.ingestion.segmentation_found import MaskedFound, Pair, found_pairs
from trainables.data.ingestion.segmentation_masks import IGNORED
from trainables.data.ingestion.trees import Tree, joined, lines, rooted

_IMAGES: Final = "images"
_MASKS: Final = "masks"
_CLASSES: Final = "classes.txt"
_OFFICIAL: Final = {"train": TRAIN, "val": VAL, "valid": VAL, "validation": VAL, "test": TEST}
_LONGEST: Final = 200


def image_masks(tree: Tree) -> MaskedFound:
    """Images of `images` whose masks lie in `masks` under the same names as PNG files.

    Both folders lie at the root, or below `train` and `val`, `test` or both. `classes.txt` at the root has the name of
    a class in each line, that of value 0 first; without it, every value is a class.

    Raises:
        TrainableError: DATA_INVALID: the layout is another one, an image lacks its mask or a mask its image, or
            `classes.txt` has lines that are no names.
    """
    root = rooted(tree, [_IMAGES, _MASKS, *_OFFICIAL])
    places = {joined(root, name): _OFFICIAL[name] for name in tree.folders(root) if name in _OFFICIAL}
    if {_IMAGES, _MASKS} <= set(tree.folders(root)):
        places = {root: ALL}
    elif TRAIN not in places.values() or len(set(places.values())) < max(2, len(places)):
        raise invalid(
            tree,
            f"no folders {_IMAGES!r} and {_MASKS!r}, nor 'train' and one of 'val' and 'test' with those in each; "
            "arrange it so",
        )
    files = [(place, origin, _by_stem(tree, place)) for place, origin in places.items()]
    pairs = [Pair(*named, origin) for _, origin, found in files for named in found]
    others = sum(len(tree.files(joined(place, _IMAGES))) for place in places) - len(pairs)
    return found_pairs(tree, _classes(tree, root), pairs, unused=[("files that are no images", others)])


def _by_stem(tree: Tree, place: str) -> list[tuple[str, str]]:
    images = _stems(tree, joined(place, _IMAGES), SUFFIXES)
    masks = _stems(tree, joined(place, _MASKS), (".png",))
    lonely = [name for stem, name in images.items() if stem not in masks]
    lonely += [name for stem, name in masks.items() if stem not in images]
    if lonely:
        raise invalid(
            tree,
            f"{place or 'the root'}: {len(lonely)} of {len(images)} images and {len(masks)} masks stand alone: "
            f"{some(lonely)}; an image and its mask have one name but for the suffix, and masks are PNG files",
        )
    return [(name, masks[stem]) for stem, name in images.items()]


def _stems(tree: Tree, folder: str, suffixes: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in tree.files(folder):
        if name.lower().endswith(suffixes):
            stem = PurePosixPath(name).stem
            if stem in found:
                raise invalid(tree, f"{folder}: {name!r} and {found[stem]!r} differ in their suffix alone; rename one")
            found[stem] = joined(folder, name)
    return found


def _classes(tree: Tree, root: str) -> list[str]:
    if _CLASSES not in tree.files(root):
        return []
    names = [line.strip() for line in lines(tree, joined(root, _CLASSES))]
    wrong = [name[:40] for name in names if not name.isprintable() or len(name) > _LONGEST]
    wrong += sorted(name[:40] for name, count in Counter(names).items() if count > 1)
    if wrong or not 2 <= len(names) <= IGNORED:
        told = f"{len(wrong)} are twice there or cannot be shown: {some(wrong)}" if wrong else f"{len(names)} names"
        raise invalid(tree, f"{_CLASSES}: {told}; it wants 2 to {IGNORED} different names, one a line")
    return names
