"""Whether the names of noise targets are those of weights, held against the networks of a study."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainables.classification.facts import architecture_of
from trainables.data.facts import facts_of
from trainables.models import build
from trainables.perturbations.noise_targets import check_asked
from trainables.preparation import Inputs


def build_noise_targets(arguments: Mapping[str, Any], inputs: Inputs, directory: Path) -> dict[str, Any]:
    """Writes nothing but its summary: how many weights of each network noise reaches.

    Raises:
        TrainableError: OPTION_INVALID, where a pattern matches none, or a network cannot be built.
    """
    facts = facts_of(inputs.folder("data"))
    classes, shape = len(facts["classes"]), tuple(facts["image_shape"])
    nets = {name: build(architecture_of(told), classes, shape, seed=0) for name, told in arguments["nets"].items()}
    return dict(check_asked(nets, arguments["asked"]))
