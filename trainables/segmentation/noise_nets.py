"""Whether the names of noise targets are those of weights, held against the networks of a study."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainables.data.facts import facts_of
from trainables.perturbations.noise_targets import check_asked
from trainables.preparation import Inputs
from trainables.unet3plus import Architecture, build


def build_noise_targets(arguments: Mapping[str, Any], inputs: Inputs, directory: Path) -> dict[str, Any]:
    """Writes nothing but its summary: how many weights of each network noise reaches.

    Raises:
        TrainableError: OPTION_INVALID, where a pattern matches none, or a network cannot be built.
    """
    classes = len(facts_of(inputs.folder("data"))["classes"])
    nets = {name: build(Architecture(**told), classes, seed=0) for name, told in arguments["nets"].items()}
    return dict(check_asked(nets, arguments["asked"]))
