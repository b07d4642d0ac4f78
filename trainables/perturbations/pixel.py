"""Pixel perturbations: a few random pixels change colour until the network takes the image for something else."""

import dataclasses

import torch
from torch import Tensor, nn

from trainables.images import Normalisation
from trainables.perturbations.attack import Attacked, Watcher
from trainables.perturbations.engine import Standing, Task, run
from trainables.perturbations.fooling import unit


@dataclasses.dataclass(frozen=True)
class PixelOptions:
    """How pixels change.

    Attributes:
        share: of an image's pixels that may change; at least one does.
        restarts: times that other pixels are drawn, where the ones before did not fool.
        step: L2 length of a step in pixel range.
        iterations: steps of one draw of pixels.
        batch: images in one forward pass.
    """

    share: float = 0.005
    restarts: int = 3
    step: float = 0.5
    iterations: int = 25
    batch: int = 64


def pixel_changes(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    targets: Tensor,
    normalisation: Normalisation,
    options: PixelOptions,
    seeds: Tensor,
    watch: Watcher | None = None,
) -> Attacked:
    """Images that differ in at most a share of their pixels, whose colours raise the probability of a wrong class.

    Arguments as in `Attack`. An image fools when its rounded self is classified as anything but its label.
    """
    task = Task(net, images, labels, targets, normalisation, options.batch, watch)
    return run(task, _Colours(options, normalisation, seeds, images.shape[2:]))


class _Colours:
    def __init__(
        self, options: PixelOptions, normalisation: Normalisation, seeds: Tensor, shape: tuple[int, ...]
    ) -> None:
        self._options = options
        self._mean = torch.tensor(normalisation.mean)[:, None, None]
        self._std = torch.tensor(normalisation.std)[:, None, None]
        self._draws = _draws(options, seeds, shape[0] * shape[1])
        self.limit = options.iterations * (options.restarts + 1)

    def start(self, clean: Tensor, rows: Tensor) -> Tensor:
        return clean

    def objective(self, scores: Tensor, standing: Standing) -> Tensor:
        return scores.log_softmax(1).gather(1, standing.targets[:, None])

    def onward(self, standing: Standing, gradient: Tensor) -> Tensor:
        mean, std = self._mean.to(gradient.device), self._std.to(gradient.device)
        anew = (standing.steps > 0) & (standing.steps % self._options.iterations == 0)
        free = self._free(standing)
        points = torch.where(anew[:, None, None, None], standing.clean, standing.points)
        direction = torch.where(anew[:, None, None, None], 0, gradient) * free
        moved = (points * std + mean + self._options.step * unit(direction * std)).clamp(0, 1)
        return torch.where(free, (moved - mean) / std, standing.clean)

    def fools(self, predicted: Tensor, standing: Standing) -> Tensor:
        return predicted != standing.labels

    def _free(self, standing: Standing) -> Tensor:
        """(n, 1, H, W) booleans: the pixels that may change now."""
        draw = (standing.steps // self._options.iterations).clamp_max(self._options.restarts)
        places = self._draws[standing.rows.cpu(), draw.cpu()].to(standing.rows.device)
        free = torch.zeros(len(places), standing.clean[0, 0].numel(), dtype=torch.bool, device=places.device)
        return free.scatter_(1, places, True).view(-1, 1, *standing.clean.shape[2:])


def _draws(options: PixelOptions, seeds: Tensor, pixels: int) -> Tensor:
    """(N, restarts + 1, pixels to change) places, without repetition within a draw."""
    count = max(1, round(options.share * pixels))
    found = []
    for seed in seeds.tolist():
        generator = torch.Generator().manual_seed(seed)
        found += [torch.randperm(pixels, generator=generator)[:count] for _ in range(options.restarts + 1)]
    return torch.stack(found).view(len(seeds), options.restarts + 1, count)
