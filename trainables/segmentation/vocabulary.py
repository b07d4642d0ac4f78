"""The segmentation trainer's metrics, and what to know of them. Torch-free."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from trainables.segmentation.options import MATCHED

UNDER_NOISE: Final = ("noisy_miou", "noisy_miou_deviation")

METRICS: Final[dict[str, dict[str, Any]]] = {
    name: {"goal": goal, "minimum": 0.0, "maximum": 1.0, "description": text}
    for name, goal, text in (
        (
            "miou",
            "max",
            "mean intersection over union on clean validation images with clean weights, over the classes that stand "
            "in the masks or are predicted",
        ),
        ("noisy_miou", "max", "the same under weight noise, mean over draws that are the same in all trials"),
        ("noisy_miou_deviation", "min", "standard deviation of that over the draws; 0 for a single one"),
        ("pixel_accuracy", "max", "share of validation pixels whose class is told and predicted"),
        (
            "largest_class_share",
            "min",
            "share of validation pixels that are predicted to be of the most predicted class; 1 of a net that says one "
            "class everywhere",
        ),
    )
}


def advice(options: Mapping[str, Any], possible: Mapping[str, Sequence[Any]], metrics: Sequence[str]) -> list[str]:
    """What to know of a study's scores under noise, a line each.

    Args:
        options: held by every trial.
        possible: values that a searched option can take; continuous ones are left out.
        metrics: that trials report.
    """
    asked = [metric for metric in metrics if metric in UNDER_NOISE]
    if options.get("evaluation_noise") != MATCHED or not asked:
        return []
    return [
        f"{' and '.join(asked)}: with evaluation_noise = 'matched' each trial is scored under its own noise of "
        "training: good for a curve over noise_scale; a search would prefer trials with little noise"
    ]
