"""The baseline network: trained on clean training images alone, with fixed options, for a fixed number of epochs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from trainables import checkpoints
from trainables.classification.facts import architecture_of, facts_of, labelled, normalisation
from trainables.classification.options import ARCHITECTURE
from trainables.classification.scores import correct
from trainables.classification.starts import WEIGHTS, load_weights, save_weights
from trainables.classification.trainer import ClassificationTrainer
from trainables.models import build
from trainables.precision import device_of
from trainables.preparation import Inputs
from trainables.seeds import derive

_CORRECT: Final = "correct.safetensors"
_SPLITS: Final = ("train", "validation")


def build_baseline(arguments: Mapping[str, Any], inputs: Inputs, directory: Path) -> dict[str, Any]:
    """Writes the weights, which training and validation images they classify correctly, and the accuracies."""
    chosen = arguments["options"]
    data = inputs.folder("data")
    trainer = ClassificationTrainer(
        _training_options(chosen),
        inputs.digests,
        inputs.store,
        metrics=(),
        seed=derive(arguments["seed"], "baseline"),
        epochs=chosen["baseline_epochs"],
        threads=torch.get_num_threads(),
    )
    for _ in range(chosen["baseline_epochs"]):
        trainer.train_epoch()
    save_weights(trainer.net, directory / WEIGHTS, chosen["model"])
    net = trainer.net.cpu().eval()
    known = {split: correct(net, labelled(data, split), normalisation(data)) for split in _SPLITS}
    checkpoints.save(directory / _CORRECT, known, {})
    accuracies = {f"{split}_accuracy": round(float(known[split].double().mean()), 6) for split in _SPLITS}
    (directory / "metrics.json").write_text(json.dumps(accuracies))
    return {"epochs": chosen["baseline_epochs"], **accuracies}


def baseline_net(arguments: Mapping[str, Any], inputs: Inputs) -> nn.Module:
    """The trained baseline, in evaluation mode on the device that "auto" means; its architecture is the arguments'."""
    facts = facts_of(inputs.folder("data"))
    options = architecture_of(arguments)
    net = build(options, len(facts["classes"]), tuple(facts["image_shape"]), seed=0)
    load_weights(net, inputs.folder("baseline") / WEIGHTS)
    return net.to(device_of("auto")).to(memory_format=torch.channels_last)


def correctly_classified(inputs: Inputs, split: str) -> Tensor:
    """(N,) booleans: which images of a split the baseline classifies correctly."""
    known, _ = checkpoints.load(inputs.folder("baseline") / _CORRECT)
    return known[split]


def _training_options(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """A trial's options for the baseline: the defaults but for its own, and crop_flip, which small data need."""
    return {
        **{name: chosen[name] for name in ARCHITECTURE},
        "checkpoint_path": chosen["checkpoint_path"],
        "start": chosen["baseline_start"],
        "batch_size": chosen["baseline_batch_size"],
        "learning_rate": chosen["baseline_learning_rate"],
        "transform": "crop_flip",
    }
