"""Optimizers, their learning rate over a trial, and their state as named tensors."""

import math
from collections.abc import Mapping
from typing import Final, Protocol

import torch
from torch import Tensor, nn

from trainables.checkpoints import check_shapes
from trainables.errors import TrainableError

_KEYS: Final[Mapping[type, tuple[str, ...]]] = {
    torch.optim.SGD: ("momentum_buffer",),
    torch.optim.Adam: ("step", "exp_avg", "exp_avg_sq"),
    torch.optim.AdamW: ("step", "exp_avg", "exp_avg_sq"),
}


POLY_POWER: Final = 0.9


class OptimizerOptions(Protocol):
    """The part of a trainer's options that the optimizer and its schedule read."""

    @property
    def optimizer(self) -> str:
        """sgd, adam or adamw."""

    @property
    def learning_rate(self) -> float:
        """At the start."""

    @property
    def momentum(self) -> float:
        """Of sgd."""

    @property
    def weight_decay(self) -> float:
        """Of all three."""

    @property
    def schedule(self) -> str:
        """constant, cosine, step or poly, as far as the trainer offers it."""


def optimizer(net: nn.Module, options: OptimizerOptions) -> torch.optim.Optimizer:
    """The optimizer of the parameters that need gradients, in the net's order.

    Fused: one kernel for all parameters. The thin ResNet-18 (width 16) is updated in 1.1 ms on one core where several
    kernels for each take 2.8, of 10.5 for a whole step at batch size 4.
    """
    parameters = [parameter for parameter in net.parameters() if parameter.requires_grad]
    rate, decay = options.learning_rate, options.weight_decay
    if options.optimizer == "sgd":
        return torch.optim.SGD(parameters, rate, momentum=options.momentum, weight_decay=decay, fused=True)
    kind = torch.optim.Adam if options.optimizer == "adam" else torch.optim.AdamW
    return kind(parameters, rate, weight_decay=decay, fused=True)


def learning_rate(options: OptimizerOptions, progress: float) -> float:
    """The rate at a share in [0, 1) of all steps of the budget, so that no schedule keeps a state.

    Source of 'poly': Chen et al. 2017, "DeepLab", section 4.1.
    """
    if options.schedule == "cosine":
        return options.learning_rate * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    if options.schedule == "poly":
        return options.learning_rate * float((1 - min(progress, 1.0)) ** POLY_POWER)
    if options.schedule == "step":
        return options.learning_rate * (0.01 if progress >= 0.75 else 0.1 if progress >= 0.5 else 1.0)
    return options.learning_rate


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Makes the next step one of this rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def state_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimizer's state as `index.key` tensors; momentum that has not begun is left out."""
    state = optimizer.state_dict()["state"]
    return {
        f"{index}.{key}": value
        for index, entries in state.items()
        for key, value in entries.items()
        if isinstance(value, Tensor)
    }


def load_state_tensors(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], where: str) -> None:
    """Takes up what `state_tensors` gave, each tensor in the memory format of its parameter.

    Raises:
        TrainableError: CKPT_CORRUPT, where a tensor belongs to no parameter, is missing or has another shape; nothing
            is changed then.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, _, key = name.partition(".")
        if not index.isdecimal() or int(index) >= len(parameters):
            raise TrainableError("CKPT_CORRUPT", f"{where}: optimizer state {name} belongs to no parameter")
        state.setdefault(int(index), {})[key] = tensor
    for number, entries in state.items():
        like = parameters[number]
        shapes = {key: torch.Size() if key == "step" else like.shape for key in _KEYS[type(optimizer)]}
        check_shapes(entries, shapes, f"{where}: optimizer state {number}")
        # Left contiguous, the state of a channels-last weight would make every later step slower.
        state[number] = {
            key: value if key == "step" else torch.empty_like(like, dtype=value.dtype, device="cpu").copy_(value)
            for key, value in entries.items()
        }
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
