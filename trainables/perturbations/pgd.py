"""Projected gradient descent within an L-infinity ball around each image."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor


def pgd(
    scores: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor, epsilon: float, steps: int, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Images within `epsilon` of the given ones, in [0, 1], and which of them stayed correct at every point tried.

    Starts at a uniformly random point of the ball, takes `steps` signed gradient steps of 2.5 * epsilon / steps up the
    cross-entropy, and tries the start, every step and the end. Touches no parameter and no gradient of the net;
    that its batch norm does not learn is the caller's part (evaluation mode).

    Args:
        scores: pre-softmax class scores (N, classes) of images in [0, 1], differentiable.
        images: (N, C, H, W) floats in [0, 1].
        labels: (N,) int64.
        epsilon: radius in pixel values; 0 leaves the images as they are.
        steps: at least 1.
        generator: on the CPU.

    Returns:
        (N, C, H, W) attacked images, each the first that was misclassified, else the last; (N,) booleans.

    Source: Madry et al. 2018, section 2.1; the early stop of a misclassified image is ours and never raises accuracy.
    """
    start = torch.empty(images.shape).uniform_(-epsilon, epsilon, generator=generator).to(images.device)
    attacked = (images + start).clamp_(0, 1)
    held = torch.ones(len(images), dtype=torch.bool, device=images.device)
    for step in range(steps + 1):
        active = held.nonzero().squeeze(1)
        if not len(active):
            break
        point = attacked[active].requires_grad_(step < steps)
        with torch.set_grad_enabled(step < steps):
            predicted = scores(point)
        held[active] = predicted.argmax(1) == labels[active]
        if step == steps:
            break
        loss = torch.nn.functional.cross_entropy(predicted, labels[active], reduction="sum")
        (gradient,) = torch.autograd.grad(loss, point)
        moved = point.detach() + 2.5 * epsilon / steps * gradient.sign()
        moved = torch.clamp(moved, images[active] - epsilon, images[active] + epsilon).clamp_(0, 1)
        attacked[active] = torch.where(held[active][:, None, None, None], moved, point.detach())
    return attacked, held
