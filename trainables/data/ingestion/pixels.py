"""Reads every image once, in threads, into one file that is mapped: pixels, lineage and channel sums."""

import hashlib
import mmap
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
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
_COLOURS: Final = 3
_BLOCK_BYTES: Final = 1 << 19
"""Pixels that a worker reads at a time: they stay in its cache, and large images come one by one."""
_MOST_IN_BLOCK: Final = 64
_MOST_AHEAD: Final = 2
"""Blocks that wait for each worker, so that none waits for the calling thread."""
_BYTES_AHEAD: Final = 1 << 26
"""Of all blocks that wait, where images are large."""
_EXACT_SUMMANDS: Final = 256
"""Squares of bytes whose sum stays within what float32 holds exactly, 2**24."""
_CACHED_VALUES: Final = 1 << 17
"""float32 values that stay in a core's cache while they are summed."""
_SHOWN_SIZES: Final = 3


@dataclass(frozen=True)
class Images:
    """What could be read; row i of every field is one image.

    Attributes:
        pixels: (n, C, H, W) uint8, mapped and read-only; the first three channels are the colours.
        numbers: n numbers of images in the source, ascending.
        lineage: n digests of the colours, row by row and those of a pixel together; equal images have equal ones.
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
    reader = _Reader(found, shape, side, workers)
    total = _Total(scratch, shape)
    with ThreadPoolExecutor(workers, thread_name_prefix="decoding") as pool:
        try:
            for block in reader.blocks(pool):
                if block.differs:
                    raise _sizes_differ(found, pool)
                total.add(block)
                progress(block.stop)
        finally:
            pool.shutdown(cancel_futures=True)
    return total.images()


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
    """(n, H, W, C), as decoders give them; its room is used again for a later block."""
    numbers: list[int]
    lineage: list[bytes]
    unreadable: list[tuple[str, str]]
    stop: int
    differs: bool = False


class _Reader:
    """Reads blocks in threads into rooms that are used in turn: new ones cost a tenth of the time in page faults."""

    def __init__(self, found: Found, shape: Shape, side: int | None, workers: int) -> None:
        self._found = found
        self._shape = shape
        self._side = side
        image_bytes = shape[0] * shape[1] * shape[2]
        self._length = max(1, min(_MOST_IN_BLOCK, _BLOCK_BYTES // image_bytes))
        ahead = min(_MOST_AHEAD * workers, max(1, _BYTES_AHEAD // (self._length * image_bytes)))
        self._rooms = [np.empty((self._length, *shape), np.uint8) for _ in range(workers + ahead + 1)]

    def blocks(self, pool: ThreadPoolExecutor) -> Iterator[_Block]:
        """Every block in order; its pixels stay until the next one is asked for."""
        everything = range(len(self._found.names))
        waiting: deque[Future[_Block]] = deque()
        for number, start in enumerate(range(0, len(everything), self._length)):
            if len(waiting) == len(self._rooms) - 1:
                yield waiting.popleft().result()
            room = self._rooms[number % len(self._rooms)]
            waiting.append(pool.submit(self._read, everything[start : start + self._length], room))
        while waiting:
            yield waiting.popleft().result()

    def _read(self, span: range, room: Pixels) -> _Block:
        numbers: list[int] = []
        lineage: list[bytes] = []
        unreadable: list[tuple[str, str]] = []
        for number in span:
            place = room[len(numbers)]
            try:
                pixels = self._found.read(number, place)
            except Unreadable as error:
                unreadable.append((self._found.names[number], str(error)))
                continue
            if self._side is not None:
                pixels = fitted(pixels, self._side)
            if pixels.shape != self._shape:
                return _Block(room[:0], [], [], [], span.stop, differs=True)
            if pixels is not place:
                place[:] = pixels
            numbers.append(number)
            lineage.append(hashlib.sha256(_colours(place)).digest()[:LINEAGE_BYTES])
        return _Block(room[: len(numbers)], numbers, lineage, unreadable, span.stop)


class _Total:
    """What was read so far."""

    def __init__(self, scratch: IO[bytes], shape: Shape) -> None:
        self._scratch = scratch
        self._shape = (shape[2], *shape[:2])
        self._turned = np.empty((0, *self._shape), np.uint8)
        self._numbers: list[int] = []
        self._lineage: list[bytes] = []
        self._moments: list[tuple[Integers, Integers]] = []
        self._unreadable: list[tuple[str, str]] = []

    def add(self, block: _Block) -> None:
        self._unreadable += block.unreadable
        if not block.numbers:
            return
        if len(self._turned) < len(block.pixels):
            self._turned = np.empty((len(block.pixels), *self._shape), np.uint8)
        pixels = self._turned[: len(block.pixels)]
        np.copyto(pixels, block.pixels.transpose(0, 3, 1, 2))
        self._numbers += block.numbers
        self._lineage += block.lineage
        self._moments.append(moments(pixels))
        self._scratch.write(pixels.data.cast("B"))

    def images(self) -> Images:
        if not self._numbers:  # an empty file cannot be mapped
            none = np.empty((0, self._shape[0]), np.int64)
            return Images(self._turned, [], [], none, none, self._unreadable)
        self._scratch.flush()
        mapped = mmap.mmap(self._scratch.fileno(), 0, access=mmap.ACCESS_READ)
        pixels = np.frombuffer(mapped, np.uint8).reshape(len(self._numbers), *self._shape)
        sums, squares = (np.concatenate(parts) for parts in zip(*self._moments, strict=True))
        return Images(pixels, self._numbers, self._lineage, sums, squares, self._unreadable)


def _colours(place: Pixels) -> memoryview:
    """The bytes of the first three channels, without what stands beside the colours."""
    return np.ascontiguousarray(place[..., :_COLOURS]).data


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
