"""Where a trial's weights start: prepared once, so that a missing or foreign file is known before any trial."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from trainables import checkpoints
from trainables.checkpoints import WEIGHTS
from trainables.classification.facts import architecture_of
from trainables.classification.network_options import architecture
from trainables.classification.options import ClassificationOptions
from trainables.data.facts import facts_of
from trainables.given_files import check_unchanged
from trainables.models import build, load_body, load_pretrained
from trainables.preparation import Inputs
from trainables.training_state import NET


def starting_weights(net: nn.Module, options: ClassificationOptions, folder: Callable[[str], Path]) -> None:
    """Fills a fresh net as options.start says; a head with another number of classes stays fresh.

    Args:
        net: filled in place.
        options: of the trial.
        folder: where a prepared step's result lies; steps bear the names of the starts.

    Raises:
        TrainableError: CKPT_MISSING, CKPT_CORRUPT, SET_MISSING.
    """
    if options.start != "scratch":
        load_weights(net, folder(options.start) / WEIGHTS)


def build_start(arguments: Mapping[str, Any], inputs: Inputs, directory: Path) -> dict[str, Any]:
    """Writes torchvision's weights, or those of a checkpoint, once they are known to fit the network.

    Raises:
        TrainableError: WEIGHTS_MISSING, CKPT_MISSING, CKPT_CORRUPT.
    """
    facts = facts_of(inputs.folder("data"))
    if arguments["sha256"]:
        check_unchanged(Path(inputs.places["path"]), arguments["sha256"])
    options = architecture_of(arguments)
    net = build(options, len(facts["classes"]), tuple(facts["image_shape"]), seed=0)
    if arguments["start"] == "pretrained":
        fresh = load_pretrained(net, options.model, inputs.places.get("path", ""), keep_head=options.head == "kept")
    else:
        fresh = load_weights(net, Path(inputs.places["path"]))
    # A head that the file lacks is left out here too, so that every trial draws its own.
    save_weights(net, directory / WEIGHTS, options, without=fresh)
    return {"weights": sum(parameter.numel() for parameter in net.parameters()), "fresh_head": bool(fresh)}


def save_weights(
    net: nn.Module, path: Path, options: ClassificationOptions, without: frozenset[str] = frozenset()
) -> None:
    """Writes a network's weights and batch-norm statistics but for the named ones, and its architecture beside them."""
    kept = {NET + name: value for name, value in net.state_dict().items() if name not in without}
    checkpoints.save(path, kept, architecture(options))


def load_weights(net: nn.Module, path: Path) -> frozenset[str]:
    """Fills a net from a trainer's checkpoint or from bare named weights.

    Returns:
        The names that stayed fresh, as `load_body`.

    Raises:
        TrainableError: CKPT_MISSING, CKPT_CORRUPT.
    """
    tensors, _ = checkpoints.load(path)
    own = {name.removeprefix(NET): value for name, value in tensors.items() if name.startswith(NET)}
    return load_body(net, own or tensors, str(path))
