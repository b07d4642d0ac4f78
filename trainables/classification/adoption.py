"""A baseline that is not trained but taken: the checkpoint of a trial of another study."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from trainables import checkpoints
from trainables.classification.facts import architecture_of
from trainables.classification.starts import load_weights
from trainables.data.facts import facts_of
from trainables.errors import TrainableError
from trainables.given_files import check_unchanged
from trainables.models import build
from trainables.preparation import Inputs


def adopted(architecture: Mapping[str, Any], training_images: int, sha256: str, inputs: Inputs) -> nn.Module:
    """The network of the checkpoint at `inputs.places["weights"]`, if it is the study's in build and images.

    Args:
        architecture: values of `ARCHITECTURE` by name.
        training_images: that the study uses, as the option.
        sha256: of the file when the step was planned.
        inputs: with `data`.

    Raises:
        TrainableError: BASELINE_UNFIT, where the file tells of another architecture, trainer, data or number of
            training images, or its head has another number of outputs; CKPT_MISSING; CKPT_CORRUPT, also where the file
            changed since it was planned.
    """
    path = Path(inputs.places["weights"])
    check_unchanged(path, sha256)
    _, told = checkpoints.load(path)
    _check_told(told, {**architecture, "training_images": training_images}, inputs.digests["data"], path)
    facts = facts_of(inputs.folder("data"))
    net = build(architecture_of(architecture), len(facts["classes"]), tuple(facts["image_shape"]), seed=0)
    if load_weights(net, path):
        raise TrainableError(
            "BASELINE_UNFIT",
            f"baseline_weights: the last layer in {path} does not fit the data's {len(facts['classes'])} classes; take "
            "the checkpoint of a trial on this data",
        )
    return net


def _check_told(told: Mapping[str, Any], ours: Mapping[str, Any], data: str, path: Path) -> None:
    """Holds what a checkpoint tells of itself against the study; bare weights tell nothing."""
    if told.get("trainer", "classification") != "classification":
        raise TrainableError("BASELINE_UNFIT", f"baseline_weights: {path} is of the trainer {told['trainer']!r}")
    theirs = {**ours, **told.get("options", told)}
    different = [name for name in ours if theirs[name] != ours[name]]
    if different:
        named = " and ".join(f"{name} = {theirs[name]!r}, the study {ours[name]!r}" for name in different)
        cure = ", ".join(f"{name} = {theirs[name]!r}" for name in different)
        raise TrainableError(
            "BASELINE_UNFIT",
            f"baseline_weights: {path} has {named}; set {cure} in the study's [options], or take another checkpoint",
        )
    their_data = told.get("sets", {}).get("data", data)
    if their_data != data:
        raise TrainableError(
            "BASELINE_UNFIT",
            f"baseline_weights: {path} was trained on other data ({their_data[:12]}, the study's is {data[:12]}); take "
            "the checkpoint of a trial on this data",
        )
