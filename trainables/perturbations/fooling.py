"""Fooling images: images moved up the score of a wrong class until the network believes it."""

import dataclasses
import math

import torch
from torch import Tensor, nn

from trainables.images import Normalisation
from trainables.perturbations.attack import Attacked, Watcher
from trainables.perturbations.engine import Standing, Task, run


@dataclasses.dataclass(frozen=True)
class FoolingOptions:
    """How fooling images are made.

    Attributes:
        rate: length of a step in normalised input space, over a whole image of `reference_size` pixels' side.
        reference_size: side at which the rate holds; an image of another side takes steps of rate * side / reference,
            so that pixels move alike at every size.
        generation_size: side to which images are reduced; what moves is the reduced image, what the network sees and
            what comes out its enlargement. 0 keeps theirs.
        iterations: most steps of an image.
        batch: images in one forward pass.
        precision: arithmetic of the steps: float32, bfloat16, or auto; the check of rounded images is float32.
    """

    rate: float
    reference_size: int
    generation_size: int = 0
    iterations: int = 100
    batch: int = 64
    precision: str = "float32"

    def step_length(self, height: int, width: int) -> float:
        """L2 length of one step for an image of that size."""
        return self.rate * math.sqrt(height * width) / self.reference_size


def fooling_images(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    targets: Tensor,
    normalisation: Normalisation,
    options: FoolingOptions,
    seeds: Tensor,
    watch: Watcher | None = None,
) -> Attacked:
    """Gradient ascent on each target's pre-softmax score until the rounded image is classified as its target.

    Arguments as in `Attack`; labels and seeds are not read: nothing is random here but the targets.

    Source: step rate * g / ||g||_2 over the whole image, at most 100, in normalised input space (the fooling-image
    protocol of the project); the check after rounding is ours. With a generation size the protocol feeds the network
    the reduced image, for speed; of the embedded digits at half their side the thin ResNet-18 then knows a tenth, and
    less than a fifth fool it at full size. Seen enlarged, all do; it saves no time, and what is lost of the image is
    lost all the same.
    """
    task = Task(net, images, labels, targets, normalisation, options, watch, options.generation_size)
    return run(task, _Ascent(options))


class _Ascent:
    def __init__(self, options: FoolingOptions) -> None:
        self._options = options
        self.limit = options.iterations

    def start(self, clean: Tensor, rows: Tensor) -> Tensor:
        return clean

    def objective(self, scores: Tensor, standing: Standing) -> Tensor:
        return scores.gather(1, standing.targets[:, None])

    def onward(self, standing: Standing, gradient: Tensor) -> Tensor:
        return standing.points + self._options.step_length(*gradient.shape[2:]) * unit(gradient)

    def fools(self, predicted: Tensor, standing: Standing) -> Tensor:
        return predicted == standing.targets


def unit(gradient: Tensor) -> Tensor:
    """Each image's gradient at L2 length 1; one of zeros stays so."""
    norms: Tensor = gradient.flatten(1).norm(dim=1).clamp_min(torch.finfo(gradient.dtype).tiny)
    return gradient / norms[:, None, None, None]
