"""Images as one Arrow record batch that torch sees in the mapped file itself, without a copy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from torch import Tensor
from torch.utils.dlpack import from_dlpack

from trainables.data.manifest import corrupt


@dataclass(frozen=True)
class ImageSet:
    """A set whose tensors lie in a read-only mapping of its file: a write in place ends the process.

    Gather with `torch.index_select(images, 0, indices, out=buffer)`.
    """

    images: Tensor
    """(N, C, H, W) uint8."""
    labels: Tensor
    """(N,) int64."""
    lineage: tuple[str, ...]
    """(N,) what each image was made from; equal sources never stand in two splits."""
    columns: Mapping[str, pa.Array]
    """Further columns by name, N values each."""

    def __len__(self) -> int:
        return len(self.labels)


def write_images(path: Path, images: Tensor, labels: Tensor, lineage: Sequence[str], **columns: Sequence[Any]) -> None:
    """Writes one record batch; equal arguments give equal bytes.

    Args:
        path: the file to write.
        images: (N, C, H, W) uint8.
        labels: (N,) int64.
        lineage: N names of sources.
        columns: N values each: numbers, strings, lists of them, arrays, or a tensor; with more axes than one it is of
            uint8, and `byte_tensor` reads it.

    Raises:
        ValueError: a shape, a type or a length differs from that.
        OSError: the disk refuses.
    """
    if images.ndim != 4 or images.dtype != torch.uint8 or labels.ndim != 1 or labels.dtype != torch.int64:
        raise ValueError(
            f"{path}: want images (N, C, H, W) uint8 and labels (N,) int64, got {tuple(images.shape)} {images.dtype} "
            f"and {tuple(labels.shape)} {labels.dtype}"
        )
    lengths = {"labels": len(labels), "lineage": len(lineage)} | {name: len(values) for name, values in columns.items()}
    wrong = [f"{length} {name}" for name, length in lengths.items() if length != len(images)]
    if wrong:
        raise ValueError(f"{path}: {len(images)} images, but {', '.join(wrong)}")
    arrays = {
        "images": _tensor_array(images),
        "labels": _column(labels),
        "lineage": pa.array(list(lineage), pa.string()),
    } | {name: _column(values) for name, values in columns.items()}
    batch = pa.RecordBatch.from_arrays(list(arrays.values()), names=list(arrays))
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)


def read_images(path: Path) -> ImageSet:
    """Maps a file that `write_images` wrote, after full validation; nothing but strings is copied.

    Raises:
        TrainableError: CACHE_CORRUPT: the file is missing, torn, forged, or holds something else.
    """
    try:
        batch = _whole_batch(path)
        columns = {name: batch.column(name) for name in batch.schema.names}
        images, labels, lineage = (columns.pop(name) for name in ("images", "labels", "lineage"))
        return ImageSet(byte_tensor(images, 3), _label_tensor(labels), tuple(lineage.to_pylist()), columns)
    except (pa.ArrowException, OSError, ValueError, KeyError, MemoryError) as error:
        reason = " ".join(str(error).split())[:200]
        raise corrupt(
            str(path), f"not the images that were written ({reason})", "delete its folder to rebuild"
        ) from error


def byte_tensor(values: pa.Array, axes: int) -> Tensor:
    """The bytes of a column of equal shapes, (N, ...) with that many axes after the first, lying where the column lies.

    Raises:
        ValueError: the column holds something else.
    """
    kind = values.type
    if not isinstance(kind, pa.FixedShapeTensorType) or kind.value_type != pa.uint8() or len(kind.shape) != axes:
        raise ValueError(f"bytes with {axes} axes wanted, got {kind}")
    if kind.permutation not in (None, list(range(axes))):
        raise ValueError(f"bytes with permuted axes {kind.permutation}")
    # DLPack shares the memory like numpy does, but without numpy's warning about memory that cannot be written.
    return from_dlpack(values.storage.flatten()).view(len(values), *kind.shape)


def _whole_batch(path: Path) -> pa.RecordBatch:
    reader = pa.ipc.open_file(pa.memory_map(str(path)))
    if reader.num_record_batches != 1:  # several would have to be copied into one
        raise ValueError(f"{reader.num_record_batches} record batches where one is written")
    batch = reader.get_batch(0)
    batch.validate(full=True)  # forged offsets end in a bus error later, in whoever reads the column
    if any(column.null_count for column in batch.columns):
        raise ValueError("values are missing")
    return batch


def _label_tensor(labels: pa.Array) -> Tensor:
    if labels.type != pa.int64():
        raise ValueError(f"labels of type {labels.type}")
    return from_dlpack(labels)


def _tensor_array(values: Tensor) -> pa.Array:
    flat = values.detach().cpu().contiguous().numpy()
    if len(flat):
        return pa.FixedShapeTensorArray.from_numpy_ndarray(flat)
    kind = pa.fixed_shape_tensor(pa.uint8(), list(values.shape[1:]))
    return pa.ExtensionArray.from_storage(kind, pa.array([], kind.storage_type))


def _column(values: Any) -> pa.Array:
    if isinstance(values, Tensor) and values.ndim > 1:
        return _tensor_array(values)
    return pa.array(values.detach().cpu().numpy() if isinstance(values, Tensor) else values)
