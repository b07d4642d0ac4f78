"""Losses of logits against masks; pixels with the value `IGNORED` count for nothing in any of them."""

import torch
from torch import Tensor
from torch.nn import functional

from trainables.data.masked_images import IGNORED


def cross_entropy(scores: Tensor, masks: Tensor) -> Tensor:
    """Mean over the pixels that count; 0, with zero gradients, where none does.

    Args:
        scores: (N, C, H, W) logits.
        masks: (N, H, W) classes or `IGNORED`.
    """
    wanted = masks.long()
    total = functional.cross_entropy(scores, wanted, ignore_index=IGNORED, reduction="sum")
    return total / (wanted != IGNORED).sum().clamp(min=1)


def dice(scores: Tensor, masks: Tensor) -> Tensor:
    """1 less the mean Dice coefficient of the classes that the batch's masks show; 0 where they show none.

    A class has 2 * sum(p * t) / (sum(p) + sum(t)), p its softmax probabilities and t its indicator, summed over all
    pixels of the batch that count. Classes without a pixel are left out: nothing but a probability of exactly 0
    would satisfy them.

    Args:
        scores: (N, C, H, W) logits.
        masks: (N, H, W) classes or `IGNORED`.

    Source: Milletari et al. 2016, "V-Net", equation 3, without its squares.
    """
    counted = (masks != IGNORED)[:, None]
    probabilities = scores.softmax(1) * counted
    truth = _indicators(masks, scores.shape[1])
    sizes = truth.sum((0, 2, 3))
    both = (probabilities * truth).sum((0, 2, 3))
    coefficients = 2 * both / (probabilities.sum((0, 2, 3)) + sizes).clamp(min=torch.finfo(scores.dtype).tiny)
    return _mean_over_present(1 - coefficients, sizes > 0)


def lovasz(scores: Tensor, masks: Tensor) -> Tensor:
    """The Lovasz extension of the mean Jaccard loss of the classes that the batch's masks show; 0 where they show none.

    Args:
        scores: (N, C, H, W) logits.
        masks: (N, H, W) classes or `IGNORED`.

    Source: Berman, Triki & Blaschko 2018, "The Lovasz-softmax loss", equations 8, 9 and 11 with algorithm 1, over the
    whole batch and the classes present.
    """
    counted = masks.flatten() != IGNORED
    classes = scores.shape[1]
    # What is ignored has no error and sorts last, where an indicator of 0 adds nothing: shapes stay fixed on a device.
    probabilities = scores.softmax(1).movedim(1, 0).reshape(classes, -1)
    truth = _indicators(masks, classes).movedim(1, 0).reshape(classes, -1)
    errors = (truth - probabilities).abs() * counted
    ordered, order = errors.sort(1, descending=True)
    gradients = jaccard_gradients(truth.gather(1, order))
    return _mean_over_present((ordered * gradients).sum(1), truth.sum(1) > 0)


def jaccard_gradients(truth: Tensor) -> Tensor:
    """(C, P) by how much the Jaccard loss grows as each further pixel, in the given order, becomes an error.

    Args:
        truth: (C, P) 0 or 1: whether the pixel is of the class.

    Source: Berman et al. 2018, algorithm 1.
    """
    total = truth.sum(1, keepdim=True)
    remaining = total - truth.cumsum(1)
    union = total + (1 - truth).cumsum(1)
    losses = 1 - remaining / union.clamp(min=1)
    return torch.cat([losses[:, :1], losses[:, 1:] - losses[:, :-1]], 1)


def _indicators(masks: Tensor, classes: int) -> Tensor:
    """(N, C, H, W) float32: 1 in the plane of each pixel's class; 0 everywhere where it is ignored."""
    wanted = masks.long()[:, None]
    planes = torch.arange(classes, device=masks.device)[:, None, None]
    return (wanted == planes).float()


def _mean_over_present(losses: Tensor, present: Tensor) -> Tensor:
    return (losses * present).sum() / present.sum().clamp(min=1)
