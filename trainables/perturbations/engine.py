"""The batch that finished images leave and waiting ones enter: the loop of every attack that makes sets."""

import dataclasses
from typing import Protocol

import torch
from torch import Tensor, nn

from trainables.images import Normalisation
from trainables.perturbations.attack import Attacked, Watcher
from trainables.perturbations.frozen import frozen


@dataclasses.dataclass
class Standing:
    """The images that stand in the batch, one in each slot.

    Attributes:
        rows: (n,) int64 places among the given images.
        steps: (n,) int64 taken so far.
        labels: (n,) int64.
        targets: (n,) int64.
        clean: (n, C, h, w) normalised source images.
        points: (n, C, h, w) where they have come to, normalised.
    """

    rows: Tensor
    steps: Tensor
    labels: Tensor
    targets: Tensor
    clean: Tensor
    points: Tensor

    def put(self, slots: Tensor, others: "Standing") -> None:
        """Lets others stand in these slots."""
        for field in dataclasses.fields(self):
            getattr(self, field.name)[slots] = getattr(others, field.name)

    def of(self, slots: Tensor) -> "Standing":
        """Those of some slots."""
        return Standing(*(getattr(self, field.name)[slots] for field in dataclasses.fields(self)))


class Rule(Protocol):
    """What one attack does with an image; the loop knows when."""

    @property
    def limit(self) -> int:
        """Most steps of an image."""

    def start(self, clean: Tensor, rows: Tensor) -> Tensor:
        """First points of images that enter."""

    def objective(self, scores: Tensor, standing: Standing) -> Tensor:
        """(n,) what each step is to raise."""

    def move(self, standing: Standing, gradient: Tensor) -> Tensor:
        """Points one step on."""

    def fools(self, predicted: Tensor, standing: Standing) -> Tensor:
        """(n,) booleans."""


@dataclasses.dataclass(frozen=True)
class Sources:
    """The images to attack; shapes as in `Attack`."""

    images: Tensor
    labels: Tensor
    targets: Tensor
    normalisation: Normalisation


@dataclasses.dataclass(frozen=True)
class Walk:
    """All that one call of an attack needs.

    Attributes:
        net: frozen.
        device: the net's.
        sources: to attack.
        rule: the attack.
        side: at which images are attacked and then enlarged; 0 means their own.
        watch: see `Watcher`.
    """

    net: nn.Module
    device: torch.device
    sources: Sources
    rule: Rule
    side: int
    watch: Watcher | None


def run(
    net: nn.Module, sources: Sources, rule: Rule, batch: int, watch: Watcher | None = None, side: int = 0
) -> Attacked:
    """Every image is looked at, checked and moved until it fools or its steps are spent; then the next takes its slot.

    An image fools when its clipped, rounded, enlarged self does. Each pass is forward, check, step.
    """
    count = len(sources.images)
    result = Attacked(
        sources.images.clone(), torch.zeros(count, dtype=torch.bool), torch.zeros(count, dtype=torch.int64)
    )
    walk = Walk(frozen(net), next(net.parameters()).device, sources, rule, side, watch)
    waiting = torch.arange(count)
    standing, waiting = _enter(walk, waiting[:batch]), waiting[batch:]
    while len(standing.rows):
        _show(walk, standing)
        predicted, gradient = _look(walk, standing)
        leaving = _settle(walk, standing, predicted, result)
        standing.points = rule.move(standing, gradient)
        standing.steps += 1
        entering, waiting = waiting[: len(leaving)], waiting[len(leaving) :]
        if len(entering):
            standing.put(leaving[: len(entering)], _enter(walk, entering))
        if len(leaving) > len(entering):
            stays = torch.ones(len(standing.rows), dtype=torch.bool, device=walk.device)
            stays[leaving[len(entering) :]] = False
            standing = standing.of(stays)
    return result


def _enter(walk: Walk, rows: Tensor) -> Standing:
    sources = walk.sources
    clean = _resized(sources.normalisation.of(torch.index_select(sources.images, 0, rows).to(walk.device)), walk.side)
    there = rows.to(walk.device)
    return Standing(
        there,
        torch.zeros_like(there),
        sources.labels[rows].to(walk.device),
        sources.targets[rows].to(walk.device),
        clean,
        walk.rule.start(clean, rows),
    )


def _show(walk: Walk, standing: Standing) -> None:
    if walk.watch is not None:
        full = _resized(standing.points, walk.sources.images.shape[-1])
        walk.watch(standing.rows.cpu(), walk.sources.normalisation.floats(full).clamp_(0, 1).cpu())


def _look(walk: Walk, standing: Standing) -> tuple[Tensor, Tensor]:
    """Predicted classes and the gradient of the objective."""
    points = standing.points.detach().requires_grad_()
    with torch.enable_grad():
        scores = walk.net(points)
        (gradient,) = torch.autograd.grad(walk.rule.objective(scores, standing).sum(), points)
    return scores.detach().argmax(1), gradient


def _settle(walk: Walk, standing: Standing, predicted: Tensor, result: Attacked) -> Tensor:
    """Writes down the images that fool after rounding or are out of steps; the slots that these leave."""
    spent = standing.steps >= walk.rule.limit
    slots = (walk.rule.fools(predicted, standing) | spent).nonzero().squeeze(1)
    if not len(slots):
        return slots
    candidates = standing.of(slots)
    rounded = walk.sources.normalisation.pixels(_resized(candidates.points, walk.sources.images.shape[-1]))
    with torch.no_grad():
        fooled = walk.rule.fools(walk.net(walk.sources.normalisation.of(rounded)).argmax(1), candidates)
    done = fooled | spent[slots]
    rows = candidates.rows[done].cpu()
    result.images[rows] = rounded[done].cpu()
    result.fooled[rows] = fooled[done].cpu()
    result.steps[rows] = candidates.steps[done].cpu()
    return slots[done]


def _resized(images: Tensor, side: int) -> Tensor:
    if side in (0, images.shape[-1]):
        return images
    return nn.functional.interpolate(images, (side, side), mode="bilinear", antialias=True)
