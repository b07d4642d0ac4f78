"""The perturbed picture that an attack makes against one of the networks: a fooling image or Gaussian noise."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from analysis.explain.images import inputs_of
from trainables.data.facts import facts_of, normalisation
from trainables.errors import TrainableError
from trainables.perturbation_names import GAUSSIAN, fooling_rate
from trainables.perturbations.attack import wrong_targets
from trainables.perturbations.registry import ATTACKS
from trainables.registry import vocabulary
from trainables.seeds import derive, generator

_GAUSSIAN_OPTIONS: Final = ("start", "step", "penalty")


@dataclass(frozen=True)
class Target:
    """The network that is attacked: its name, its options, which say how, and the trainer that knows their defaults."""

    name: str
    net: nn.Module
    options: Mapping[str, Any]
    trainer: str

    def told(self, option: str) -> Any:
        """The option's value, or its default."""
        return self.options.get(option, vocabulary(self.trainer)["options"][option]["default"])


def attacked(target: Target, clean: Tensor, attack: str, data: Path) -> tuple[Tensor, str]:
    """Returns what an attack makes of a picture, and in words whether it fools the network.

    The class that the picture must leave is the one that the network says of it, so that any picture will do; the one
    to reach is drawn among the others, the same each time.

    Args:
        target: that is attacked, and left as it was.
        clean: (1, 3, H, W) uint8.
        attack: `fooling-RATE` or `gaussian`, made as sets of such images are.
        data: folder of the networks' data set.

    Returns:
        (1, 3, H, W) uint8, and the caption.

    Raises:
        TrainableError: OPTION_INVALID, where the network does not say one class of a picture.
    """
    classes = facts_of(data)["classes"]
    label = _predicted(target, clean, attack, data)
    goal = wrong_targets(label, len(classes), generator("explain", attack, "target"))
    method = ATTACKS[GAUSSIAN if attack == GAUSSIAN else "fooling"]
    made = method.make(
        *(target.net, clean, label, goal, normalisation(data)),
        method.options(**_options(target, attack)),
        torch.tensor([derive("explain", attack)]),
    )
    now = _predicted(target, made.images, attack, data)
    steps = f"{int(made.steps)} step{'' if int(made.steps) == 1 else 's'}"
    told = f"{attack} against {target.name}: "
    if bool(made.fooled):
        return made.images, f"{told}{classes[int(label)]} is taken for {classes[int(now)]} after {steps}"
    return made.images, f"{told}still taken for {classes[int(now)]} after {steps}"


def _options(target: Target, attack: str) -> dict[str, Any]:
    if attack == GAUSSIAN:
        return {name: target.told(f"gaussian_{name}") for name in _GAUSSIAN_OPTIONS}
    names = {"reference_size": "rate_reference_size", "generation_size": "generation_size"}
    return {"rate": fooling_rate(attack), **{ours: target.told(theirs) for ours, theirs in names.items()}}


def _predicted(target: Target, images: Tensor, attack: str, data: Path) -> Tensor:
    """(1,) int64 class that the network says of the picture."""
    with torch.no_grad():
        scores = target.net(inputs_of(data, images, next(target.net.parameters()).device))
    if not isinstance(scores, Tensor) or scores.ndim != 2:
        told = f"--perturbation {attack}: such images are made against networks that say one class of a whole image"
        raise TrainableError("OPTION_INVALID", f"{told}; those of {target.trainer} do not, name a corruption")
    return scores.argmax(1).cpu()
