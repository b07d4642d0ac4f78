"""Projected gradient descent within an L-infinity ball around each image, and its single step."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor

Scores = Callable[[Tensor], Tensor]
"""Pre-softmax class scores (N, classes) of images in [0, 1], differentiable; batch norm in evaluation mode."""


def fgsm(scores: Scores, images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
    """Images moved by `epsilon` along the sign of the gradient of their cross-entropy, in [0, 1].

    Args:
        scores: see `Scores`.
        images: (N, C, H, W) floats in [0, 1].
        labels: (N,) int64.
        epsilon: in pixel values.

    Source: Goodfellow et al. 2015, "Explaining and harnessing adversarial examples", section 4.
    """
    return pgd(scores, images, labels, epsilon, steps=1, step_size=epsilon)


def pgd(
    scores: Scores,
    images: Tensor,
    labels: Tensor,
    epsilon: float,
    steps: int,
    generator: Generator | None = None,
    step_size: float | None = None,
) -> Tensor:
    """Where `steps` signed gradient steps up the cross-entropy lead, within `epsilon` of the images and in [0, 1].

    Touches no parameter and no gradient of the net. Every image takes every step; see `pgd_until_fooled`.

    Args:
        scores: see `Scores`.
        images: (N, C, H, W) floats in [0, 1].
        labels: (N,) int64.
        epsilon: radius in pixel values.
        steps: at least 1.
        generator: on the CPU, of a uniformly random start within the ball; None starts at the images.
        step_size: in pixel values; None means 2.5 * epsilon / steps.

    Source: Madry et al. 2018, "Towards deep learning models resistant to adversarial attacks", section 2.1.
    """
    ball = _Ball(images, epsilon)
    points = ball.start(generator)
    for _ in range(steps):
        points = points.detach().requires_grad_()
        with torch.enable_grad():
            predicted = scores(points)
        points = ball.step(points, predicted, labels, _length(epsilon, steps, step_size))
    return points


def pgd_until_fooled(
    scores: Scores,
    images: Tensor,
    labels: Tensor,
    epsilon: float,
    steps: int,
    generator: Generator | None = None,
    step_size: float | None = None,
) -> tuple[Tensor, Tensor]:
    """As `pgd`, but an image stays at the first of its points that is misclassified, the start and the end included.

    Arguments as for `pgd`; what that leaves misclassified, this does, too.

    Returns:
        (N, C, H, W) attacked images; (N,) booleans, which stayed correct at every point tried.
    """
    attacked = _Ball(images, epsilon).start(generator)
    held = torch.ones(len(images), dtype=torch.bool, device=images.device)
    for step in range(steps + 1):
        active = held.nonzero().squeeze(1)
        if not len(active):
            break
        points = attacked[active].requires_grad_(step < steps)
        with torch.set_grad_enabled(step < steps):
            predicted = scores(points)
        correct = predicted.argmax(1) == labels[active]
        held[active] = correct
        if step < steps:
            ball = _Ball(images[active], epsilon)
            moved = ball.step(points, predicted, labels[active], _length(epsilon, steps, step_size))
            attacked[active[correct]] = moved[correct]
    return attacked, held


class _Ball:
    """The points within `radius` of each image and in [0, 1]."""

    def __init__(self, images: Tensor, radius: float) -> None:
        self._images = images
        self._radius = radius
        self._lower, self._upper = (images - radius).clamp_(min=0), (images + radius).clamp_(max=1)

    def start(self, generator: Generator | None) -> Tensor:
        """The images, or uniformly random points."""
        if generator is None:
            return self._images.clone()
        # Drawn in index order, so that it does not depend on the images' memory format.
        drawn = torch.empty(self._images.shape).uniform_(-self._radius, self._radius, generator=generator)
        return (self._images + drawn.to(self._images.device)).clamp_(0, 1)

    def step(self, points: Tensor, predicted: Tensor, labels: Tensor, length: float) -> Tensor:
        """Points one step up the cross-entropy, brought back into the ball."""
        with torch.enable_grad():
            loss = torch.nn.functional.cross_entropy(predicted, labels, reduction="sum")
            (gradient,) = torch.autograd.grad(loss, points)
        moved = points.detach() + length * gradient.sign_()
        return torch.minimum(torch.maximum(moved, self._lower), self._upper)


def _length(epsilon: float, steps: int, step_size: float | None) -> float:
    return 2.5 * epsilon / steps if step_size is None else step_size
