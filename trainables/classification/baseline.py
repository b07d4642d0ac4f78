"""The baseline network: trained on clean training images alone, with fixed options, for a fixed number of epochs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from trainables import checkpoints
from trainables.classification.batches import LabelledImages
from trainables.classification.options import read
from trainables.classification.scores import correct
from trainables.classification.starts import load_weights
from trainables.classification.trainer import ClassificationTrainer
from trainables.data.store import read_images
from trainables.images import Normalisation
from trainables.models import build
from trainables.preparation import Inputs
from trainables.seeds import derive

WEIGHTS: Final = "weights.safetensors"
_CORRECT: Final = "correct.safetensors"
_SPLITS: Final = ("train", "validation")
_ARCHITECTURE: Final = ("model", "width", "stem", "activation", "input_size")


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
    trainer.save_weights(directory / WEIGHTS)
    net = trainer.net.cpu().eval()
    known = {split: correct(net, labelled(data, split), normalisation(data)) for split in _SPLITS}
    checkpoints.save(directory / _CORRECT, known, {})
    accuracies = {f"{split}_accuracy": round(float(known[split].double().mean()), 6) for split in _SPLITS}
    (directory / "metrics.json").write_text(json.dumps(accuracies))
    return {"epochs": chosen["baseline_epochs"], **accuracies}


def baseline_net(arguments: Mapping[str, Any], inputs: Inputs) -> nn.Module:
    """The trained baseline, on the CPU and in evaluation mode; architecture options stand in the arguments."""
    facts = facts_of(inputs.folder("data"))
    options = read({name: arguments[name] for name in _ARCHITECTURE})
    net = build(options, len(facts["classes"]), tuple(facts["image_shape"]), seed=0)
    load_weights(net, inputs.folder("baseline") / WEIGHTS)
    return net.to(memory_format=torch.channels_last)


def correctly_classified(inputs: Inputs, split: str) -> Tensor:
    """(N,) booleans: which images of a split the baseline classifies correctly."""
    known, _ = checkpoints.load(inputs.folder("baseline") / _CORRECT)
    return known[split]


def facts_of(data: Path) -> dict[str, Any]:
    """Classes, channel statistics and image shape of a data set."""
    facts: dict[str, Any] = json.loads((data / "data.json").read_text())
    return facts


def labelled(data: Path, split: str) -> LabelledImages:
    """Images and classes of one split."""
    found = read_images(data / f"{split}.arrow")
    return LabelledImages(found.images, found.labels)


def normalisation(data: Path) -> Normalisation:
    """That of a data set's own training images."""
    facts = facts_of(data)
    return Normalisation.read(facts["mean"], facts["std"])


def _training_options(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """A trial's options for the baseline: the defaults but for its own, and crop_flip, which small data need."""
    own = {name: chosen[name] for name in _ARCHITECTURE}
    paths = {name: chosen[name] for name in ("pretrained_path", "checkpoint_path") if name in chosen}
    return {
        **own,
        **paths,
        "start": chosen["baseline_start"],
        "batch_size": chosen["baseline_batch_size"],
        "learning_rate": chosen["baseline_learning_rate"],
        "transform": "crop_flip",
    }
