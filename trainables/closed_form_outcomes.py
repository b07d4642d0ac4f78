"""What a closed-form trial scores on images of a test set that is made up: its truth, its seed's luck, each image's."""

import json
import math
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from safetensors import SafetensorError, safe_open

from trainables import laws, outcomes
from trainables.closed_form import METRICS, ClosedFormOptions
from trainables.errors import TrainableError
from trainables.given_files import absolute, check_unchanged
from trainables.outcomes import Measured
from trainables.preparation import Inputs, Step
from trainables.seeds import derive

OUTCOMES_VERSION: Final = 2
IMAGES: Final = 40
"""Of the test set, each a source of its own."""


def outcomes_steps(
    name: str,
    options: Mapping[str, Any],
    checkpoint: str,
    sha256: str,
    sets: Sequence[Step],
    metrics: Sequence[str],
    seed: int,
) -> tuple[Step, ...]:
    """Scores one net's checkpoint on test images; the arguments are those of every trainer's.

    Raises:
        TrainableError: OPTION_INVALID, METRIC_UNKNOWN.
    """
    held = laws.read(ClosedFormOptions, options, "closed-form")
    arguments = {
        "options": vars(held),
        "metrics": list(laws.known(metrics, METRICS, "closed-form")),
        "sha256": sha256,
        "seed": seed,
        "version": OUTCOMES_VERSION,
    }
    return (Step(name, "closed-form-outcomes", arguments, here=True, places={"checkpoint": absolute(checkpoint)}),)


def build_outcomes(arguments: Mapping[str, Any], inputs: Inputs, directory: Path) -> dict[str, Any]:
    """Writes `outcomes.parquet`: the noise-free score, plus what the net's seed and what each image does to it.

    Half of the luck of an image is the same for all nets: they are scored on the same images.

    Raises:
        TrainableError: CKPT_MISSING, CKPT_CORRUPT.
    """
    path = Path(inputs.places["checkpoint"])
    check_unchanged(path, arguments["sha256"])
    state = _state(path)
    options = ClosedFormOptions(**arguments["options"])
    learned = (1 - options.loss) * (1 - math.exp(-options.speed * state["epoch"] / state["epochs"]))
    angle = options.angle * math.pi / 2
    truth = {"accuracy": math.cos(angle) * learned, "robustness": math.sin(angle) * learned}
    names = [f"test:{image}" for image in range(IMAGES)]
    found = {}
    for metric in arguments["metrics"]:
        luck = random.Random(derive(state["seed"], metric, "test")).gauss(0.0, options.noise)
        shared, own = (
            _draws(options.noise, *parts)
            for parts in ((arguments["seed"], metric, "images"), (state["seed"], metric, "images"))
        )
        found[metric] = Measured(truth[metric] + luck + shared + own, names)
    return outcomes.write(found, directory)


def _draws(noise: float, *parts: int | str) -> outcomes.Array:
    draws = random.Random(derive(*parts))
    return np.array([draws.gauss(0.0, noise) for _ in range(IMAGES)])


def _state(path: Path) -> dict[str, Any]:
    try:
        with safe_open(path, framework="numpy") as file:
            state: dict[str, Any] = json.loads(file.metadata()["robustune"])
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise TrainableError("CKPT_CORRUPT", f"{path}: not a checkpoint of the closed-form trainer") from error
    return state
