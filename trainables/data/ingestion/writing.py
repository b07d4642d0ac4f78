"""Writes a split's Arrow file from rows of mapped pixels without holding them in memory."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from trainables.data import manifest
from trainables.data.ingestion.decoding import Pixels
from trainables.data.ingestion.division import SPLITS
from trainables.data.ingestion.pixels import lineage_name

_BLOCK_BYTES: Final = 1 << 20


class Masks(NamedTuple):
    """Mapped masks (N, H, W) uint8, and the (256,) uint8 that are written for their values."""

    values: Pixels
    numbers: Pixels


def write_splits(
    directory: Path,
    pixels: Pixels,
    splits: Mapping[str, Sequence[int]],
    labels: Sequence[int],
    lineage: Sequence[bytes],
    progress: Callable[[str, int, int], None],
    masks: Masks | None = None,
) -> None:
    """Writes the file of every split.

    Args:
        directory: gets `train.arrow` and the others.
        pixels: as of `write_rows`.
        splits: rows of each.
        labels: N classes.
        lineage: N digests.
        progress: told 'writing', how many images have been written, and of how many.
        masks: as of `write_rows`.

    Raises:
        OSError: the disk refuses.
    """
    total, done = sum(map(len, splits.values())), 0

    def told(more: int) -> None:
        nonlocal done
        done += more
        progress("writing", done, total)

    for split in SPLITS:
        rows = splits[split]
        sources = [lineage_name(lineage[row]) for row in rows]
        write_rows(directory / f"{split}.arrow", pixels, rows, [labels[row] for row in rows], sources, told, masks)


def write_rows(
    path: Path,
    pixels: Pixels,
    rows: Sequence[int],
    labels: Sequence[int],
    lineage: Sequence[str],
    progress: Callable[[int], None],
    masks: Masks | None = None,
    **columns: Sequence[int],
) -> None:
    """Writes the bytes that `trainables.data.images.write_images` would write of the same images.

    With masks they are those of `trainables.data.masked_images.write_masked`.

    Args:
        path: the file to write.
        pixels: (N, C, H, W) uint8, of which a block at a time is copied.
        rows: n of them, at least one and N at most.
        labels: n classes.
        lineage: n names of sources.
        progress: told how many more images have been written.
        masks: of the same N images. They may lie among the pixels, as a plane of each image.
        columns: n whole numbers each.

    Raises:
        OSError: the disk refuses.
    """
    filled = [pixels] if masks is None else [pixels, masks.values]
    arrays = {
        "images": _tensors(pixels, len(rows)),
        "labels": _of_buffers(pa.int64(), len(rows), np.asarray(labels, np.int64)),
        "lineage": _strings(lineage),
    }
    arrays |= {} if masks is None else {"mask": _tensors(masks.values, len(rows))}
    arrays |= {name: _of_buffers(pa.int64(), len(rows), np.asarray(each, np.int64)) for name, each in columns.items()}
    batch = pa.RecordBatch.from_arrays(list(arrays.values()), names=list(arrays))
    with path.open("w+b") as stream:
        sink = _Sparing(stream, [each.ctypes.data for each in filled])
        with pa.PythonFile(sink, mode="w") as file, pa.ipc.new_file(file, batch.schema) as writer:
            writer.write_batch(batch)
        if len(sink.skipped_at) < len(filled):
            raise AssertionError("unreachable: Arrow writes a column's values by one call")
        contents = [_blocks(pixels, np.asarray(rows), progress)]
        if masks is not None:
            plain = _blocks(masks.values, np.asarray(rows), lambda _: None)
            contents.append(masks.numbers[np.frombuffer(block, np.uint8)].data for block in plain)
        digest = _filled(stream, dict(zip(sink.skipped_at, contents, strict=True)))
        stream.flush()
        manifest.tell_digest(path, digest)


class _Sparing:
    """Writes on, except for the pieces that lie at the given addresses of memory: their places stay empty.

    The places are noted in the order of the pieces, which is that of the columns.
    """

    closed = False

    def __init__(self, stream: IO[bytes], skipped: Sequence[int]) -> None:
        self._stream = stream
        self._skipped = skipped
        self.skipped_at: list[int] = []

    def write(self, piece: Any) -> int:
        if isinstance(piece, pa.Buffer) and piece.address in self._skipped:
            self.skipped_at.append(self._stream.tell())
            self._stream.seek(piece.size, os.SEEK_CUR)
            return int(piece.size)
        return self._stream.write(piece)

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        self._stream.flush()


# Made of buffers: `pa.array` imports pandas, which takes as long as decoding ten thousand small images.


def _of_buffers(kind: pa.DataType, length: int, *buffers: Any) -> pa.Array:
    return pa.Array.from_buffers(kind, length, [None, *map(pa.py_buffer, buffers)])


def _tensors(values: Pixels, count: int) -> pa.Array:
    """As many as that, whose type and length are right; the bytes, which the sink skips, are those at their address."""
    size = count * values[0].size
    plain = _of_buffers(pa.uint8(), size, np.lib.stride_tricks.as_strided(values, (size,), (1,), writeable=False).data)
    axes = values.shape[1:]
    kind = pa.fixed_shape_tensor(pa.uint8(), list(axes), permutation=list(range(len(axes))))
    return pa.ExtensionArray.from_storage(kind, pa.FixedSizeListArray.from_arrays(plain, values[0].size))


def _strings(texts: Sequence[str]) -> pa.Array:
    encoded = [text.encode("utf-8", "backslashreplace") for text in texts]  # a file's name may be any bytes
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    return _of_buffers(pa.string(), len(texts), ends, b"".join(encoded))


def _blocks(pixels: Pixels, rows: Any, progress: Callable[[int], None]) -> Iterator[memoryview]:
    """The bytes of those rows in order; a block stays as it is until the next but one is asked for."""
    length = max(1, _BLOCK_BYTES // pixels[0].nbytes)
    rooms = np.empty((2, length, *pixels.shape[1:]), np.uint8)
    for number, start in enumerate(range(0, len(rows), length)):
        chosen = rows[start : start + length]
        block = rooms[number % 2, : len(chosen)]
        if pixels.flags.c_contiguous:
            np.take(pixels, chosen, axis=0, out=block, mode="clip")  # other modes copy once more
        else:
            block[...] = pixels[chosen]  # `take` would copy all pixels first
        yield block.data.cast("B")
        progress(len(chosen))


def _filled(stream: IO[bytes], contents: Mapping[int, Iterator[memoryview]]) -> str:
    """Writes blocks at their places, in this order, and returns the SHA-256 of the whole file, hashed beside it."""
    stream.seek(0)
    hashed = hashlib.sha256()
    with ThreadPoolExecutor(1) as beside:
        for at, blocks in contents.items():
            hashed.update(stream.read(at - stream.tell()))
            hashing = beside.submit(hashed.update, b"")
            for block in blocks:
                hashing.result()
                hashing = beside.submit(hashed.update, block)
                stream.write(block)
            hashing.result()
    hashed.update(stream.read())
    return hashed.hexdigest()
