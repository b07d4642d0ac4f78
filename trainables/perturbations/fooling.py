"""Fooling images: images moved up the score of a wrong class until the network believes it."""

import contextlib
import dataclasses
import math
from collections.abc import Iterator

import torch
from torch import Generator, Tensor, nn

from trainables.images import Normalisation


@dataclasses.dataclass(frozen=True)
class FoolingOptions:
    """How fooling images are made.

    Attributes:
        rate: length of a step in normalised input space, over a whole image of `reference_size` pixels' side.
        reference_size: side at which the rate holds; an image of another side takes steps of rate * side / reference,
            so that pixels move alike at every size.
        iterations: most steps of an image.
        batch: images in one forward pass.
    """

    rate: float
    reference_size: int
    iterations: int = 100
    batch: int = 64

    def step_length(self, height: int, width: int) -> float:
        """L2 length of one step for an image of that size."""
        return self.rate * math.sqrt(height * width) / self.reference_size


@dataclasses.dataclass(frozen=True)
class FoolingImages:
    """What became of each source image, in their order.

    Attributes:
        images: (N, C, H, W) uint8, clipped to valid pixels and rounded.
        fooled: (N,) whether the rounded image is classified as its target.
        steps: (N,) int64 steps taken.
    """

    images: Tensor
    fooled: Tensor
    steps: Tensor


def wrong_targets(labels: Tensor, classes: int, generator: Generator) -> Tensor:
    """A class for every image, uniform over all but its own."""
    others = torch.randint(1, classes, labels.shape, generator=generator)
    return (labels + others) % classes


def fooling_images(
    net: nn.Module, images: Tensor, targets: Tensor, normalisation: Normalisation, options: FoolingOptions
) -> FoolingImages:
    """Gradient ascent on each target's pre-softmax score; a finished image makes room for the next.

    Each pass is forward, check, step. An image is finished when its rounded, clipped self is classified as the target;
    one that never is, is reported with `fooled` false. The net is left as it came: weights, batch-norm statistics,
    gradients and training mode. Nothing is random here: the targets are.

    Args:
        net: on the device where the work is to happen.
        images: (N, C, H, W) uint8; not changed.
        targets: (N,) int64 classes.
        normalisation: of the net's inputs.
        options: rate, sizes, limits.

    Source: step rate * g / ||g||_2 over the whole image, at most 100, in normalised input space (the fooling-image
    protocol of the project); the check after rounding is ours.
    """
    count = len(images)
    result = FoolingImages(images.clone(), torch.zeros(count, dtype=torch.bool), torch.zeros(count, dtype=torch.int64))
    with evaluating(net):
        _ascend(net, images, targets, normalisation, options, result)
    return result


@contextlib.contextmanager
def evaluating(net: nn.Module) -> Iterator[None]:
    """Every module is in evaluation mode inside, and in its own mode again afterwards, also after an exception."""
    modes = [(module, module.training) for module in net.modules()]
    net.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def _ascend(
    net: nn.Module,
    images: Tensor,
    targets: Tensor,
    normalisation: Normalisation,
    options: FoolingOptions,
    result: FoolingImages,
) -> None:
    device = next(net.parameters()).device
    length = options.step_length(images.shape[2], images.shape[3])
    waiting = torch.arange(len(images))
    active = waiting[:0]
    points = images[:0].to(device, torch.float32)
    while len(active) or len(waiting):
        room = options.batch - len(active)
        entering, waiting = waiting[:room], waiting[room:]
        active = torch.cat([active, entering])
        points = torch.cat([points, normalisation.of(images[entering].to(device))])
        aims = targets[active].to(device)
        moved, believed = _forward_and_step(net, points, aims, length)
        leaving = _settle(net, points, aims, believed, active, normalisation, options, result)
        result.steps[active[~leaving]] += 1
        staying = ~leaving.to(device)
        active, points = active[~leaving], moved[staying]


def _forward_and_step(net: nn.Module, points: Tensor, aims: Tensor, length: float) -> tuple[Tensor, Tensor]:
    """The points one step on, and which of them are already classified as their target."""
    points = points.detach().requires_grad_()
    with torch.enable_grad():
        scores = net(points)
        (gradient,) = torch.autograd.grad(scores.gather(1, aims[:, None]).sum(), points)
    norms = gradient.flatten(1).norm(dim=1).clamp_min(torch.finfo(gradient.dtype).tiny)
    moved = points.detach() + length * gradient / norms[:, None, None, None]
    return moved, scores.argmax(1) == aims


def _settle(
    net: nn.Module,
    points: Tensor,
    aims: Tensor,
    believed: Tensor,
    active: Tensor,
    normalisation: Normalisation,
    options: FoolingOptions,
    result: FoolingImages,
) -> Tensor:
    """Writes down the images that fool after rounding or are out of steps; (active,) booleans of those that leave."""
    spent = result.steps[active].to(points.device) >= options.iterations
    candidates = (believed | spent).nonzero().squeeze(1)
    leaving = torch.zeros(len(active), dtype=torch.bool)
    if not len(candidates):
        return leaving
    rounded = normalisation.pixels(points[candidates])
    with torch.no_grad():
        fooled = net(normalisation.of(rounded)).argmax(1) == aims[candidates]
    done = (fooled | spent[candidates]).cpu()
    settled = active[candidates.cpu()[done]]
    result.images[settled] = rounded.cpu()[done]
    result.fooled[settled] = fooled.cpu()[done]
    leaving[candidates.cpu()[done]] = True
    return leaving
