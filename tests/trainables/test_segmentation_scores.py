"""Scores of segmentation are scikit-learn's, whatever the batches, and say what they leave out."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix, jaccard_score

from trainables.data.masked_images import IGNORED
from trainables.segmentation.confusion import (
    absent_classes,
    class_iou,
    confusion,
    largest_predicted_share,
    mean_iou,
    pixel_accuracy,
)

CLASSES = 6


def drawn(seed: int, shape: tuple[int, ...] = (5, 9, 7)) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    masks = torch.randint(0, CLASSES, shape, generator=generator)
    predicted = torch.where(torch.rand(shape, generator=generator) < 0.6, masks, masks.flip(-1))
    masks = torch.where(torch.rand(shape, generator=generator) < 0.2, IGNORED, masks)
    return predicted, masks.to(torch.uint8)


@pytest.mark.parametrize("seed", range(3))
def test_counts_and_scores_are_scikit_learns(seed: int) -> None:
    predicted, masks = drawn(seed)
    counts = confusion(predicted, masks, CLASSES)
    kept = masks != IGNORED
    truth, said = masks[kept].numpy(), predicted[kept].numpy()
    labels = list(range(CLASSES))
    assert np.array_equal(counts.numpy(), confusion_matrix(truth, said, labels=labels))
    wanted = jaccard_score(truth, said, labels=labels, average=None)
    assert class_iou(counts).tolist() == pytest.approx(list(wanted), abs=1e-12)
    assert mean_iou(counts) == pytest.approx(float(np.mean(wanted)), abs=1e-12)
    assert pixel_accuracy(counts) == pytest.approx(float((truth == said).mean()), abs=1e-12)
    assert largest_predicted_share(counts) == pytest.approx(np.bincount(said).max() / len(said), abs=1e-12)


def test_batches_add_up_and_types_do_not_matter() -> None:
    predicted, masks = drawn(7)
    whole = confusion(predicted, masks, CLASSES)
    parts = [confusion(said, truth, CLASSES) for said, truth in zip(predicted.split(2), masks.split(2), strict=True)]
    assert torch.equal(sum(parts, torch.zeros_like(whole)), whole)
    assert torch.equal(confusion(predicted.to(torch.uint8), masks.long(), CLASSES), whole)
    assert whole.dtype == torch.int64


def test_classes_in_neither_are_left_out_and_named() -> None:
    masks = torch.tensor([[0, 0, 1, 1, IGNORED]], dtype=torch.uint8)
    predicted = torch.tensor([[0, 0, 1, 3, 4]])
    counts = confusion(predicted, masks, 5)
    assert absent_classes(counts) == [2, 4]  # 4 is predicted only where the truth is ignored
    found = class_iou(counts).tolist()
    assert found[:2] == [1.0, 0.5]
    assert found[3] == 0  # predicted, and nowhere true
    assert math.isnan(found[2])
    assert math.isnan(found[4])
    assert mean_iou(counts) == pytest.approx(0.5)


def test_where_nothing_counts_every_score_is_nan() -> None:
    counts = confusion(torch.zeros(2, 3, 3).long(), torch.full((2, 3, 3), IGNORED), 4)
    assert counts.sum() == 0
    assert math.isnan(mean_iou(counts))
    assert math.isnan(pixel_accuracy(counts))
    assert math.isnan(largest_predicted_share(counts))
    assert absent_classes(counts) == [0, 1, 2, 3]


def test_a_collapsed_network_predicts_one_class_alone() -> None:
    _, masks = drawn(1)
    counts = confusion(torch.zeros_like(masks), masks, CLASSES)
    assert largest_predicted_share(counts) == 1
    assert mean_iou(counts) == pytest.approx(float((masks == 0).sum() / (masks != IGNORED).sum()) / CLASSES)


def test_two_hundred_and_fifty_five_classes_leave_room_for_what_is_ignored() -> None:
    masks = torch.tensor([254, IGNORED], dtype=torch.uint8)
    counts = confusion(torch.tensor([254, 3]), masks, 255)
    assert counts.sum() == counts[254, 254] == 1


@pytest.mark.parametrize(
    ("predicted", "masks", "classes", "told"),
    [
        (torch.zeros(3).long(), torch.zeros(4).long(), 2, "shape|predictions"),
        (torch.zeros(3).long(), torch.tensor([0, 1, 2]), 2, "true class 2"),
        (torch.tensor([0, 0, -1]), torch.zeros(3).long(), 2, "predicted class -1"),
        (torch.zeros(3).long(), torch.zeros(3).long(), 256, "256 classes"),
    ],
)
def test_what_cannot_be_counted_is_refused(
    predicted: torch.Tensor, masks: torch.Tensor, classes: int, told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        confusion(predicted, masks, classes)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_counts_on_a_device_are_those_on_the_cpu() -> None:
    predicted, masks = drawn(3)
    assert torch.equal(confusion(predicted.cuda(), masks.cuda(), CLASSES).cpu(), confusion(predicted, masks, CLASSES))
