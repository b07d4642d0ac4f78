import pickle
from pathlib import Path

import pytest
import torch

from trainables import checkpoints
from trainables.errors import TrainableError

TENSORS = {
    "weight": torch.randn(4, 3, 3, 3, generator=torch.Generator().manual_seed(0)).to(memory_format=torch.channels_last),
    "step": torch.tensor(3.0),
    "half": torch.tensor([1.5, float("nan")], dtype=torch.bfloat16),
}


def test_tensors_and_metadata_come_back_bit_for_bit(tmp_path: Path) -> None:
    checkpoints.save(tmp_path / "one.safetensors", TENSORS, {"epoch": 3, "rate": 0.1})
    tensors, metadata = checkpoints.load(tmp_path / "one.safetensors")
    assert metadata == {"epoch": 3, "rate": 0.1}
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[name].nan_to_num(7), value.nan_to_num(7)) for name, value in TENSORS.items())
    assert [path.name for path in tmp_path.iterdir()] == ["one.safetensors"]


@pytest.mark.parametrize("kept", [0, 4, 40, -1])
def test_a_torn_file_is_refused(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "torn.safetensors"
    checkpoints.save(path, TENSORS, {})
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(TrainableError) as caught:
        checkpoints.load(path)
    assert caught.value.code == "CKPT_CORRUPT"


def test_a_pickle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pickle.safetensors"
    path.write_bytes(pickle.dumps({"weight": [1.0]}))
    with pytest.raises(TrainableError) as caught:
        checkpoints.load(path)
    assert caught.value.code == "CKPT_CORRUPT"


def test_a_missing_file_has_its_own_code(tmp_path: Path) -> None:
    with pytest.raises(TrainableError) as caught:
        checkpoints.load(tmp_path / "none")
    assert caught.value.code == "CKPT_MISSING"


@pytest.mark.parametrize(
    ("tensors", "word"),
    [
        ({}, "missing"),
        ({"a": torch.zeros(3)}, "shape"),
        ({"a": torch.zeros(2), "b": torch.zeros(1)}, "not part"),
    ],
)
def test_other_names_or_shapes_are_refused(tensors: dict[str, torch.Tensor], word: str) -> None:
    with pytest.raises(TrainableError, match=word):
        checkpoints.check_shapes(tensors, {"a": torch.Size([2])}, "here")
