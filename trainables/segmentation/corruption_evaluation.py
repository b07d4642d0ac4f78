"""One trial's network with clean weights under every corruption of test images."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from torch import Tensor, nn

from trainables.corrupted_sets import CorruptedSets
from trainables.corruption_steps import TEST, corrupted_name
from trainables.images import Normalisation
from trainables.preparation import Inputs
from trainables.segmentation.batches import MaskedImages
from trainables.segmentation.confusion import mean_iou
from trainables.segmentation.evaluation_rows import known
from trainables.segmentation.scoring import confused

_DIGITS: Final = 6


def under_corruption(
    net: nn.Module,
    test: MaskedImages,
    corrupted: Mapping[str, Any],
    inputs: Inputs,
    normalisation: Normalisation,
    classes: int,
) -> dict[str, Any]:
    """Mean IoU of a net in evaluation mode under each corruption of the first test images, against their clean masks.

    Every cell, a corruption at a severity, has its own confusion matrix and counts alike, as in `corrupted_miou`. Means
    are over the corruptions that the search did not measure (`unseen`) and over all. One is None where no corruption is
    left, or where no pixel of the masks counts.

    Args:
        net: the trial's.
        test: all clean test images.
        corrupted: names of `corruptions`, `severities`, and what the search has `seen`.
        inputs: with the corrupted images.
        normalisation: of the network's input.
        classes: of the data.

    Raises:
        TrainableError: NONFINITE; SET_MISSING, where a severity was not made.
    """
    names: Sequence[str] = corrupted["corruptions"]
    sets = CorruptedSets({name: inputs.folder(corrupted_name(TEST, name)) for name in names})
    clean = test.first(len(sets))

    def scored(images: Tensor) -> float:
        return mean_iou(confused(net, MaskedImages(images, clean.masks), normalisation, classes))

    cells = {name: [scored(sets.cell(name, severity).images) for severity in corrupted["severities"]] for name in names}
    by = {name: sum(values) / len(values) for name, values in cells.items()}
    return {
        **corrupted,
        "images": len(clean),
        "clean": _rounded(scored(clean.images)),
        "cells": {name: [_rounded(value) for value in values] for name, values in cells.items()},
        "by": {name: _rounded(value) for name, value in by.items()},
        "mean": {
            "unseen": _mean([value for name, value in by.items() if name not in corrupted["seen"]]),
            "all": _mean(list(by.values())),
        },
    }


def _mean(values: Sequence[float]) -> float | None:
    return _rounded(sum(values) / len(values)) if values else None


def _rounded(value: float) -> float | None:
    return known(round(value, _DIGITS))
