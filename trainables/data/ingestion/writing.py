"""Writes a split's Arrow file from rows of mapped pixels without holding them in memory."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import pyarrow as pa

from trainables.data import manifest
from trainables.data.ingestion.decoding import Pixels

_BLOCK_BYTES: Final = 1 << 20


def write_rows(
    path: Path,
    pixels: Pixels,
    rows: Sequence[int],
    labels: Sequence[int],
    lineage: Sequence[str],
    progress: Callable[[int], None],
    **columns: Sequence[int],
) -> None:
    """Writes the bytes that `trainables.data.images.write_images` would write of the same images.

    Args:
        path: the file to write.
        pixels: (N, C, H, W) uint8, of which a block at a time is copied.
        rows: n of them, at least one and N at most.
        labels: n classes.
        lineage: n names of sources.
        progress: told how many more images have been written.
        columns: n whole numbers each.

    Raises:
        OSError: the disk refuses.
    """
    # The first n stand in for the chosen ones: their type and length are right, and the sink skips their bytes.
    arrays = {
        "images": _tensors(pixels[: len(rows)]),
        "labels": _of_buffers(pa.int64(), len(rows), np.asarray(labels, np.int64)),
        "lineage": _strings(lineage),
    }
    arrays |= {name: _of_buffers(pa.int64(), len(rows), np.asarray(each, np.int64)) for name, each in columns.items()}
    batch = pa.RecordBatch.from_arrays(list(arrays.values()), names=list(arrays))
    with path.open("w+b") as stream:
        sink = _Sparing(stream, pixels.ctypes.data)
        with pa.PythonFile(sink, mode="w") as file, pa.ipc.new_file(file, batch.schema) as writer:
            writer.write_batch(batch)
        if sink.skipped_at is None:
            raise AssertionError("unreachable: Arrow writes a column's values by one call")
        digest = _filled(stream, sink.skipped_at, _blocks(pixels, np.asarray(rows), progress))
        stream.flush()
        manifest.tell_digest(path, digest)


class _Sparing:
    """Writes on, except for the piece that lies at the given address of memory: its place is left empty and noted."""

    closed = False

    def __init__(self, stream: IO[bytes], skipped: int) -> None:
        self._stream = stream
        self._skipped = skipped
        self.skipped_at: int | None = None

    def write(self, piece: Any) -> int:
        if isinstance(piece, pa.Buffer) and piece.address == self._skipped:
            self.skipped_at = self._stream.tell()
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


def _tensors(pixels: Pixels) -> pa.Array:
    values = _of_buffers(pa.uint8(), pixels.size, pixels.data.cast("B"))
    kind = pa.fixed_shape_tensor(pa.uint8(), list(pixels.shape[1:]), permutation=[0, 1, 2])
    return pa.ExtensionArray.from_storage(kind, pa.FixedSizeListArray.from_arrays(values, pixels[0].size))


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
        np.take(pixels, chosen, axis=0, out=block, mode="clip")  # other modes copy once more
        yield block.data.cast("B")
        progress(len(chosen))


def _filled(stream: IO[bytes], at: int, blocks: Iterator[memoryview]) -> str:
    """Writes the blocks at their place and returns the SHA-256 of the whole file, hashed beside the writing."""
    stream.seek(0)
    hashed = hashlib.sha256(stream.read(at))
    with ThreadPoolExecutor(1) as beside:
        hashing = beside.submit(hashed.update, b"")
        for block in blocks:
            hashing.result()
            hashing = beside.submit(hashed.update, block)
            stream.write(block)
        hashing.result()
    hashed.update(stream.read())
    return hashed.hexdigest()
