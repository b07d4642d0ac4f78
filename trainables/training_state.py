"""What every trainer of ours does alike: the steps of an epoch, and its state as one file."""

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from trainables import checkpoints, optimizers
from trainables.errors import TrainableError
from trainables.optimizers import OptimizerOptions

NET: Final = "net."
"""Begins the name of a network's tensors in a checkpoint."""
_FORMAT: Final = 1
_OPTIMIZER: Final = "optimizer."


def identity(trainer: str, options: Any, seed: int, epochs: int, sets: Mapping[str, str]) -> dict[str, Any]:
    """All that decides how training goes on from a state, as JSON-able data.

    Args:
        trainer: its registered name.
        options: a dataclass instance.
        seed: of the trial.
        epochs: of the budget.
        sets: digests of what it trains with, by step name.
    """
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in vars(options).items()}
    told = {"seed": seed, "epochs": epochs, "options": plain, "sets": sets}
    return {"format": _FORMAT, "trainer": trainer, **told}


def save(path: Path, net: nn.Module, optimizer: torch.optim.Optimizer, told: Mapping[str, Any], epoch: int) -> None:
    """Writes weights, batch-norm statistics and optimizer state; safetensors, with `told` and `epoch` as metadata."""
    tensors = {NET + name: tensor for name, tensor in net.state_dict().items()}
    tensors |= {_OPTIMIZER + name: value for name, value in optimizers.state_tensors(optimizer).items()}
    checkpoints.save(path, tensors, {**told, "epoch": epoch})


def load(path: Path, net: nn.Module, optimizer: torch.optim.Optimizer, told: Mapping[str, Any]) -> int:
    """Takes up a state that `save` wrote with the same `told`, and returns its epoch.

    Raises:
        TrainableError: CKPT_CORRUPT, where the file is torn or of another trial; CKPT_MISSING. Nothing is changed then.
    """
    tensors, metadata = checkpoints.load(path)
    epoch = metadata.pop("epoch", None)
    if metadata != told or not isinstance(epoch, int):
        raise TrainableError("CKPT_CORRUPT", f"{path}: saved by a trial with other options, sets, seed or epochs")
    weights = {name.removeprefix(NET): value for name, value in tensors.items() if name.startswith(NET)}
    rest = {name.removeprefix(_OPTIMIZER): value for name, value in tensors.items() if not name.startswith(NET)}
    checkpoints.check_shapes(weights, {name: value.shape for name, value in net.state_dict().items()}, str(path))
    optimizers.load_state_tensors(optimizer, rest, str(path))
    net.load_state_dict(weights)
    return epoch


def take_steps(
    batches: Iterable[tuple[Tensor, Tensor]],
    steps: int,
    step: Callable[[Tensor, Tensor], Tensor],
    optimizer: torch.optim.Optimizer,
    options: OptimizerOptions,
    epoch: int,
    epochs: int,
) -> None:
    """Takes the steps of one epoch, each at the rate that its schedule has there.

    Args:
        batches: inputs and what they are labelled with, on one device.
        steps: how many batches there are.
        step: trains on one batch and returns its loss, detached.
        optimizer: whose rate is set.
        options: of the schedule.
        epoch: epochs that were trained before.
        epochs: of the budget.

    Raises:
        TrainableError: NONFINITE, naming epoch and step.
    """
    losses: list[Tensor] = []
    for number, (inputs, labels) in enumerate(batches):
        progress = (epoch + number / steps) / epochs
        optimizers.set_learning_rate(optimizer, optimizers.learning_rate(options, progress))
        losses.append(step(inputs, labels))
        # On a GPU a look at every loss would wait for the device at every step.
        if inputs.device.type == "cpu" and not math.isfinite(losses[-1]):
            break
    _check_finite(torch.stack(losses), epoch)


def _check_finite(losses: Tensor, epoch: int) -> None:
    """Holds the losses of an epoch's steps to be numbers."""
    broken = (~losses.isfinite()).nonzero()
    if len(broken):
        step = int(broken[0])
        raise TrainableError(
            "NONFINITE", f"epoch {epoch + 1}, step {step + 1}: the loss is {float(losses[step])}; lower learning_rate"
        )
