"""Where a trial's weights start: prepared once, so that a missing or foreign file is known before any trial."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from trainables import checkpoints
from trainables.checkpoints import WEIGHTS
from trainables.data.facts import facts_of
from trainables.given_files import check_unchanged
from trainables.preparation import Inputs
from trainables.segmentation.options import ARCHITECTURE, SegmentationOptions, read
from trainables.training_state import NET
from trainables.unet3plus import Architecture, UNet3Plus, build

ENCODER_PREFIX: Final = "encoder."
_HEADS: Final = ("head.", "side_heads.", "guide.")


def architecture(options: SegmentationOptions) -> Architecture:
    """What a trial's network is built like."""
    return Architecture(**{name: getattr(options, name) for name in ARCHITECTURE})


def starting_weights(net: UNet3Plus, options: SegmentationOptions, folder: Callable[[str], Path]) -> None:
    """Fills a fresh net as options.start says; what the prepared weights lack stays fresh.

    Args:
        net: filled in place.
        options: of the trial.
        folder: where a prepared step's result lies; steps bear the names of the starts.

    Raises:
        TrainableError: CKPT_MISSING, CKPT_CORRUPT, SET_MISSING.
    """
    if options.start != "scratch":
        path = folder(options.start) / WEIGHTS
        _fill(net, checkpoints.load(path)[0], str(path), whole=options.start == "checkpoint")


def build_segmentation_start(arguments: Mapping[str, Any], inputs: Inputs, directory: Path) -> dict[str, Any]:
    """Writes an encoder of torchvision's, or the net of a checkpoint, once it is known to fit the network.

    Raises:
        TrainableError: WEIGHTS_MISSING, CKPT_MISSING, CKPT_CORRUPT.
    """
    classes = len(facts_of(inputs.folder("data"))["classes"])
    path = inputs.places.get("path", "")
    if arguments["sha256"]:
        check_unchanged(Path(path), arguments["sha256"])
    options = read({name: arguments[name] for name in ARCHITECTURE})
    pretrained = arguments["start"] == "pretrained"
    net = build(architecture(options), classes, 0, pretrained=path if pretrained else None)
    fresh = _decoder(net) if pretrained else _fill(net, checkpoints.load(Path(path))[0], path, whole=True)
    kept = {NET + name: value for name, value in net.state_dict().items() if name not in fresh}
    checkpoints.save(directory / WEIGHTS, kept, {name: arguments[name] for name in ARCHITECTURE})
    return {"weights": sum(value.numel() for value in kept.values()), "fresh": sorted(fresh)}


def load_net(net: UNet3Plus, path: Path) -> frozenset[str]:
    """Fills a net from a trainer's checkpoint or from bare named weights; names of heads that stayed fresh.

    Raises:
        TrainableError: CKPT_MISSING, CKPT_CORRUPT.
    """
    return _fill(net, checkpoints.load(path)[0], str(path), whole=True)


def _fill(net: UNet3Plus, tensors: Mapping[str, Tensor], where: str, *, whole: bool) -> frozenset[str]:
    """Copies all weights, or the encoder's alone; heads that are missing or of other classes stay fresh.

    Returns:
        The names that stayed fresh.
    """
    named = {name.removeprefix(NET): value for name, value in tensors.items() if name.startswith(NET)}
    given = named or tensors
    own = net.state_dict()
    fresh = frozenset() if whole else _decoder(net)
    fresh |= {
        name
        for name, value in own.items()
        if name.startswith(_HEADS) and (name not in given or given[name].shape != value.shape)
    }
    wanted = {name: value.shape for name, value in own.items() if name not in fresh}
    checkpoints.check_shapes(given, wanted, where, others_allowed=True)
    with torch.no_grad():
        for name in wanted:
            own[name].copy_(given[name])
    return fresh


def _decoder(net: UNet3Plus) -> frozenset[str]:
    return frozenset(name for name in net.state_dict() if not name.startswith(ENCODER_PREFIX))
