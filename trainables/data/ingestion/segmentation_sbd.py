"""The Semantic Boundaries Dataset as published: JPEG images, and masks in MATLAB files."""

from typing import Final

import numpy as np

from trainables.data.ingestion.class_names import invalid
from trainables.data.ingestion.decoding import Pixels
from trainables.data.ingestion.found import TRAIN, VAL
from trainables.data.ingestion.segmentation_found import VOC_CLASSES, MaskedFound, Pair, found_pairs, listed, root_of
from trainables.data.ingestion.segmentation_matlab import matrix_of
from trainables.data.ingestion.trees import Tree, joined

_CANDIDATES: Final = ("dataset", "benchmark_RELEASE/dataset")


def sbd(tree: Tree) -> MaskedFound:
    """The 8,498 training images and the 2,857 of validation, with the masks of `GTcls.Segmentation`.

    Raises:
        TrainableError: DATA_INVALID: the layout is another one, or an image or a mask that a list names is missing.
    """
    root = root_of(tree, ("img", "cls", "train.txt", "val.txt"), _CANDIDATES)
    lists = {origin: listed(tree, joined(root, f"{origin}.txt")) for origin in (TRAIN, VAL)}
    both = sorted(set(lists[TRAIN]) & set(lists[VAL]))
    if both:
        raise invalid(tree, f"{len(both)} images are listed to train and to validate, as {both[0]!r}; take them out")
    images, masks = joined(root, "img"), joined(root, "cls")
    pairs = [
        Pair(f"{images}/{name}.jpg", f"{masks}/{name}.mat", origin) for origin, names in lists.items() for name in names
    ]
    rest = len(tree.files(images)) - len(pairs)
    return found_pairs(tree, VOC_CLASSES, pairs, mask_of, [("images without a listed mask", rest)])


def mask_of(content: bytes) -> Pixels:
    """The mask (H, W) of one of SBD's files.

    Raises:
        Unreadable: see `segmentation_matlab.matrix_of`.
    """
    mask: Pixels = matrix_of(content, "GTcls", "Segmentation").astype(np.uint8, copy=False)
    return mask
