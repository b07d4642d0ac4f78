"""The step that scores a net of a confirmation, image by image, on images that no search saw. Torch-free."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from trainables import laws
from trainables.corruption_facts import SEVERITIES
from trainables.corruption_steps import TEST, VALIDATION, corrupted_name, corruptions_in
from trainables.given_files import absolute
from trainables.preparation import Step
from trainables.segmentation.options import read
from trainables.segmentation.vocabulary import METRICS

# Raise the number whenever the builder would make something else of the same arguments.
OUTCOMES_VERSION: Final = 2


def outcomes_steps(
    name: str,
    options: Mapping[str, Any],
    checkpoint: str,
    sha256: str,
    sets: Sequence[Step],
    metrics: Sequence[str],
    seed: int,
) -> tuple[Step, ...]:
    """Scores one net's checkpoint on test and hold-out images, without weight noise and under it.

    Where the plan has corrupted test images, it is scored on them too, with clean weights. The arguments are those of
    every trainer's, as `trainables.registry.load_outcomes` says.

    Raises:
        TrainableError: OPTION_INVALID, METRIC_UNKNOWN.
    """
    held = read(options)
    arguments: dict[str, Any] = {
        "options": {key: list(value) if isinstance(value, tuple) else value for key, value in vars(held).items()},
        "metrics": list(laws.known(metrics, METRICS, "segmentation")),
        "sha256": sha256,
        "seed": seed,
        "version": OUTCOMES_VERSION,
    }
    after = ["data"]
    if corrupted := corruptions_in(sets, TEST):
        seen = corruptions_in(sets, VALIDATION)
        arguments["corrupted"] = {"corruptions": corrupted, "severities": list(SEVERITIES), "seen": seen}
        after += [corrupted_name(TEST, corruption) for corruption in corrupted]
    places = {"checkpoint": absolute(checkpoint)}
    return (Step(name, "segmentation-outcomes", arguments, tuple(after), here=True, places=places),)
