"""An encoder that starts from the pretext task: the task's own weights, below any decoder, and worth having."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch

from trainables import checkpoints
from trainables.data import pretexts
from trainables.data.store import Store
from trainables.errors import TrainableError
from trainables.preparation import plan, run_step
from trainables.segmentation.trainer import SegmentationTrainer

THIN = {"encoder": "resnet18", "encoder_width": 8, "stem": "strided", "decoder_width": 2, "batch_size": 8}
STARTED: dict[str, Any] = {**THIN, "start": "pretext"}


@pytest.mark.usefixtures("small_pretext")
def test_encoders_start_alike_and_decoders_afresh(sets: Mapping[str, str], store: Store, store_root: str) -> None:
    step = plan("segmentation", "embedded-scenes", STARTED, {}, ("miou",), 0)[1]
    digest, told = run_step(step, store_root, {"data": sets["masked"]}, threads=1)
    assert told["exemplars"] == 8
    weights, _ = checkpoints.load(store.open(digest).path / "weights.safetensors")
    for decoder_width in (2, 3):
        options = {**STARTED, "decoder_width": decoder_width}
        one, other = (state(options, {"data": sets["masked"], "pretext": digest}, store, seed) for seed in (0, 1))
        encoder = [name for name in one if name.startswith("encoder.")]
        assert {f"net.{name}" for name in encoder} == set(weights)
        assert all(torch.equal(one[name], weights[f"net.{name}"]) for name in encoder)
        assert not torch.equal(one["head.weight"], other["head.weight"])


def state(options: Mapping[str, Any], sets: Mapping[str, str], store: Store, seed: int) -> Mapping[str, torch.Tensor]:
    trainer = SegmentationTrainer(options, sets, store, ("miou",), seed, epochs=1, threads=1)
    found: Mapping[str, torch.Tensor] = trainer.net.state_dict()
    return found


def test_one_checkpoint_serves_every_decoder_and_seed() -> None:
    shapes: list[dict[str, Any]] = [{"decoder_width": 2}, {"decoder_width": 16, "deep_supervision": True}]
    planned = [
        plan("segmentation", "embedded-scenes", {**STARTED, **shape}, {}, ("miou",), seed)
        for shape in shapes
        for seed in (0, 1)
    ]
    assert [step.name for step in planned[0]] == ["data", "pretext"]
    assert all(steps == planned[0] for steps in planned)


def test_a_decoder_may_be_searched_over_it_and_an_encoder_not() -> None:
    planned = plan("segmentation", "embedded-scenes", STARTED, {"decoder_width": [2, 4]}, ("miou",), 0)
    assert [step.name for step in planned] == ["data", "pretext"]
    with pytest.raises(TrainableError, match="'pretext' fits one architecture, stem is searched") as caught:
        plan("segmentation", "embedded-scenes", STARTED, {"stem": ["small", "strided"]}, ("miou",), 0)
    assert caught.value.code == "OPTION_INVALID"


def test_data_and_encoders_without_the_task_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TrainableError, match=r"pretext task trains ResNets"):
        plan("segmentation", "embedded-scenes", {"encoder": "unet", "start": "pretext"}, {}, ("miou",), 0)
    monkeypatch.delitem(pretexts._PLACES, "embedded-scenes")  # type: ignore[misc]
    with pytest.raises(TrainableError, match=r"'embedded-scenes' has not.*'pretrained'") as caught:
        plan("segmentation", "embedded-scenes", STARTED, {}, ("miou",), 0)
    assert caught.value.code == "OPTION_INVALID"
