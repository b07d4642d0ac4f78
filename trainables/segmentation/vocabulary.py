"""The segmentation trainer's metrics, and what to know of them. Torch-free."""

from typing import Any, Final

UNDER_NOISE: Final = ("noisy_miou", "noisy_miou_deviation")
CORRUPTED_MIOU: Final = "corrupted_miou"

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
        (
            CORRUPTED_MIOU,
            "max",
            "miou with clean weights on corrupted validation images, mean over the study's corruptions and severities; "
            "masks are those of the clean images",
        ),
        ("pixel_accuracy", "max", "share of validation pixels whose class is told and predicted"),
        (
            "largest_class_share",
            "min",
            "share of validation pixels that are predicted to be of the most predicted class; 1 of a net that says one "
            "class everywhere",
        ),
    )
}
