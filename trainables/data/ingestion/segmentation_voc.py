"""PASCAL VOC 2012 as published, with its own masks or with the 10,582 training masks that SBD adds."""

from typing import Final

from trainables.data.ingestion.class_names import invalid
from trainables.data.ingestion.found import TRAIN, VAL
from trainables.data.ingestion.segmentation_found import VOC_CLASSES, MaskedFound, Pair, found_pairs, listed, root_of
from trainables.data.ingestion.trees import Tree, joined

_IMAGES: Final = "JPEGImages"
_MASKS: Final = "SegmentationClass"
_MORE_MASKS: Final = "SegmentationClassAug"
_LISTS: Final = "ImageSets/Segmentation"
_MORE_LISTS: Final = ("trainaug.txt", "train_aug.txt")
"""It is published beside the data set, under either name; users put it among the official lists."""
_CANDIDATES: Final = ("VOC2012", "VOCdevkit/VOC2012")


def voc2012(tree: Tree) -> MaskedFound:
    """The 1,464 official training images and the 1,449 of validation.

    Raises:
        TrainableError: DATA_INVALID: the layout is another one, or an image or a mask that a list names is missing.
    """
    root = root_of(tree, (_IMAGES, _MASKS, "ImageSets"), _CANDIDATES)
    train = listed(tree, joined(root, f"{_LISTS}/train.txt"))
    return _found(tree, root, train, _MASKS)


def voc2012_aug(tree: Tree) -> MaskedFound:
    """The images of `trainaug.txt` with the masks of `SegmentationClassAug`, and the official ones of validation.

    Where there is no such list, all masks of `SegmentationClassAug` train whose image is not in `val.txt`; those are
    the same 10,582.

    Raises:
        TrainableError: DATA_INVALID: as of `voc2012`.
    """
    root = root_of(tree, (_IMAGES, _MASKS, _MORE_MASKS, "ImageSets"), _CANDIDATES)
    lists = joined(root, _LISTS)
    there = [name for name in _MORE_LISTS if name in tree.files(lists)]
    if there:
        train = listed(tree, joined(lists, there[0]))
    else:
        held_out = set(listed(tree, joined(lists, "val.txt")))
        masks = [name.removesuffix(".png") for name in tree.files(joined(root, _MORE_MASKS)) if name.endswith(".png")]
        train = [name for name in masks if name not in held_out]
    return _found(tree, root, train, _MORE_MASKS)


def _found(tree: Tree, root: str, train: list[str], masks: str) -> MaskedFound:
    validation = listed(tree, joined(root, f"{_LISTS}/val.txt"))
    both = sorted(set(train) & set(validation))
    if both:
        raise invalid(tree, f"{len(both)} images are listed to train and to validate, as {both[0]!r}; take them out")
    images = joined(root, _IMAGES)
    pairs = [Pair(f"{images}/{name}.jpg", f"{joined(root, masks)}/{name}.png", TRAIN) for name in train]
    pairs += [Pair(f"{images}/{name}.jpg", f"{joined(root, _MASKS)}/{name}.png", VAL) for name in validation]
    rest = len(tree.files(images)) - len(pairs)
    return found_pairs(tree, VOC_CLASSES, pairs, unused=[("images without a listed mask", rest)])
