"""A folder that holds one trained network with all that using it takes: written by `export`, read by `load`."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import save
from torch import Tensor

from trainables import checkpoints
from trainables.data.facts import facts_of
from trainables.data.store import read_images
from trainables.deployment import Deployed
from trainables.errors import TrainableError
from trainables.registry import load_network

CHECKPOINT: Final = "checkpoint.safetensors"
OPTIONS: Final = "options.json"
DATA: Final = "data.json"
EXAMPLES: Final = "examples.safetensors"
EXAMPLE: Final = "example.py"
_SOURCE: Final = "export_example.py"
_IMAGES: Final = 8


def export(
    trainer: str, options: Mapping[str, Any], data: Path | None, checkpoint: Path, folder: Path
) -> tuple[str, ...]:
    """Fills a folder with a trial's checkpoint and options, and with what using its network takes; returns the names.

    Args:
        trainer: a registered name.
        options: of the trial, all that are needed to build its network.
        data: folder of the prepared data set that it was trained on; None where the trainer leaves no network, and then
            checkpoint and options are all there is.
        checkpoint: of the trial; copied as it is.
        folder: is there; files of earlier exports in it are replaced.

    Raises:
        TrainableError: CKPT_CORRUPT, where the checkpoint is of another network.
        OSError: the disk refuses.
    """
    shutil.copyfile(checkpoint, folder / CHECKPOINT)
    told = {"trainer": trainer, "options": dict(options), "sha256": _digest(folder / CHECKPOINT)}
    (folder / OPTIONS).write_text(json.dumps(told, indent=2) + "\n")
    if data is None:
        return CHECKPOINT, OPTIONS
    shutil.copyfile(data / DATA, folder / DATA)
    images = read_images(data / "validation.arrow").images[:_IMAGES].clone()
    with torch.no_grad():
        scores = load(folder)(images)
    (folder / EXAMPLES).write_bytes(save({"images": images, "scores": scores.contiguous()}))
    shutil.copyfile(Path(__file__).with_name(_SOURCE), folder / EXAMPLE)
    return CHECKPOINT, OPTIONS, DATA, EXAMPLES, EXAMPLE


def load(folder: Path) -> Deployed:
    """The network of an export, on the CPU and in evaluation mode: class scores of uint8 images (N, C, H, W).

    Raises:
        TrainableError: CKPT_MISSING, where a file is gone; CKPT_CORRUPT, where the checkpoint is not the one that was
            exported.
    """
    try:
        told = json.loads((folder / OPTIONS).read_text())
        found = _digest(folder / CHECKPOINT)
    except (OSError, ValueError) as error:
        raise TrainableError("CKPT_MISSING", f"{folder}: no whole export ({error}); export it again") from error
    if found != told["sha256"]:
        raise TrainableError("CKPT_CORRUPT", f"{folder / CHECKPOINT}: is not what was exported; export it again")
    return Deployed(load_network(told["trainer"])(told["options"], folder, folder / CHECKPOINT), folder)


def examples(folder: Path) -> tuple[Tensor, Tensor]:
    """Images (N, C, H, W) uint8 of the validation split, and the scores that the network gave where it was exported."""
    tensors, _ = checkpoints.load(folder / EXAMPLES)
    return tensors["images"], tensors["scores"]


def image(folder: Path, path: Path) -> Tensor:
    """An image file as (1, 3, H, W) uint8, cropped to the size of the images that the network was trained on.

    Raises:
        TrainableError: IMAGES_UNREADABLE.
    """
    from trainables.data.ingestion.files import image_of  # late: decoders that the exported examples do without

    return image_of(path, tuple(facts_of(folder)["image_shape"]))


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
