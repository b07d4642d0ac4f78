"""The classification trainer's metrics, known without importing torch."""

from typing import Any, Final

_DESCRIPTIONS: Final = {
    "clean_accuracy": "share of clean validation images classified correctly",
    "perturbed_training_accuracy": "share of training images classified correctly after evaluation_attack on the "
    "baseline; no set to train with is made of them",
    "perturbed_validation_accuracy": "share of validation images classified correctly after evaluation_attack on the "
    "baseline",
    "weight_noise_accuracy": "clean validation accuracy under weight noise, mean over fixed draws",
    "pgd_accuracy": "accuracy on validation images under a white-box L-infinity attack on the trial's own network",
}

# A search is planned and scored from this table alone: the sets that are held out stand in no metric's row.
SCORED_ON: Final = {
    "perturbed_training_accuracy": "perturbed-training",
    "perturbed_validation_accuracy": "perturbed-validation",
}

METRICS: Final[dict[str, dict[str, Any]]] = {
    name: {"goal": "max", "minimum": 0.0, "maximum": 1.0, "description": text} for name, text in _DESCRIPTIONS.items()
}
