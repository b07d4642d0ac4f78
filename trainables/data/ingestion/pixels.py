"""Reads every image once, in threads, into one file that is mapped: pixels, lineage and channel sums."""

import hashlib
import mmap
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import IO, Final

import numpy as np
import numpy.typing as npt

from trainables.data.ingestion.decoding import Pixels, fitted
from trainables.data.ingestion.found import Found
from trainables.data.ingestion.trees import Unreadable
from trainables.errors import TrainableError

Integers = npt.NDArray[np.int64]
Shape = tuple[int, int, int]

LINEAGE_BYTES: Final = 16
"""Of the SHA-256 that are kept: two different images of a billion share them with a chance of 1 in 10**20."""
_BLOCK_BYTES: Final = 1 << 19
"""Pixels that a worker reads at a time: they stay in its cache, and large images come one by one."""
_MOST_IN_BLOCK: Final = 64
_AHEAD: Final = 3
"""Blocks that wait for each worker, so that none waits for the calling thread."""
_EXACT_SUMMANDS: Final = 256
"""Squares of bytes whose sum stays within what float32 holds exactly, 2**24."""
_CACHED_VALUES: Final = 1 << 17
"""float32 values that stay in a core's cache while they are summed."""
_SHOWN_SIZES: Final = 3


@dataclass(frozen=True)
class Images:
    """What could be read; row i of every field is one image.

    Attributes:
        pixels: (n, C, H, W) uint8, mapped and read-only.
        numbers: n numbers of images in the source, ascending.
        lineage: n digests of the pixels, row by row and the channels of a pixel together; equal images have equal ones.
        sums: (n, C) of the pixel values.
        squares: (n, C) of their squares.
        unreadable: names and reasons of the others.
    """

    pixels: Pixels
    numbers: Sequence[int]
    lineage: Sequence[bytes]
    sums: Integers
    squares: Integers
    unreadable: Sequence[tuple[str, str]]


def read_all(
    found: Found, shape: Shape, side: int | None, workers: int, scratch: IO[bytes], progress: Callable[[int], None]
) -> Images:
    """Reads every image; the result does not depend on the number of workers.

    Args:
        found: by a layout's reader.
        shape: of `first_shape`.
        side: to which every image is fitted; None where all have one size already.
        workers: threads that read, decode and hash; the calling one turns, sums and writes what they give.
        scratch: an empty file, filled with the pixels and mapped.
        progress: told how many images have been read.

    Raises:
        TrainableError: DATA_INVALID: their sizes differ.
        OSError: the scratch's disk refuses.
    """
    length = max(1, min(_MOST_IN_BLOCK, _BLOCK_BYTES // (shape[0] * shape[1] * shape[2])))
    everything = range(len(found.names))
    spans = [everything[start : start + length] for start in range(0, len(everything), length)]
    total = _Total(scratch)
    with ThreadPoolExecutor(workers, thread_name_prefix="decoding") as pool:
        try:
            for span, block in zip(spans, _in_order(pool, workers, found, spans, side, shape), strict=True):
                if block.differs:
                    raise _sizes_differ(found, pool)
                total.add(block)
                progress(span.stop)
        finally:
            pool.shutdown(cancel_futures=True)
    return total.images(shape)


def first_shape(found: Found, side: int | None) -> Shape:
    """Height, width and channels that every image must come to: those of the first readable one.

    Raises:
        TrainableError: DATA_INVALID: none is readable.
    """
    for number in range(len(found.names)):
        try:
            height, width, channels = found.read(number, None).shape
        except Unreadable as error:
            reason = error
        else:
            return (side or height, side or width, channels)
    raise TrainableError(
        "DATA_INVALID", f"none of {len(found.names)} images can be read ({found.names[-1]}: {reason}); check the files"
    )


def lineage_name(digest: bytes) -> str:
    """The digest as the column `lineage` tells it."""
    return f"sha256:{digest.hex()}"


def moments(pixels: Pixels) -> tuple[Integers, Integers]:
    """Sums and sums of squares of each image (n, C, H, W) and channel, exact: (n, C) both."""
    length = max(1, _CACHED_VALUES // pixels[0].size)
    parts = [_moments(pixels[start : start + length]) for start in range(0, len(pixels), length)]
    sums, squares = (np.concatenate(each) for each in zip(*parts, strict=True))
    return sums, squares


def _moments(pixels: Pixels) -> tuple[Integers, Integers]:
    count, channels, height, width = pixels.shape
    length = next(each for each in range(_EXACT_SUMMANDS, 0, -1) if height * width % each == 0)
    # float32 is ten times as fast here as integers are, and exact up to 2**24.
    rows = pixels.reshape(-1, length).astype(np.float32)
    sums, squares = (
        each.reshape(count, channels, -1).sum(2, dtype=np.float64).astype(np.int64)
        for each in (np.einsum("rw->r", rows), np.einsum("rw,rw->r", rows, rows))
    )
    return sums, squares


@dataclass(frozen=True)
class _Block:
    """Images that were read together; `differs` where one had another size than the first of all."""

    pixels: Pixels
    """(n, H, W, C), as decoders give them."""
    numbers: list[int]
    lineage: list[bytes]
    unreadable: list[tuple[str, str]]
    differs: bool


@dataclass
class _Total:
    scratch: IO[bytes]
    numbers: list[int] = field(default_factory=list)
    lineage: list[bytes] = field(default_factory=list)
    moments: list[tuple[Integers, Integers]] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    def add(self, block: _Block) -> None:
        self.unreadable += block.unreadable
        if block.numbers:
            pixels = np.ascontiguousarray(block.pixels.transpose(0, 3, 1, 2))
            self.numbers += block.numbers
            self.lineage += block.lineage
            self.moments.append(moments(pixels))
            self.scratch.write(pixels.data.cast("B"))

    def images(self, shape: Shape) -> Images:
        height, width, channels = shape
        self.scratch.flush()
        mapped = mmap.mmap(self.scratch.fileno(), 0, access=mmap.ACCESS_READ)
        pixels = np.frombuffer(mapped, np.uint8).reshape(len(self.numbers), channels, height, width)
        sums, squares = (np.concatenate(parts) for parts in zip(*self.moments, strict=True))
        return Images(pixels, self.numbers, self.lineage, sums, squares, self.unreadable)


def _in_order(
    pool: ThreadPoolExecutor, workers: int, found: Found, spans: Sequence[range], side: int | None, shape: Shape
) -> Iterator[_Block]:
    waiting: deque[Future[_Block]] = deque()
    for span in spans:
        waiting.append(pool.submit(_block, found, span, side, shape))
        if len(waiting) > _AHEAD * workers:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _block(found: Found, span: range, side: int | None, shape: Shape) -> _Block:
    room = np.empty((len(span), *shape), np.uint8)
    numbers: list[int] = []
    lineage: list[bytes] = []
    unreadable: list[tuple[str, str]] = []
    for number in span:
        place = room[len(numbers)]
        try:
            pixels = found.read(number, place)
        except Unreadable as error:
            unreadable.append((found.names[number], str(error)))
            continue
        if side is not None:
            pixels = fitted(pixels, side)
        if pixels.shape != shape:
            return _Block(room, [], [], [], differs=True)
        if pixels is not place:
            place[:] = pixels
        numbers.append(number)
        lineage.append(hashlib.sha256(place).digest()[:LINEAGE_BYTES])
    return _Block(room[: len(numbers)], numbers, lineage, unreadable, differs=False)


def _sizes_differ(found: Found, pool: ThreadPoolExecutor) -> TrainableError:
    def size(number: int) -> str | None:
        try:
            return "{}x{}".format(*found.size(number))
        except Unreadable:
            return None

    sizes = Counter(filter(None, pool.map(size, range(len(found.names)))))
    commonest = ", ".join(f"{name} ({count:,})" for name, count in sizes.most_common(_SHOWN_SIZES))
    others = len(sizes) - _SHOWN_SIZES
    return TrainableError(
        "DATA_INVALID",
        f"images of {len(sizes)} sizes: {commonest}{f' and {others} other sizes' if others > 0 else ''}; a data set "
        "has one: --size N resizes the short side of each to N pixels and keeps the N by N in the centre",
    )
