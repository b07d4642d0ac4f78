"""Between which values the scores of a confirmation can lie at all."""

import math
from collections.abc import Mapping
from typing import Final

from trainables.registry import vocabulary

_SHARE: Final = (0.0, 1.0)
_RATIO: Final = (0.0, math.inf)
_MORE: Final[Mapping[str, Mapping[str, tuple[float, float]]]] = {
    "classification": {
        **dict.fromkeys(("original", "perturbed_training", "perturbed_validation"), _SHARE),
        **dict.fromkeys(("hold_out", "out_of_distribution", "test", "pgd"), _SHARE),
        **dict.fromkeys(("mce_unseen", "mce_all"), _RATIO),
    },
    "segmentation": dict.fromkeys(("hold_out_miou", "hold_out_noisy_miou", "corrupted_miou_all"), _SHARE),
}
"""Scores of a trainer's nets that no search has, so that they stand in no vocabulary."""


def bounds(trainer: str) -> dict[str, tuple[float, float]]:
    """Returns the least and the greatest value of every score of a trainer's nets, infinite where there is none.

    Raises:
        TrainableError: TRAINER_UNKNOWN.
    """
    laws = vocabulary(trainer)["metrics"]
    known = {name: (law.get("minimum", -math.inf), law.get("maximum", math.inf)) for name, law in laws.items()}
    return known | dict(_MORE.get(trainer, {}))
