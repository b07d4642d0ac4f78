"""The loss that asks for alike answers to an image and to its augmented views."""

import math
from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, log_softmax

WEIGHT: Final = 12.0


def jsd_loss(clean: Tensor, first: Tensor, second: Tensor, labels: Tensor, weight: float = WEIGHT) -> Tensor:
    """Cross-entropy of the clean images plus `weight` times the Jensen-Shannon divergence of the three answers.

    One forward pass gives all three: `net(torch.cat([images, *views])).chunk(3)`.

    Args:
        clean: (N, classes) pre-softmax scores of the clean images.
        first: the same of one augmented view of each.
        second: the same of another view.
        labels: (N,) int64.
        weight: of the divergence.

    Returns:
        A float32 scalar.

    Source: Hendrycks et al. 2020, equations 1 and 2. The mixture's logarithm is taken without leaving the logarithm,
    so it needs no bound from below as in the published code.
    """
    return cross_entropy(clean.float(), labels) + weight * divergence(clean, first, second).mean()


def divergence(*scores: Tensor) -> Tensor:
    """(N,) Jensen-Shannon divergences of the classes' distributions, from 0 where all agree to log(len(scores)).

    Args:
        scores: (N, classes) pre-softmax, at least one.
    """
    logs = torch.stack([log_softmax(each.float(), 1) for each in scores])
    mixture = logs.logsumexp(0) - math.log(len(scores))
    return (logs.exp() * (logs - mixture)).sum(2).mean(0)
