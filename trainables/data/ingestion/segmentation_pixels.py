"""Reads every image with its mask once, as images of four channels: the fourth is the mask."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO, Final

import numpy as np

from trainables.data.ingestion.decoding import Pixels
from trainables.data.ingestion.found import Found
from trainables.data.ingestion.pixels import LINEAGE_BYTES, Images, Integers, Shape, read_all
from trainables.data.ingestion.segmentation_found import MaskedFound
from trainables.data.ingestion.segmentation_masks import IGNORED, fitted_pair, fitted_size
from trainables.data.ingestion.trees import Unreadable

CHANNELS: Final = 4
_VALUES: Final = 256


@dataclass(frozen=True)
class MaskedPixels:
    """What could be read; row i of every field is one image.

    Attributes:
        images: of four channels. Their lineage is that of the colours alone: one image with two masks is one source.
        counts: (n, 256) pixels of each value in the mask, what is padded counted as void.
        shown: n numbers of pixels that are not padded.
        digests: n of the masks.
    """

    images: Images
    counts: Integers
    shown: Integers
    digests: list[bytes]

    @property
    def colours(self) -> Pixels:
        """(n, 3, H, W)."""
        return self.images.pixels[:, : CHANNELS - 1]

    @property
    def masks(self) -> Pixels:
        """(n, H, W)."""
        return self.images.pixels[:, CHANNELS - 1]


def common_shape(found: MaskedFound, longest: int | None, workers: int) -> Shape:
    """Height and width that hold every image at `fitted_size`, and the four channels; files are read for their headers.

    A readable image is never cut, and where all have one size nothing is padded.
    """

    def size(number: int) -> tuple[int, int]:
        try:
            return fitted_size(*found.size(number), longest)
        except Unreadable:  # it is counted when it is read
            return 1, 1

    with ThreadPoolExecutor(workers, thread_name_prefix="sizing") as pool:
        widths, heights = zip(*pool.map(size, range(len(found.names))), strict=True)
    return max(heights), max(widths), CHANNELS


def read_pairs(
    found: MaskedFound,
    shape: Shape,
    longest: int | None,
    workers: int,
    scratch: IO[bytes],
    progress: Callable[[int], None],
) -> MaskedPixels:
    """Reads every image with its mask; the result does not depend on the number of workers.

    Args:
        found: by a layout's reader.
        shape: of `common_shape`. An image lies at its upper left; beside it are 0 and void.
        longest: as of `common_shape`.
        workers: as of `pixels.read_all`.
        scratch: an empty file, filled with the pixels and mapped.
        progress: told how many images have been read.

    Raises:
        OSError: the scratch's disk refuses.
    """
    total = len(found.names)
    counts, shown = np.zeros((total, _VALUES), np.int64), np.zeros(total, np.int64)
    digests = [b""] * total

    def read(number: int, _: Pixels | None) -> Pixels:
        pixels, mask = fitted_pair(*found.read(number), longest)
        if (mask == IGNORED).all():
            raise Unreadable(f"the mask {found.masks[number]} has nothing but void left at --size {longest}")
        both = np.zeros(shape, np.uint8)
        both[..., -1] = IGNORED
        both[: mask.shape[0], : mask.shape[1]] = np.dstack([pixels, mask])
        plane = np.ascontiguousarray(both[..., -1])
        # Each number is read by one worker alone.
        counts[number], shown[number] = np.bincount(plane.ravel(), minlength=_VALUES), mask.size
        digests[number] = hashlib.sha256(plane.data).digest()[:LINEAGE_BYTES]
        return both

    planes = Found((), found.names, (), found.origins, read, found.size)
    images = read_all(planes, shape, None, workers, scratch, progress)
    numbers = list(images.numbers)
    return MaskedPixels(images, counts[numbers], shown[numbers], [digests[number] for number in numbers])
