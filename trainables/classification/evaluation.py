"""One trial's network on clean images and on every perturbed set, those included that no search has seen."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from trainables.classification.batches import LabelledImages
from trainables.classification.corruption_evaluation import under_corruption
from trainables.classification.facts import labelled
from trainables.classification.perturbed_sets import IMAGES
from trainables.classification.scores import correct
from trainables.classification.set_steps import (
    HOLD_OUT,
    OUT_OF_DISTRIBUTION,
    PERTURBED_TRAINING,
    PERTURBED_VALIDATION,
)
from trainables.classification.trained import trained
from trainables.data.facts import normalisation
from trainables.data.store import read_images
from trainables.given_files import check_unchanged
from trainables.precision import repeatable
from trainables.preparation import Inputs

_CLEAN: Final = {"original": "validation", "test": "test"}
_PERTURBED: Final = {
    "perturbed_training": (PERTURBED_TRAINING, "train"),
    "perturbed_validation": (PERTURBED_VALIDATION, "validation"),
    "hold_out": (HOLD_OUT, "holdout"),
    "out_of_distribution": (OUT_OF_DISTRIBUTION, "holdout"),
}
_PIECE: Final = 1024


def build_evaluation(arguments: Mapping[str, Any], inputs: Inputs, directory: Path) -> dict[str, Any]:
    """Writes nothing but its summary: accuracies and counts by set, accuracies on the clean sources of each set, and
    under `corruption` what `under_corruption` tells, where the study has scores under corruption.

    Raises:
        TrainableError: CKPT_MISSING; CKPT_CORRUPT, where the checkpoint changed or is of another network; NONFINITE.
    """
    data = inputs.folder("data")
    net = _network(arguments, inputs)
    norm = normalisation(data)
    found: dict[str, Tensor] = {}
    clean: dict[str, Tensor] = {}
    with repeatable():
        for score, split in _CLEAN.items():
            found[score] = correct(net, labelled(data, split), norm)
        for score, (name, split) in _PERTURBED.items():
            made = read_images(inputs.folder(f"set/{name}") / IMAGES)
            found[score] = correct(net, LabelledImages(made.images, made.labels), norm)
            rows = torch.tensor(made.columns["row"].to_pylist(), dtype=torch.int64)
            source = labelled(data, split)
            parts = [correct(net, _rows(source, part), norm) for part in torch.split(rows, _PIECE)]
            clean[score] = torch.cat(parts)
        told = _under_corruption(net, found["test"], arguments, inputs)
    return {
        "accuracy": {score: _share(right) for score, right in found.items()},
        "images": {score: len(right) for score, right in found.items()},
        "clean": {score: _share(right) for score, right in clean.items()},
        "attacks": arguments["attacks"],
        "trained_on": arguments["trained_on"],
        **told,
    }


def _under_corruption(net: nn.Module, known: Tensor, arguments: Mapping[str, Any], inputs: Inputs) -> dict[str, Any]:
    corrupted = arguments.get("corrupted")
    return {"corruption": under_corruption(net, known, corrupted, inputs)} if corrupted else {}


def _network(arguments: Mapping[str, Any], inputs: Inputs) -> nn.Module:
    path = Path(inputs.places["checkpoint"])
    check_unchanged(path, arguments["sha256"])
    return trained(arguments["options"], inputs.folder("data"), path)


def _rows(images: LabelledImages, rows: Tensor) -> LabelledImages:
    return LabelledImages(torch.index_select(images.images, 0, rows), images.labels[rows])


def _share(right: Tensor) -> float:
    return round(float(right.double().mean()), 6)
