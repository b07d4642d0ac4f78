"""What the reader of a layout with masks finds, before any image is read."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from trainables.data.ingestion.class_names import invalid, some
from trainables.data.ingestion.decoding import Pixels, decoded, size_of
from trainables.data.ingestion.segmentation_masks import check_mask, decoded_mask
from trainables.data.ingestion.trees import Tree, Unreadable, joined, lines, rooted

VOC_CLASSES: Final = (
    "background",
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
)
"""Of PASCAL VOC 2012 and of SBD, by their values in a mask."""

_PATH: Final = re.compile(r"^/?JPEGImages/([^/\\]+)\.jpg$")

Decode = Callable[[bytes], Pixels]


class Pair(NamedTuple):
    """The names of an image's file and of its mask's, and the official split."""

    image: str
    mask: str
    origin: str


@dataclass(frozen=True)
class MaskedFound:
    """The classes, and every image that has a mask.

    Attributes:
        classes: their names; a mask's value counts into them, and 255 is void. Empty where the layout does not say
            them: then every value is a class.
        names: of each image, as its source names it.
        masks: of each image's mask.
        origins: the official split of each image, or `found.ALL` where the layout has none.
        read: the pixels (H, W, 3) and the mask (H, W) of an image by its number; or `Unreadable`. From any thread.
        size: width and height of an image by its number, without its pixels; or `Unreadable`. From any thread.
        unused: what else lies there, in words that follow a number, with that number.
    """

    classes: tuple[str, ...]
    names: Sequence[str]
    masks: Sequence[str]
    origins: Sequence[str]
    read: Callable[[int], tuple[Pixels, Pixels]]
    size: Callable[[int], tuple[int, int]]
    unused: tuple[tuple[str, int], ...] = ()


def found_pairs(
    tree: Tree,
    classes: Sequence[str],
    pairs: Sequence[Pair],
    decode: Decode = decoded_mask,
    unused: Sequence[tuple[str, int]] = (),
) -> MaskedFound:
    """Images and masks that are files of a tree.

    Args:
        tree: the folder or archive.
        classes: as of `MaskedFound`.
        pairs: one at least.
        decode: a mask's file.
        unused: as of `MaskedFound`.

    Raises:
        TrainableError: DATA_INVALID: there is no pair, or a file of one is missing; all of them are counted.
    """
    if not pairs:
        raise invalid(tree, "no image has a mask; look at the official layout")
    _check_there(tree, pairs)

    def read(number: int) -> tuple[Pixels, Pixels]:
        pair = pairs[number]
        pixels = decoded(tree.read(pair.image))
        try:
            mask = decode(tree.read(pair.mask))
            check_mask(mask, pixels, len(classes))
        except Unreadable as error:
            raise Unreadable(f"the mask {pair.mask} {error}") from error
        return pixels, mask

    names, masks, origins = zip(*pairs, strict=True)
    told = tuple((what, count) for what, count in unused if count)
    return MaskedFound(
        tuple(classes), names, masks, origins, read, lambda number: size_of(tree.read(names[number])), told
    )


def listed(tree: Tree, name: str) -> list[str]:
    """The names of images in a list, one a line, each once; a list of VOC may have their paths instead.

    Raises:
        TrainableError: DATA_INVALID: the list cannot be read, is empty, or names an image twice or a path.
    """
    # Some lists have a label after the name, or the paths of image and mask, as
    # `/JPEGImages/2007_000032.jpg /SegmentationClassAug/2007_000032.png`.
    names = [_PATH.sub(r"\1", line.split()[0]) for line in lines(tree, name)]
    wrong = [each[:40] for each in names if "/" in each or "\\" in each or each in (".", "..")]
    if wrong or not names:
        told = f"{len(wrong)} lines are no names: {some(wrong)}" if wrong else "it names no image"
        raise invalid(tree, f"{name}: {told}; a line has the name of an image without its suffix")
    twice = sorted(each for each, count in Counter(names).items() if count > 1)
    if twice:
        raise invalid(tree, f"{name}: {len(twice)} names stand there twice: {some(twice)}; name each once")
    return names


def root_of(tree: Tree, landmarks: Iterable[str], candidates: Iterable[str]) -> str:
    """The folder that holds all landmarks: one of the candidates, or below folders that stand alone.

    Raises:
        TrainableError: DATA_INVALID: there is none.
    """
    wanted = set(landmarks)
    above = rooted(tree, wanted)
    for at in ("", *candidates, above, *(joined(above, each) for each in candidates)):
        if wanted <= {*tree.folders(at), *tree.files(at)}:
            return at
    raise invalid(tree, f"no folder with {', '.join(sorted(wanted))}; unpack it as published and name its top")


def _check_there(tree: Tree, pairs: Sequence[Pair]) -> None:
    folders = {name.rpartition("/")[0] for pair in pairs for name in (pair.image, pair.mask)}
    there = {joined(folder, name) for folder in sorted(folders) for name in tree.files(folder)}
    missing = [name for pair in pairs for name in (pair.image, pair.mask) if name not in there]
    if missing:
        raise invalid(tree, f"{len(missing)} of {2 * len(pairs)} images and masks are missing: {some(missing)}")
