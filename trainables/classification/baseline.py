"""The baseline network, which attacks are made for: trained on clean training images alone, or a trial's checkpoint."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from trainables import checkpoints
from trainables.checkpoints import WEIGHTS
from trainables.classification.adoption import adopted
from trainables.classification.facts import architecture_of, labelled
from trainables.classification.network_options import ARCHITECTURE
from trainables.classification.scores import correct
from trainables.classification.starts import load_weights, save_weights
from trainables.classification.trainer import ClassificationTrainer
from trainables.classification.training_images import training_rows
from trainables.data.facts import facts_of, normalisation
from trainables.errors import TrainableError
from trainables.models import build
from trainables.precision import device_of, repeatable
from trainables.preparation import Inputs
from trainables.seeds import derive

_CORRECT: Final = "correct.safetensors"
# Of the other splits it is found out where it is needed: what a search builds looks at none of their images.
_SPLITS: Final = ("train", "validation")


def build_baseline(arguments: Mapping[str, Any], inputs: Inputs, directory: Path) -> dict[str, Any]:
    """Writes the weights, which training and validation images they classify correctly, and the accuracies.

    Raises:
        TrainableError: BASELINE_UNFIT, where it classifies no image of a split correctly; what training or `adopted`
            raises.
    """
    data = inputs.folder("data")
    net, told = _adopted(arguments, inputs) if "sha256" in arguments else _trained(arguments, inputs)
    net.eval()
    save_weights(net, directory / WEIGHTS, architecture_of(arguments["options"]))
    with repeatable():
        known = {split: correct(net, labelled(data, split), normalisation(data)) for split in _SPLITS}
    checkpoints.save(directory / _CORRECT, known, {})
    used = {**known, "train": known["train"][training_rows(data, arguments["training_images"])]}
    _check_worth(used)
    accuracies = {f"{split}_accuracy": round(float(right.double().mean()), 6) for split, right in used.items()}
    (directory / "metrics.json").write_text(json.dumps(accuracies))
    return {**told, **accuracies, **{f"{split}_images": len(right) for split, right in used.items()}}


def baseline_net(inputs: Inputs) -> nn.Module:
    """The baseline, in evaluation mode on the device that "auto" means."""
    facts = facts_of(inputs.folder("data"))
    weights = inputs.folder("baseline") / WEIGHTS
    _, architecture = checkpoints.load(weights)
    net = build(architecture_of(architecture), len(facts["classes"]), tuple(facts["image_shape"]), seed=0)
    load_weights(net, weights)
    return net.to(device_of("auto")).to(memory_format=torch.channels_last)


def correctly_classified(inputs: Inputs, split: str) -> Tensor:
    """(N,) booleans: which images of a split the baseline classifies correctly."""
    known, _ = checkpoints.load(inputs.folder("baseline") / _CORRECT)
    if split in known:
        return known[split]
    data = inputs.folder("data")
    with repeatable():
        return correct(baseline_net(inputs), labelled(data, split), normalisation(data))


def _trained(arguments: Mapping[str, Any], inputs: Inputs) -> tuple[nn.Module, dict[str, Any]]:
    chosen = arguments["options"]
    trainer = ClassificationTrainer(
        _training_options(chosen, arguments["training_images"]),
        inputs.digests,
        inputs.store,
        metrics=(),
        seed=derive(arguments["seed"], "baseline"),
        epochs=chosen["baseline_epochs"],
        threads=torch.get_num_threads(),
    )
    for _ in range(chosen["baseline_epochs"]):
        trainer.train_epoch()
    return trainer.net, {"epochs": chosen["baseline_epochs"]}


def _adopted(arguments: Mapping[str, Any], inputs: Inputs) -> tuple[nn.Module, dict[str, Any]]:
    net = adopted(arguments["options"], arguments["training_images"], arguments["sha256"], inputs)
    return net.to(device_of("auto")), {"adopted": arguments["sha256"][:12]}


def _training_options(chosen: Mapping[str, Any], training_images: int) -> dict[str, Any]:
    """A trial's options for the baseline: the defaults but for its own."""
    return {
        **{name: chosen[name] for name in ARCHITECTURE if name in chosen},
        "checkpoint_path": chosen["checkpoint_path"],
        "start": chosen["baseline_start"],
        "batch_size": chosen["baseline_batch_size"],
        "learning_rate": chosen["baseline_learning_rate"],
        "transform": chosen["baseline_transform"],
        "unfrozen_layers": chosen["baseline_unfrozen_layers"],
        "training_images": training_images,
    }


def _check_worth(known: Mapping[str, Tensor]) -> None:
    for split, right in known.items():
        if not right.any():
            raise TrainableError(
                "BASELINE_UNFIT",
                f"it classifies none of {len(right)} {split} images correctly, so no perturbation can mislead it; give "
                "it more baseline_epochs, another baseline_learning_rate, or other baseline_weights",
            )
