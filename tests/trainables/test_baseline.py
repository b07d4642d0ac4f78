import json
from pathlib import Path
from typing import Any

import pytest
import torch

from trainables import checkpoints
from trainables.classification.baseline import baseline_net
from trainables.classification.trainer import ClassificationTrainer
from trainables.data.store import Store, write_images
from trainables.errors import TrainableError
from trainables.preparation import Inputs, run_step
from trainables.seeds import derive


@pytest.fixture
def checkpoint(make_trainer: Any, tmp_path: Path) -> Path:
    """Of a trial that has trained an epoch on the small data set."""
    path = tmp_path / "trial.safetensors"
    trainer = make_trainer()
    trainer.train_epoch()
    trainer.save(path)
    return path


@pytest.fixture
def adopt(planned: Any, store_root: str, data: str) -> Any:
    """Builds the baseline of a study that names a checkpoint; returns its digest and its summary."""

    def adopt(path: Path, digest: str = data, **changes: Any) -> Any:
        steps = planned({"baseline_weights": str(path), **changes}, {"start": ["baseline"]}, ())
        (step,) = (step for step in steps if step.name == "baseline")
        return run_step(step, store_root, {"data": digest}, threads=1)

    return adopt


def changed(path: Path, **metadata: Any) -> Path:
    """The same tensors, told of in another way."""
    tensors, told = checkpoints.load(path)
    checkpoints.save(path, tensors, {**told, **metadata})
    return path


def test_an_adopted_baseline_is_the_trials_network(adopt: Any, checkpoint: Path, store: Store, data: str) -> None:
    digest, told = adopt(checkpoint)
    theirs, _ = checkpoints.load(checkpoint)
    net = baseline_net(Inputs(store, {"data": data, "baseline": digest})).cpu()
    for name, value in net.state_dict().items():
        assert torch.equal(value, theirs[f"net.{name}"]), name
    assert {"adopted", "train_accuracy", "validation_accuracy"} <= set(told)
    moved = checkpoint.rename(checkpoint.with_name("moved.safetensors"))
    assert adopt(moved) == (digest, told)


def test_sets_are_made_for_an_adopted_baseline_as_for_a_trained_one(
    planned: Any, build_all: Any, checkpoint: Path, data: str
) -> None:
    options = {"baseline_weights": str(checkpoint), "augmentation_images": 2, "evaluation_images": 1}
    built = build_all(planned(options, {"extra_sets": ["pixel"]}, ()), {"data": data})
    assert built.summaries["set/augmentation/pixel"]["images"] > 0


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (
            {"options": {"width": 16, "stem": "small"}},
            "has width = 16, the study 8; set width = 16 in the study",
        ),
        (
            {"options": {"width": 16, "activation": "gelu"}},
            "width = 16, the study 8 and activation = 'gelu'",
        ),
        (
            {"options": {"training_images": 40}},
            "has training_images = 40, the study 0; set training_images = 40 in the study",
        ),
        ({"sets": {"data": "0" * 64}}, "trained on other data .000000000000, the study's is"),
        ({"trainer": "closed-form"}, "of the trainer 'closed-form'"),
    ],
)
def test_a_checkpoint_of_another_study_is_refused_with_both_values(
    adopt: Any, checkpoint: Path, told: Any, words: str
) -> None:
    with pytest.raises(TrainableError, match=f"baseline_weights: .*{words}") as caught:
        adopt(changed(checkpoint, **told))
    assert caught.value.code == "BASELINE_UNFIT"


def test_bare_weights_are_adopted_if_they_fit(adopt: Any, checkpoint: Path, tmp_path: Path) -> None:
    tensors, _ = checkpoints.load(checkpoint)
    bare = {name.removeprefix("net."): value for name, value in tensors.items() if name.startswith("net.")}
    checkpoints.save(tmp_path / "bare.safetensors", bare, {})
    assert adopt(tmp_path / "bare.safetensors")[1]["train_accuracy"] == adopt(checkpoint)[1]["train_accuracy"]
    bare["fc.weight"], bare["fc.bias"] = bare["fc.weight"][:3], bare["fc.bias"][:3]
    checkpoints.save(tmp_path / "bare.safetensors", bare, {})
    with pytest.raises(TrainableError, match="does not fit the data's 10 classes"):
        adopt(tmp_path / "bare.safetensors")


def test_a_file_that_is_gone_torn_or_changed_is_named(adopt: Any, checkpoint: Path, planned: Any) -> None:
    steps = planned({"baseline_weights": str(checkpoint)}, {"start": ["baseline"]}, ())
    assert steps[-1].places == {"weights": str(checkpoint)}
    for content, code in ((b"torn", "CKPT_CORRUPT"), (None, "CKPT_MISSING")):
        checkpoint.write_bytes(content) if content else checkpoint.unlink()
        with pytest.raises(TrainableError, match=str(checkpoint)) as caught:
            adopt(checkpoint)
        assert caught.value.code == code


def test_a_file_that_changes_after_planning_is_refused(
    checkpoint: Path, planned: Any, store_root: str, data: str
) -> None:
    changed(checkpoint, note="one")  # so that no other test has had it built
    step = planned({"baseline_weights": str(checkpoint)}, {"start": ["baseline"]}, ())[-1]
    changed(checkpoint, note="another")
    with pytest.raises(TrainableError, match="SHA-256 is not") as caught:
        run_step(step, store_root, {"data": data}, threads=1)
    assert caught.value.code == "CKPT_CORRUPT"


def test_a_baseline_that_classifies_nothing_correctly_is_refused_with_counts(
    adopt: Any, checkpoint: Path, store: Store, tmp_path: Path
) -> None:
    tensors, told = checkpoints.load(checkpoint)
    tensors["net.fc.weight"].zero_()
    tensors["net.fc.bias"].copy_(torch.eye(10)[5])  # it says 5 of everything, and there is none
    checkpoints.save(checkpoint, tensors, {**told, "sets": {}})

    def write(directory: Path) -> None:
        for split in ("train", "validation"):
            images = torch.zeros(8, 3, 16, 16, dtype=torch.uint8)
            write_images(directory / f"{split}.arrow", images, torch.arange(8) % 2, [f"{split} {n}" for n in range(8)])
        facts = {"classes": list("0123456789"), "mean": [0.3] * 3, "std": [0.3] * 3, "image_shape": [3, 16, 16]}
        (directory / "data.json").write_text(json.dumps(facts))

    digest = "ab" * 32
    store.publish(digest, write, {})
    with pytest.raises(TrainableError, match="none of 8 train images correctly") as caught:
        adopt(checkpoint, digest)
    assert caught.value.code == "BASELINE_UNFIT"


def test_a_baseline_trains_on_the_training_images_used(planned: Any, build_all: Any, data: str) -> None:
    options = {"training_images": 40, "baseline_epochs": 1}
    built = build_all(planned(options, {"start": ["baseline"]}, ()), {"data": data})
    assert built.summaries["training-images"]["images"] == built.summaries["baseline"]["train_images"] == 40
    assert built.summaries["baseline"]["validation_images"] == 48


def trained(planned: Any, build_all: Any, data: str, store: Store, **options: Any) -> tuple[str, dict[str, Any]]:
    """Digest and weights of a baseline of one epoch."""
    built = build_all(planned({"baseline_epochs": 1, **options}, {"start": ["baseline"]}, ()), {"data": data})
    return built.digests["baseline"], baseline_net(built.inputs(store)).cpu().state_dict()


def test_a_baseline_of_frozen_stages_keeps_the_weights_that_it_starts_from(
    planned: Any, build_all: Any, data: str, store: Store, checkpoint: Path
) -> None:
    options = {"baseline_start": "checkpoint", "checkpoint_path": str(checkpoint), "baseline_unfrozen_layers": 0}
    theirs, _ = checkpoints.load(checkpoint)
    _, own = trained(planned, build_all, data, store, **options)
    kept = {name for name, value in own.items() if torch.equal(value, theirs[f"net.{name}"])}
    assert own.keys() - kept == {"fc.weight", "fc.bias"}


@pytest.mark.parametrize("transform", ["none", "crop_flip"])
def test_a_baseline_is_the_trial_of_its_transform(
    planned: Any, build_all: Any, data: str, store: Store, thin: dict[str, Any], transform: str
) -> None:
    digest, own = trained(planned, build_all, data, store, baseline_transform=transform)
    options = {**thin, "batch_size": 8, "learning_rate": 0.003, "precision": "auto", "transform": transform}
    trial = ClassificationTrainer(options, {"data": data}, store, (), derive(0, "baseline"), epochs=1, threads=1)
    trial.train_epoch()
    assert all(torch.equal(value, own[name]) for name, value in trial.net.cpu().state_dict().items())
    assert trained(planned, build_all, data, store)[0] == digest or transform == "none"
