"""Checkpoints are compared by their bits: -0.0 is not 0.0, and a NaN is itself."""

import math
from pathlib import Path

import torch
from torch import Tensor

from trainables import checkpoints
from trainables.checkpoint_differences import Differences, differences


def compared(tmp_path: Path, old: dict[str, Tensor], new: dict[str, Tensor], **told: object) -> Differences:
    checkpoints.save(tmp_path / "old", old, {"epoch": 1})
    checkpoints.save(tmp_path / "new", new, {"epoch": 1, **told})
    return differences(tmp_path / "old", tmp_path / "new")


def test_the_same_bits_do_not_differ(tmp_path: Path) -> None:
    held = {"a": torch.tensor([0.5, math.nan, -0.0]), "b": torch.tensor(3), "c": torch.ones(2, 2, dtype=torch.bfloat16)}
    copied = {name: tensor.clone() for name, tensor in held.items()}
    assert compared(tmp_path, held, copied) == Differences(3, (), 0.0, ())
    assert compared(tmp_path, held, copied, seed=4, epoch=2).metadata == ("epoch", "seed")


def test_what_differs_is_named_with_its_largest_distance(tmp_path: Path) -> None:
    old = {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor([0.0]), "same": torch.ones(3)}
    new = {"a": torch.tensor([1.25, 2.0]), "b": torch.tensor([-0.0]), "same": torch.ones(3)}
    assert compared(tmp_path, old, new) == Differences(3, ("a", "b"), 0.25, ())


def test_other_shapes_types_names_and_numbers_are_infinitely_far(tmp_path: Path) -> None:
    ones = {"a": torch.ones(2)}
    for other in (torch.ones(3), torch.ones(2, dtype=torch.float64), torch.tensor([math.nan, 1.0])):
        assert compared(tmp_path, ones, {"a": other}) == Differences(1, ("a",), math.inf, ())
    assert compared(tmp_path, ones, {"b": torch.ones(2)}) == Differences(2, ("a", "b"), math.inf, ())
