"""Where a trial's weights start."""

from collections.abc import Callable
from pathlib import Path

from torch import nn

from trainables import checkpoints
from trainables.classification.options import ClassificationOptions
from trainables.models import load_body, load_pretrained


def starting_weights(net: nn.Module, options: ClassificationOptions, folder: Callable[[str], Path]) -> None:
    """Fills a fresh net as options.start says; a head with another number of classes stays fresh.

    Args:
        net: filled in place.
        options: of the trial.
        folder: where a prepared set of a given step name lies.

    Raises:
        TrainableError: WEIGHTS_MISSING, CKPT_MISSING, CKPT_CORRUPT, SET_MISSING.
    """
    if options.start == "pretrained":
        load_pretrained(net, options.model, options.pretrained_path)
    elif options.start == "baseline":
        load_weights(net, folder("baseline") / "weights.safetensors")
    elif options.start == "checkpoint":
        load_weights(net, Path(options.checkpoint_path))


def load_weights(net: nn.Module, path: Path) -> None:
    """Fills a net from a trainer's checkpoint or from bare named weights.

    Raises:
        TrainableError: CKPT_MISSING, CKPT_CORRUPT.
    """
    tensors, _ = checkpoints.load(path)
    own = {name.removeprefix("net."): value for name, value in tensors.items() if name.startswith("net.")}
    load_body(net, own or tensors, str(path))
