"""Scores of segmentation from confusion matrices, which add up over batches."""

from typing import Final

import torch
from torch import Tensor

from trainables.data.masked_images import IGNORED

_MOST_CLASSES: Final = 255
"""A mask's byte has no more values beside `IGNORED`."""


def confusion(predicted: Tensor, masks: Tensor, classes: int) -> Tensor:
    """(C, C) int64 counts of pixels, rows by true and columns by predicted class; those of batches add up.

    Args:
        predicted: classes, of any integer type and shape.
        masks: true classes or `IGNORED`, which counts nowhere; of the same shape and device.
        classes: how many there are, 255 at most.

    Raises:
        ValueError: the shapes differ, or, on the CPU, a class is out of range. Elsewhere that is the caller's to know,
            since looking for it would hold the device up.
    """
    if not 1 <= classes <= _MOST_CLASSES:
        raise ValueError(f"{classes} classes; masks of bytes have 1 to {_MOST_CLASSES}")
    if predicted.shape != masks.shape:
        raise ValueError(f"predictions {tuple(predicted.shape)} of masks {tuple(masks.shape)}")
    truth, said = masks.flatten().long(), predicted.flatten().long()
    if truth.device.type == "cpu":
        _check(truth[truth != IGNORED], "true", classes)
        _check(said, "predicted", classes)
    # One row more takes what is ignored, so that no pixel has to be picked out first.
    cells = truth.clamp(max=classes) * classes + said
    counts = torch.bincount(cells, minlength=(classes + 1) * classes)
    return counts.view(classes + 1, classes)[:classes]


def class_iou(counts: Tensor) -> Tensor:
    """(C,) float64 intersection over union of each class; NaN where a class is neither true nor predicted anywhere.

    Args:
        counts: (C, C), rows true and columns predicted.
    """
    exact = counts.double()
    both = exact.diagonal()
    return both / (exact.sum(0) + exact.sum(1) - both)


def mean_iou(counts: Tensor) -> float:
    """Mean intersection over union of the classes that are true or predicted somewhere; NaN where no pixel counts.

    A class that is predicted and nowhere true counts as 0, one that is neither is left out. PASCAL VOC's own score has
    all classes in its truth, so that the two agree there.
    """
    return float(class_iou(counts).nanmean())


def pixel_accuracy(counts: Tensor) -> float:
    """Share of the counted pixels whose class is right; NaN where no pixel counts."""
    return float(counts.diagonal().sum().double() / counts.sum().double())


def largest_predicted_share(counts: Tensor) -> float:
    """Share of the class that is predicted most often: 1 where a network says the same of every pixel; NaN of none."""
    return float(counts.sum(0).max().double() / counts.sum().double())


def absent_classes(counts: Tensor) -> list[int]:
    """Classes that are neither true nor predicted, which `mean_iou` leaves out, in order."""
    return (counts.sum(0) + counts.sum(1) == 0).nonzero().flatten().tolist()


def _check(values: Tensor, kind: str, classes: int) -> None:
    wrong = values[(values < 0) | (values >= classes)]
    if len(wrong):
        raise ValueError(f"{kind} class {int(wrong[0])}; there are 0 to {classes - 1}, and {IGNORED} is ignored")
