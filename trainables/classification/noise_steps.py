"""What a study's weight noise needs prepared: the proof that it reaches weights. Torch-free."""

from collections.abc import Mapping, Sequence
from typing import Any

from trainables.architectures import layers_of
from trainables.classification.network_options import architecture
from trainables.classification.options import ClassificationOptions
from trainables.classification.vocabulary import UNDER_NOISE
from trainables.noise_reach import check_layers, reach_steps, reaches
from trainables.preparation import Step


def noise_steps(
    held: ClassificationOptions,
    options: Mapping[str, Any],
    possible: Mapping[str, Sequence[Any]],
    metrics: Sequence[str],
) -> tuple[Step, ...]:
    """The step that finds the weights that noise is asked to reach by name; none where every name will do.

    Args:
        held: the options of a trial of the study.
        options: held by every trial, as `trainables.preparation.plan` has them, and the two after it.

    Raises:
        TrainableError: OPTION_INVALID, where a target is a type of layer that no network of the study has.
    """
    asked = reaches(options, possible, any(metric in UNDER_NOISE for metric in metrics))
    models = possible.get("model") or [held.model]
    check_layers({model: layers_of(model) for model in models}, asked)
    depths = possible.get("depth") or [held.depth]
    nets = {
        f"{model} of depth {depth}" if depth else model: _shape(held, model, depth)
        for model in models
        for depth in depths
    }
    return reach_steps("classification", nets, asked)


def _shape(held: ClassificationOptions, model: str, depth: int) -> dict[str, Any]:
    shape = {**architecture(held), "model": model, "depth": depth}
    return {name: value for name, value in shape.items() if name != "depth" or value}
