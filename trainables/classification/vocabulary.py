"""The classification trainer's metrics, known without importing torch."""

from typing import Any, Final

from trainables.corruption_overlaps import GROUPS

_DESCRIPTIONS: Final = {
    "clean_accuracy": "share of clean validation images classified correctly",
    "perturbed_training_accuracy": "share of training images classified correctly after evaluation_attack on the "
    "baseline; no set to train with is made of them",
    "perturbed_validation_accuracy": "share of validation images classified correctly after evaluation_attack on the "
    "baseline",
    "weight_noise_accuracy": "clean validation accuracy under weight noise, mean over draws that are the same in all "
    "trials",
    "pgd_accuracy": "accuracy on validation images under a white-box L-infinity attack on the trial's own network",
}

DEVIATION: Final = "weight_noise_accuracy_deviation"
LARGEST_SHARE: Final = "largest_class_share"
UNDER_NOISE: Final = ("weight_noise_accuracy", DEVIATION)
"""The metrics under weight noise."""

# A search is planned and scored from this table alone: the sets that are held out stand in no metric's row.
SCORED_ON: Final = {
    "perturbed_training_accuracy": "perturbed-training",
    "perturbed_validation_accuracy": "perturbed-validation",
}

CE: Final = "ce/"
"""Begins the name of a corruption error: of one corruption, or the mean of a group's."""

WITHOUT_OVERLAP: Final = "mce_without_overlap"
RELATIVE_MCE: Final = "relative_mce"

_RELATIVE: Final = {
    "mce": "mean corruption error: errors on corrupted validation images, summed over severities, over the baseline's; "
    "the mean over the study's corruptions",
    WITHOUT_OVERLAP: "mce over the corruptions that no perturbation resembles that some trial of the study trains with",
    RELATIVE_MCE: "mean of the error that a corruption adds to the clean one, over what it adds to the baseline's",
    **{
        f"{CE}{group}": f"mean corruption error over the group {group}: {', '.join(names)}"
        for group, names in GROUPS.items()
    },
    **{
        f"{CE}{name}": f"corruption error under {name}, relative to the baseline's"
        for names in GROUPS.values()
        for name in names
    },
}
UNDER_CORRUPTION: Final = tuple(_RELATIVE)
"""The metrics that are relative to the baseline's errors on corrupted images."""

METRICS: Final[dict[str, dict[str, Any]]] = {
    **{
        name: {"goal": "max", "minimum": 0.0, "maximum": 1.0, "description": text}
        for name, text in _DESCRIPTIONS.items()
    },
    DEVIATION: {
        "goal": "min",
        "minimum": 0.0,
        "maximum": 1.0,
        "description": "standard deviation of weight_noise_accuracy over the draws; 0 for a single one",
    },
    LARGEST_SHARE: {
        "goal": "min",
        "minimum": 0.0,
        "maximum": 1.0,
        "description": "share of clean validation images that are said to be of the most predicted class; 1 of a net "
        "that says one class of everything",
    },
    **{
        # What corruptions add to an error may be less than nothing.
        name: {"goal": "min", **({} if name == RELATIVE_MCE else {"minimum": 0.0}), "description": text}
        for name, text in _RELATIVE.items()
    },
}
