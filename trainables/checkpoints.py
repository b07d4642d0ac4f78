"""Checkpoints: named tensors and JSON in one safetensors file; nothing in it can run."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from trainables.errors import TrainableError

WEIGHTS: Final = "weights.safetensors"
"""Name of the file in which a prepared step leaves a network's weights."""

_METADATA: Final = "robustune"


def save(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
    """Writes tensors bit for bit and JSON-able metadata; `path` holds the old file or the whole new one."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    copies = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()
    }
    try:
        save_file(copies, aside, metadata={_METADATA: json.dumps(metadata, sort_keys=True)})
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What `save` wrote, on the CPU.

    Raises:
        TrainableError: CKPT_MISSING where there is no file, CKPT_CORRUPT where it is torn or something else.
    """
    if not path.is_file():
        raise TrainableError("CKPT_MISSING", f"{path}: there is no such checkpoint")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = json.loads((file.metadata() or {}).get(_METADATA, "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise TrainableError("CKPT_CORRUPT", f"{path}: no whole safetensors file ({error})") from error
    if not isinstance(metadata, dict):
        raise TrainableError("CKPT_CORRUPT", f"{path}: metadata is no JSON object")
    return tensors, metadata


def check_shapes(
    tensors: Mapping[str, Tensor], wanted: Mapping[str, torch.Size], where: str, *, others_allowed: bool = False
) -> None:
    """Lets tensors with exactly the wanted names and shapes pass.

    Raises:
        TrainableError: CKPT_CORRUPT, naming the first that is missing, has another shape, or is not wanted.
    """
    for name, shape in wanted.items():
        if name not in tensors:
            raise TrainableError("CKPT_CORRUPT", f"{where}: {name} is missing; is it of another model?")
        if tensors[name].shape != shape:
            came = tuple(tensors[name].shape)
            raise TrainableError("CKPT_CORRUPT", f"{where}: {name} has shape {came}, the net has {tuple(shape)}")
    unwanted = sorted(set(tensors) - set(wanted))
    if unwanted and not others_allowed:
        raise TrainableError("CKPT_CORRUPT", f"{where}: {unwanted[0]} is not part of the net")
