"""The batch that finished images leave and waiting ones enter: the loop of every attack that makes sets."""

import dataclasses
from typing import Final, Protocol

import torch
from torch import Tensor, nn

from trainables.images import Normalisation
from trainables.perturbations.attack import Attacked, Watcher
from trainables.perturbations.frozen import frozen
from trainables.precision import training_dtype

CHECKED_TOGETHER: Final = 32
"""Images that wait for the check of their rounded selves: one pass over 8 takes half as long again for each image."""


@dataclasses.dataclass(frozen=True)
class Standing:
    """Images on their way, one in each place of the batch.

    Attributes:
        rows: (n,) int64 places among the given images.
        steps: (n,) int64 taken so far.
        labels: (n,) int64.
        targets: (n,) int64.
        clean: (n, C, h, w) normalised source images.
        points: (n, C, h, w) where they have come to, normalised.
        onward: (n, C, h, w) where the next step leads.
    """

    rows: Tensor
    steps: Tensor
    labels: Tensor
    targets: Tensor
    clean: Tensor
    points: Tensor
    onward: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    def of(self, picked: Tensor) -> "Standing":
        """Those that a mask picks."""
        return Standing(*(getattr(self, field.name)[picked] for field in dataclasses.fields(self)))

    def joined(self, others: "Standing") -> "Standing":
        """These and then others."""
        pairs = ((getattr(self, field.name), getattr(others, field.name)) for field in dataclasses.fields(self))
        return Standing(*(torch.cat(pair) for pair in pairs))

    def advanced(self) -> "Standing":
        """The same images one step on."""
        return dataclasses.replace(self, points=self.onward, steps=self.steps + 1)


class Rule(Protocol):
    """What one attack does with its images; the loop knows when."""

    @property
    def limit(self) -> int:
        """Most steps of an image."""

    def start(self, clean: Tensor, rows: Tensor) -> Tensor:
        """First points of images that enter."""

    def objective(self, scores: Tensor, standing: Standing) -> Tensor:
        """(n,) what each step is to raise."""

    def onward(self, standing: Standing, gradient: Tensor) -> Tensor:
        """Points one step on."""

    def fools(self, predicted: Tensor, standing: Standing) -> Tensor:
        """(n,) booleans."""


class Pace(Protocol):
    """The part of every attack's options that says how the work is done."""

    @property
    def batch(self) -> int:
        """Images in one forward pass."""

    @property
    def precision(self) -> str:
        """Of the steps, as for `training_dtype`; the check of rounded images is float32."""


@dataclasses.dataclass(frozen=True)
class Task:
    """All that one call of an attack is about; shapes as in `Attack`.

    Attributes:
        net: attacked.
        images: to attack.
        labels: their classes.
        targets: their wrong classes.
        normalisation: of the net's inputs.
        pace: how the work is done.
        watch: see `Watcher`.
        side: longer side at which points are kept; the network sees them enlarged. 0 means the images' own.
    """

    net: nn.Module
    images: Tensor
    labels: Tensor
    targets: Tensor
    normalisation: Normalisation
    pace: Pace
    watch: Watcher | None
    side: int = 0

    @property
    def device(self) -> torch.device:
        """Where the net is."""
        return next(self.net.parameters()).device

    def inputs(self, rows: Tensor) -> Tensor:
        """Some images, normalised, at the side at which points are kept."""
        clean = self.normalisation.of(torch.index_select(self.images, 0, rows).to(self.device))
        height, width = self.images.shape[2:]
        if not 0 < self.side < max(height, width):
            return clean
        share = self.side / max(height, width)
        return _resized(clean, (max(1, round(share * height)), max(1, round(share * width))))

    def full(self, points: Tensor) -> Tensor:
        """Points at the size of the given images; differentiable."""
        height, width = self.images.shape[2:]
        return points if points.shape[2:] == (height, width) else _resized(points, (height, width))


def run(task: Task, rule: Rule) -> Attacked:
    """Every image is looked at, checked and moved until it fools or its steps are spent; then the next takes its place.

    An image fools when its enlarged, clipped, rounded self does. The net is copied and thereby left as it came.
    """
    count = len(task.images)
    result = Attacked(task.images.clone(), torch.zeros(count, dtype=torch.bool), torch.zeros(count, dtype=torch.int64))
    waiting = torch.arange(count)
    standing = believing = nobody = _entered(task, rule, waiting[:0])
    if count:
        task = dataclasses.replace(task, net=frozen(task.net, task.full(task.inputs(waiting[:1]))))
    while len(standing) or len(believing) or len(waiting):
        entering, waiting = waiting.tensor_split([max(0, task.pace.batch - len(standing))])
        standing, stopped = _step(task, rule, standing.joined(_entered(task, rule, entering)))
        believing = believing.joined(stopped)
        if len(believing) >= CHECKED_TOGETHER or not len(standing):
            standing = standing.joined(_check(task, rule, believing, result))
            believing = nobody
    return result


def _entered(task: Task, rule: Rule, rows: Tensor) -> Standing:
    clean = task.inputs(rows)
    there = rows.to(task.device)
    start = rule.start(clean, rows)
    labels, targets = (classes[rows].to(task.device) for classes in (task.labels, task.targets))
    return Standing(there, torch.zeros_like(there), labels, targets, clean, start, start)


def _step(task: Task, rule: Rule, standing: Standing) -> tuple[Standing, Standing]:
    """Those that took a step, and those that believe or are out of steps, which wait where they stand."""
    if task.watch is not None:
        task.watch(standing.rows.cpu(), task.normalisation.floats(task.full(standing.points)).clamp_(0, 1).cpu())
    points = standing.points.detach().contiguous(memory_format=torch.channels_last).requires_grad_()
    lowered = training_dtype(task.pace.precision, task.device) is torch.bfloat16
    with torch.enable_grad():
        with torch.autocast(task.device.type, torch.bfloat16, enabled=lowered):
            scores = task.net(task.full(points))
        (gradient,) = torch.autograd.grad(rule.objective(scores.float(), standing).sum(), points)
    standing = dataclasses.replace(standing, onward=rule.onward(standing, gradient))
    stopped = rule.fools(scores.argmax(1), standing) | (standing.steps >= rule.limit)
    return standing.of(~stopped).advanced(), standing.of(stopped)


def _check(task: Task, rule: Rule, believing: Standing, result: Attacked) -> Standing:
    """Writes down those that fool after rounding or are out of steps; the others, one step on."""
    rounded = task.normalisation.pixels(task.full(believing.points))
    with torch.no_grad():
        fooled = rule.fools(task.net(task.normalisation.of(rounded)).argmax(1), believing)
    done = fooled | (believing.steps >= rule.limit)
    rows = believing.rows[done].cpu()
    result.images[rows] = rounded[done].cpu()
    result.fooled[rows] = fooled[done].cpu()
    result.steps[rows] = believing.steps[done].cpu()
    return believing.of(~done).advanced()


def _resized(images: Tensor, sides: tuple[int, int]) -> Tensor:
    return nn.functional.interpolate(images, sides, mode="bilinear", antialias=True)
