"""The step that scores one trial of the segmentation trainer on images that no search saw. Torch-free."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from trainables.corruption_facts import SEVERITIES
from trainables.corruption_steps import TEST, VALIDATION, corrupted_name, corruptions_in
from trainables.errors import TrainableError
from trainables.given_files import absolute
from trainables.preparation import Step
from trainables.segmentation.options import ARCHITECTURE, MATCHED, SegmentationOptions, read

# Raise the number whenever the builder would make something else of the same arguments.
EVALUATION_VERSION: Final = 1
CLASS_IOU: Final = "class-iou.parquet"
NOISE_CURVE: Final = "noise-curve.parquet"
EXAMPLES: Final = "examples.parquet"
SCALES: Final = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4)
"""Scales of inference noise where none are asked for; a trial's own of training and of scoring come with them."""
SPLITS: Final = {"original": "validation", "test": "test", "hold_out": "holdout"}
"""The splits that trials are scored on, by the names of scores."""

_TRAINING_ALONE: Final = ("noise_draw", "noise_gradient")
"""How noise is drawn and differentiated in training leaves scores alone."""


def evaluation_step(
    name: str,
    options: Mapping[str, Any],
    checkpoint: str,
    sha256: str,
    sets: Sequence[Step],
    noise_scales: Sequence[float] = (),
) -> Step:
    """Scores one trial's checkpoint with and without weight noise, on validation, test and hold-out images.

    Where the plan has corrupted test images, it is scored on them too, with clean weights.

    Args:
        name: of the step, such as `evaluation/00012`.
        options: of the trial, drawn and held.
        checkpoint: path on the planning machine.
        sha256: of that file.
        sets: the study's plan with `hold_out`.
        noise_scales: of the curve of mean IoU over inference noise, in [0, 1]; none means `SCALES`. Zero, the scale of
            training and that of scoring come with them.

    Raises:
        TrainableError: OPTION_INVALID.
    """
    held = read(options)
    wrong = [scale for scale in noise_scales if not (math.isfinite(scale) and 0 <= scale <= 1)]
    if wrong:
        raise TrainableError("OPTION_INVALID", f"noise scale {wrong[0]}: expected a number from 0 to 1")
    arguments = {
        "options": _told(held),
        "scales": sorted({0.0, *map(float, noise_scales or SCALES), held.noise_scale, scored_scale(held)}),
        "sha256": sha256,
        "version": EVALUATION_VERSION,
    }
    after = ["data"]
    if corrupted := corruptions_in(sets, TEST):
        # Without them the arguments, and so the address, are those of a study that has no score under corruption.
        arguments["corrupted"] = {
            "corruptions": corrupted,
            "severities": list(SEVERITIES),
            "seen": corruptions_in(sets, VALIDATION),
        }
        after += [corrupted_name(TEST, corruption) for corruption in corrupted]
    places = {"checkpoint": absolute(checkpoint)}
    return Step(name, "segmentation-evaluation", arguments, tuple(after), here=True, places=places)


def scored_scale(options: SegmentationOptions) -> float:
    """The scale of the noise that a trial is scored under."""
    return options.noise_scale if options.evaluation_noise == MATCHED else options.evaluation_noise_scale


def _told(held: SegmentationOptions) -> dict[str, Any]:
    """The options that shape the network and the noise of its scores, as `read` takes them."""
    noise = [name for name in vars(held) if name.startswith(("noise_", "evaluation_noise"))]
    names = [*ARCHITECTURE, *(name for name in noise if name not in _TRAINING_ALONE)]
    plain = {name: getattr(held, name) for name in names}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}
