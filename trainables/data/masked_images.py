"""Images with a class for every pixel, in the same Arrow files as other images."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from trainables.data.images import ImageSet, byte_tensor, read_images, write_images
from trainables.data.manifest import corrupt

IGNORED: Final = 255
"""The value of a mask where no class is said: it neither trains nor scores."""
MASK: Final = "mask"


@dataclass(frozen=True)
class MaskedSet(ImageSet):
    """Images whose masks lie in the same read-only mapping; `labels` are each image's main class.

    The main class is the one with the most pixels, background (0) and what is ignored apart; 0 where there is no other.
    """

    masks: Tensor
    """(N, H, W) uint8: the class of each pixel, or `IGNORED`."""


def write_masked(path: Path, images: Tensor, masks: Tensor, lineage: Sequence[str], **columns: Sequence[Any]) -> None:
    """Writes images and masks as one record batch; equal arguments give equal bytes.

    Args:
        path: the file to write.
        images: (N, C, H, W) uint8.
        masks: (N, H, W) uint8.
        lineage: N names of sources.
        columns: as for `write_images`.

    Raises:
        ValueError: a shape, a type or a length differs from that.
        OSError: the disk refuses.
    """
    if masks.dtype != torch.uint8 or masks.shape != (len(images), *images.shape[2:]):
        raise ValueError(
            f"{path}: want masks {(len(images), *images.shape[2:])} uint8 for images {tuple(images.shape)}, got "
            f"{tuple(masks.shape)} {masks.dtype}"
        )
    every: dict[str, Any] = {MASK: masks, **columns}
    write_images(path, images, main_classes(masks), lineage, **every)


def read_masked(path: Path) -> MaskedSet:
    """Maps a file that `write_masked` wrote, after full validation; neither images nor masks are copied.

    Raises:
        TrainableError: CACHE_CORRUPT: the file is missing, torn, forged, or holds something else.
    """
    found = read_images(path)
    columns = dict(found.columns)
    try:
        masks = byte_tensor(columns.pop(MASK), 2)
        if masks.shape[1:] != found.images.shape[2:]:
            raise ValueError(f"masks of {tuple(masks.shape[1:])}, images of {tuple(found.images.shape[2:])}")
    except (KeyError, ValueError) as error:
        raise corrupt(str(path), f"no masks of its images ({error})", "delete its folder to rebuild") from error
    return MaskedSet(found.images, found.labels, found.lineage, columns, masks)


def main_classes(masks: Tensor) -> Tensor:
    """(N,) int64: the class with the most pixels of each mask but for 0 and `IGNORED`; 0 where there is no other."""
    counts = torch.zeros(len(masks), 256, dtype=torch.int32)
    flat = masks.flatten(1).long()
    counts.scatter_add_(1, flat, torch.ones((), dtype=torch.int32).expand_as(flat))
    counts[:, [0, IGNORED]] = 0
    return counts.argmax(1)
