"""In what two checkpoints differ, tensor by tensor."""

import dataclasses
from pathlib import Path

import torch
from torch import Tensor

from trainables import checkpoints


@dataclasses.dataclass(frozen=True)
class Differences:
    """Of two checkpoints: tensors of either, names of those that are not bit for bit the same, and by how much.

    `largest` is the greatest absolute difference of an element; infinite where shapes, types or names differ, or an
    element is no number. `metadata` names what else they say in different ways.
    """

    tensors: int
    names: tuple[str, ...]
    largest: float
    metadata: tuple[str, ...]


def differences(recorded: Path, made: Path) -> Differences:
    """Compares two files that `trainables.checkpoints.save` wrote.

    Raises:
        TrainableError: CKPT_MISSING, CKPT_CORRUPT.
    """
    old, told = checkpoints.load(recorded)
    new, said = checkpoints.load(made)
    apart = {name: _apart(old.get(name), new.get(name)) for name in dict.fromkeys([*old, *new])}
    names = tuple(name for name, distance in apart.items() if distance is not None)
    largest = max((distance for distance in apart.values() if distance is not None), default=0.0)
    metadata = tuple(key for key in dict.fromkeys([*told, *said]) if told.get(key) != said.get(key))
    return Differences(len(apart), names, largest, metadata)


def _apart(old: Tensor | None, new: Tensor | None) -> float | None:
    """The largest difference of an element; None where they are bit for bit the same."""
    if old is None or new is None or old.shape != new.shape or old.dtype != new.dtype:
        return float("inf")
    if torch.equal(_bits(old), _bits(new)):
        return None
    distance = float((old.double() - new.double()).abs().max())
    return distance if distance == distance else float("inf")  # NaN is not equal to itself


def _bits(tensor: Tensor) -> Tensor:
    """The bytes of a tensor: -0.0 is not 0.0 there, and a NaN is itself."""
    return tensor.contiguous().flatten().view(torch.uint8)
