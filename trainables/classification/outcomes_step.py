"""The steps that score a net of a confirmation, image by image, on images that no search saw. Torch-free."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from trainables import laws
from trainables.classification.corruption_steps import TEST_ERRORS
from trainables.classification.options import read
from trainables.classification.set_steps import EVALUATION_SETS
from trainables.classification.vocabulary import METRICS
from trainables.errors import TrainableError
from trainables.given_files import absolute
from trainables.preparation import Step

# Raise a number whenever its builder would make something else of the same arguments.
OUTCOMES_VERSION: Final = 2
BASELINE_OUTCOMES_VERSION: Final = 1
BASELINE_OUTCOMES: Final = "baseline-outcomes"


def outcomes_steps(
    name: str,
    options: Mapping[str, Any],
    checkpoint: str,
    sha256: str,
    sets: Sequence[Step],
    metrics: Sequence[str],
    seed: int,
) -> tuple[Step, ...]:
    """Scores one net's checkpoint on the five sets, clean test images, under attack and under every corruption.

    Where the plan has corrupted test images, the first step scores the baseline on them, image by image: it is the same
    for all nets.

    Args:
        name: of the last step, such as `outcomes/00012`.
        options: of the trial, drawn and held.
        checkpoint: path on the planning machine.
        sha256: of that file.
        sets: a plan with `hold_out`.
        metrics: of the search, to be measured on test images.
        seed: of attacks and noise draws, the same for all nets.

    Raises:
        TrainableError: OPTION_INVALID, METRIC_UNKNOWN; SET_MISSING, where the plan lacks a set.
    """
    held = read(options)
    after = ("data", *(f"set/{name}" for name in EVALUATION_SETS))
    if missing := sorted(set(after) - {step.name for step in sets}):
        raise TrainableError("SET_MISSING", f"{name}: the plan lacks {missing[0]}; plan with hold_out")
    arguments: dict[str, Any] = {
        "options": {key: list(value) if isinstance(value, tuple) else value for key, value in vars(held).items()},
        "metrics": list(laws.known(metrics, METRICS, "classification")),
        "sha256": sha256,
        "seed": seed,
        "version": OUTCOMES_VERSION,
    }
    baseline = _baseline_step(sets)
    if baseline is not None:
        arguments["corrupted"] = baseline.arguments
        after = (*after, BASELINE_OUTCOMES, *(name for name in baseline.after if name not in after))
    places = {"checkpoint": absolute(checkpoint)}
    own = Step(name, "classification-outcomes", arguments, after, here=True, places=places)
    return (own,) if baseline is None else (baseline, own)


def _baseline_step(sets: Sequence[Step]) -> Step | None:
    measured = next((step for step in sets if step.name == TEST_ERRORS), None)
    if measured is None:
        return None
    told = {name: measured.arguments[name] for name in ("split", "from_library", "corruptions", "severities", "seen")}
    told |= {"overlap": sorted(measured.arguments["overlap"]), "version": BASELINE_OUTCOMES_VERSION}
    return Step(BASELINE_OUTCOMES, BASELINE_OUTCOMES, told, measured.after)
