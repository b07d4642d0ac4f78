"""What every attack on images takes and gives."""

import dataclasses
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Generator, Tensor, nn

from trainables.images import Normalisation

Watcher = Callable[[Tensor, Tensor], None]
"""Called before every step with the images in the batch: (n,) int64 rows among the given ones, and (n, C, H, W) floats
in [0, 1], clipped but not rounded."""


@dataclasses.dataclass(frozen=True)
class Attacked:
    """What became of each source image, in their order.

    Attributes:
        images: (N, C, H, W) uint8, clipped to valid pixels and rounded; of those that never fool, the last point.
        fooled: (N,) whether the rounded image fools the network.
        steps: (N,) int64 steps taken.
    """

    images: Tensor
    fooled: Tensor
    steps: Tensor


class Attack(Protocol):
    """Makes images that a network takes for something else, and leaves the network as it came."""

    def __call__(
        self,
        net: nn.Module,
        images: Tensor,
        labels: Tensor,
        targets: Tensor,
        normalisation: Normalisation,
        options: Any,
        seeds: Tensor,
        watch: Watcher | None = None,
    ) -> Attacked:
        """One attacked image for each given one.

        Args:
            net: on the device where the work is to happen; not changed.
            images: (N, C, H, W) uint8, on the CPU; not changed.
            labels: (N,) int64 true classes.
            targets: (N,) int64 wrong classes, as of `wrong_targets`.
            normalisation: of the net's inputs.
            options: of the attack's own class.
            seeds: (N,) int64; an image's draws are a function of its seed alone.
            watch: sees every image before each of its steps.
        """


def wrong_targets(labels: Tensor, classes: int, generator: Generator) -> Tensor:
    """A class for every image, uniform over all but its own."""
    others = torch.randint(1, classes, labels.shape, generator=generator)
    return (labels + others) % classes
