"""Optimised Gaussian noise: drawn small, then moved until the network takes the image for something else."""

import dataclasses

import torch
from torch import Tensor, nn

from trainables.images import Normalisation
from trainables.perturbations.attack import Attacked, Watcher
from trainables.perturbations.engine import Standing, Task, run
from trainables.perturbations.fooling import unit


@dataclasses.dataclass(frozen=True)
class GaussianOptions:
    """How noise is made.

    Attributes:
        start: standard deviation of the first noise, as a share of the pixel range.
        step: L2 length of a step in normalised input space.
        penalty: weight of the noise's squared L2 magnitude, in normalised input space, in its loss.
        iterations: most steps of an image.
        batch: images in one forward pass.
    """

    start: float = 0.02
    step: float = 0.25
    penalty: float = 0.1
    iterations: int = 100
    batch: int = 64


def gaussian_noise(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    targets: Tensor,
    normalisation: Normalisation,
    options: GaussianOptions,
    seeds: Tensor,
    watch: Watcher | None = None,
) -> Attacked:
    """Noise that raises the probability of each target and costs by its magnitude, until the image is misclassified.

    Arguments as in `Attack`. An image fools when its rounded self is classified as anything but its label.
    """
    task = Task(net, images, labels, targets, normalisation, options.batch, watch)
    return run(task, _Noise(options, normalisation, seeds))


class _Noise:
    def __init__(self, options: GaussianOptions, normalisation: Normalisation, seeds: Tensor) -> None:
        self._options = options
        self._std = torch.tensor(normalisation.std)[:, None, None]
        self._seeds = seeds
        self.limit = options.iterations

    def start(self, clean: Tensor, rows: Tensor) -> Tensor:
        noise = torch.empty(clean.shape)
        for place, seed in enumerate(self._seeds[rows].tolist()):
            noise[place].normal_(generator=torch.Generator().manual_seed(seed))
        return clean + (noise * (self._options.start / self._std)).to(clean.device)

    def objective(self, scores: Tensor, standing: Standing) -> Tensor:
        return scores.log_softmax(1).gather(1, standing.targets[:, None])

    def onward(self, standing: Standing, gradient: Tensor) -> Tensor:
        noise = standing.points - standing.clean
        return standing.points + self._options.step * unit(gradient - 2 * self._options.penalty * noise)

    def fools(self, predicted: Tensor, standing: Standing) -> Tensor:
        return predicted != standing.labels
