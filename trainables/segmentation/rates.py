"""The learning rate over a trial."""

import math
from typing import Final

from trainables.segmentation.options import SegmentationOptions

POLY_POWER: Final = 0.9


def learning_rate(options: SegmentationOptions, progress: float) -> float:
    """The rate at a share in [0, 1) of all steps of the budget, so that no schedule keeps a state.

    Source of 'poly': Chen et al. 2017, "DeepLab", section 4.1.
    """
    left = 1 - min(progress, 1.0)
    if options.schedule == "cosine":
        return options.learning_rate * 0.5 * (1 + math.cos(math.pi * (1 - left)))
    if options.schedule == "poly":
        return options.learning_rate * float(left**POLY_POWER)
    return options.learning_rate
