"""Images of 64 pixels in a network fed at 224: training, scores and attacks all go through the same enlargement."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from trainables.classification.options import ClassificationOptions
from trainables.classification.trainer import ClassificationTrainer
from trainables.data.store import Store, address, write_images
from trainables.images import Normalisation
from trainables.models import build
from trainables.perturbations.attack import wrong_targets
from trainables.perturbations.fooling import FoolingOptions, fooling_images
from trainables.perturbations.pgd import pgd_until_fooled
from trainables.seeds import generator

ARCHITECTURE: dict[str, Any] = {"model": "resnet18", "width": 4, "input_size": 224}
NORMALISATION = Normalisation((0.3,) * 3, (0.35,) * 3)


def digits(first: int, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    found = load_digits()
    pixels = torch.from_numpy(found.images[first : first + count]).mul(255 / 16).round().to(torch.uint8)
    return pixels[:, None].repeat(1, 3, 8, 8), torch.from_numpy(found.target[first : first + count]).to(torch.int64)


def write(directory: Path) -> None:
    for name, first in (("train", 0), ("validation", 24)):
        images, labels = digits(first, 24)
        write_images(directory / f"{name}.arrow", images, labels, [f"digit {first + row}" for row in range(24)])
    facts = {"classes": list("0123456789"), "mean": NORMALISATION.mean, "std": NORMALISATION.std}
    (directory / "data.json").write_text(json.dumps({**facts, "image_shape": [3, 64, 64]}))


@pytest.fixture
def trainer(tmp_path: Path) -> ClassificationTrainer:
    store = Store(str(tmp_path))
    entry = store.publish(address("data", {"name": "sixty-four"}), write, {})
    options = {**ARCHITECTURE, "batch_size": 8, "precision": "float32", "pgd_images": 12, "pgd_steps": 2}
    metrics = ("clean_accuracy", "pgd_accuracy")
    return ClassificationTrainer(options, {"data": entry.digest}, store, metrics, 3, epochs=1, threads=1)


def enlarged(inputs: torch.Tensor) -> torch.Tensor:
    return nn.functional.interpolate(inputs, (224, 224), mode="bilinear", antialias=True)


def test_training_and_scores_see_the_enlarged_images_and_attacks_move_the_small_ones(
    trainer: ClassificationTrainer,
) -> None:
    seen = set()
    trainer.net.get_submodule("conv1").register_forward_pre_hook(lambda _, inputs: seen.add(inputs[0].shape[2:]))
    trainer.train_epoch()
    scores = trainer.score()
    assert seen == {(224, 224)}

    # The twin has no enlargement of its own: images are enlarged before it.
    twin = build(ClassificationOptions(**{**ARCHITECTURE, "input_size": 0}), 10, (3, 224, 224), 0)
    twin.load_state_dict(trainer.net.state_dict())
    images, labels = digits(24, 24)
    with torch.no_grad():
        expected = twin(enlarged(NORMALISATION.of(images)))
    trainer.net.eval()
    assert scores["clean_accuracy"] == pytest.approx((expected.argmax(1) == labels).double().mean().item())
    with torch.no_grad():
        assert torch.allclose(trainer.net(NORMALISATION.of(images)), expected, atol=1e-4)

    moved, held = pgd_until_fooled(
        lambda points: twin(enlarged(NORMALISATION.of_floats(points))),
        images[:12] / 255,
        labels[:12],
        0.01,
        2,
        generator("score", "pgd"),
    )
    assert moved.shape == (12, 3, 64, 64)
    assert held.double().mean().item() == pytest.approx(scores["pgd_accuracy"])

    images, labels = images[:8], labels[:8]
    targets, options = (
        wrong_targets(labels, 10, torch.Generator().manual_seed(0)),
        FoolingOptions(400.0, 224, iterations=20),
    )
    made = fooling_images(trainer.net, images, labels, targets, NORMALISATION, options, torch.arange(8))
    assert made.images.shape == images.shape
    with torch.no_grad():
        believed = twin(enlarged(NORMALISATION.of(made.images))).argmax(1) == targets
    assert made.fooled.any()
    assert torch.equal(made.fooled, believed)
