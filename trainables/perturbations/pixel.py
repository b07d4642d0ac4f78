"""Pixel perturbations: a few random pixels change colour until the network takes the image for something else."""

import dataclasses

import torch
from torch import Tensor, nn

from trainables.images import Normalisation
from trainables.perturbations.attack import Attacked, Watcher
from trainables.perturbations.engine import Standing, Task, run


@dataclasses.dataclass(frozen=True)
class PixelOptions:
    """How pixels change.

    Attributes:
        share: of an image's pixels that change; at least one does.
        restarts: times that other pixels are drawn, where the ones before did not fool.
        step: change of a colour channel in one step, as a share of the pixel range.
        iterations: steps of one draw of pixels.
        batch: images in one forward pass.
        precision: arithmetic of the steps: float32, bfloat16, or auto; the check of rounded images is float32.
    """

    share: float = 0.005
    restarts: int = 24
    step: float = 0.25
    iterations: int = 4
    batch: int = 64
    precision: str = "float32"


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
    """Images that differ in a share of their pixels alone, whose colours raise the probability of all wrong classes.

    Arguments as in `Attack`; targets are not read. A step moves each channel of the drawn pixels by the sign of its
    gradient, within the pixel range. A draw that has not fooled after its steps is undone and other pixels begin at
    the source's colours, with the gradient found there at first. An image fools when its rounded self is classified
    as anything but its label.

    Source: the pixel perturbation of the project's protocol (a random half percent of the pixels, moved by gradient,
    retried). The rule is ours: on the embedded digits, where 0.5 % are 5 pixels, one draw fools a tenth of the images
    and 25 draws two fifths; to aim at one drawn class instead fools a third fewer, and signs more than whole gradients.
    """
    task = Task(net, images, labels, targets, normalisation, options, watch)
    return run(task, _Colours(options, normalisation, seeds, images))


class _Colours:
    def __init__(self, options: PixelOptions, normalisation: Normalisation, seeds: Tensor, images: Tensor) -> None:
        self._options = options
        self._normalisation = normalisation
        self._draws = _draws(options, seeds, images.shape[2] * images.shape[3])
        self._slopes = torch.empty(images.shape, dtype=torch.int8)  # of every source image
        self.limit = options.iterations * (options.restarts + 1)

    def start(self, clean: Tensor, rows: Tensor) -> Tensor:
        return clean

    def objective(self, scores: Tensor, standing: Standing) -> Tensor:
        return -scores.log_softmax(1).gather(1, standing.labels[:, None])

    def onward(self, standing: Standing, gradient: Tensor) -> Tensor:
        anew = (standing.steps % self._options.iterations == 0)[:, None, None, None]
        slopes = torch.where(anew, self._first_slopes(standing, gradient), gradient.sign())
        begun = torch.where(anew, standing.clean, standing.points)
        moved = self._normalisation.floats(begun).add_(slopes, alpha=self._options.step).clamp_(0, 1)
        return torch.where(self._drawn(standing), self._normalisation.of_floats(moved), standing.clean)

    def fools(self, predicted: Tensor, standing: Standing) -> Tensor:
        return predicted != standing.labels

    def _first_slopes(self, standing: Standing, gradient: Tensor) -> Tensor:
        """Signs of the gradient at the source images, kept from their first step."""
        fresh = (standing.steps == 0).cpu()
        self._slopes[standing.rows.cpu()[fresh]] = gradient.sign().to(torch.int8).cpu()[fresh]
        return self._slopes[standing.rows.cpu()].to(gradient)

    def _drawn(self, standing: Standing) -> Tensor:
        """(n, 1, H, W) booleans: the pixels that change now."""
        height, width = standing.clean.shape[2:]
        draw = (standing.steps // self._options.iterations).clamp_max(self._options.restarts)
        places = self._draws[standing.rows.cpu(), draw.cpu()].to(standing.rows.device)
        drawn = torch.zeros(len(places), height * width, dtype=torch.bool, device=places.device)
        return drawn.scatter_(1, places, True).view(-1, 1, height, width)


def _draws(options: PixelOptions, seeds: Tensor, pixels: int) -> Tensor:
    """(N, restarts + 1, pixels that change) places, without repetition within a draw."""
    count = max(1, round(options.share * pixels))
    found = torch.empty(len(seeds), options.restarts + 1, count, dtype=torch.int64)
    for places, seed in zip(found, seeds.tolist(), strict=True):
        generator = torch.Generator().manual_seed(seed)
        for draw in places:
            draw.copy_(torch.randperm(pixels, generator=generator)[:count])
    return found
