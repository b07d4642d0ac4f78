"""What a study's weight noise needs prepared: the proof that it reaches weights. Torch-free."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final

from trainables.noise_reach import check_layers, reach_steps, reaches
from trainables.preparation import Step
from trainables.segmentation.network_options import ARCHITECTURE, LAYERS, NetworkOptions
from trainables.segmentation.vocabulary import UNDER_NOISE

_NAMING: Final = ("encoder", "deep_supervision", "classification_guided")
"""What decides which weights there are, and how they are called."""


def noise_steps(
    held: NetworkOptions, options: Mapping[str, Any], possible: Mapping[str, Sequence[Any]], metrics: Sequence[str]
) -> tuple[Step, ...]:
    """The step that finds the weights that noise is asked to reach by name; none where every name will do.

    Args:
        held: the options of a trial of the study.
        options: held by every trial, as `trainables.preparation.plan` has them, and the two after it.

    Raises:
        TrainableError: OPTION_INVALID, where a target is a type of layer that UNet3+ does not have.
    """
    asked = reaches(options, possible, any(metric in UNDER_NOISE for metric in metrics))
    check_layers({"UNet3+": LAYERS}, asked)
    shape = {name: getattr(held, name) for name in ARCHITECTURE}
    values = [possible.get(name) or [shape[name]] for name in _NAMING]
    nets = {}
    for encoder, supervised, guided in itertools.product(*values):
        chosen = dict(zip(_NAMING, (encoder, supervised, guided), strict=True))
        extra = " and ".join(name for name in _NAMING[1:] if chosen[name])
        nets[f"UNet3+ of {encoder}{extra and f' with {extra}'}"] = {**shape, **chosen}
    return reach_steps("segmentation", nets, asked)
