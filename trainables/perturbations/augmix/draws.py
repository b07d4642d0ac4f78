"""What AugMix draws for every image before any pixel is touched."""

import dataclasses
from collections.abc import Sequence
from typing import Final

import torch
from torch import Generator, Tensor

from trainables.perturbations.augmix.operations import NONE, OPERATIONS, OVERLAPPING

_LEAST_LEVEL: Final = 0.1
_MOST_LEVEL: Final = 10


@dataclasses.dataclass(frozen=True)
class AugMixOptions:
    """How strongly AugMix changes images.

    Attributes:
        severity: upper end of the level of an operation, above 0.1 and at most 10; 10 is the full range.
        width: chains that are mixed into an image.
        depth: operations of the longest chain; the length of each chain is drawn from 1 to depth.
        overlapping: whether brightness, contrast, colour and sharpness are drawn as well.

    Raises:
        ValueError: a number is outside its range.

    Source: Hendrycks et al. 2020, section 3, and the defaults of its published code for CIFAR; for ImageNet that code
    takes severity 1.
    """

    severity: float = 3.0
    width: int = 3
    depth: int = 3
    overlapping: bool = False

    def __post_init__(self) -> None:
        if not _LEAST_LEVEL < self.severity <= _MOST_LEVEL:
            raise ValueError(f"severity: {self.severity} is not above {_LEAST_LEVEL} and at most {_MOST_LEVEL}")
        for name, value in (("width", self.width), ("depth", self.depth)):
            if value < 1:
                raise ValueError(f"{name}: {value} is below 1")


@dataclasses.dataclass(frozen=True)
class Draws:
    """Random choices for N images, on the CPU: every operation of every chain, and how the chains are mixed.

    Attributes:
        codes: (N, width, depth) int64, of operations, NONE after the end of a chain.
        levels: (N, width, depth) float64 in (0.1, severity).
        mirrored: (N, width, depth) booleans, whether an operation turns, shears or shifts the other way.
        weights: (N, width + 1) float32 shares of each chain, then of the image itself; a row sums to 1.
    """

    codes: Tensor
    levels: Tensor
    mirrored: Tensor
    weights: Tensor

    def __len__(self) -> int:
        return len(self.codes)

    @classmethod
    def joined(cls, parts: Sequence["Draws"]) -> "Draws":
        """Those of one part after those of the other."""
        codes, levels = torch.cat([part.codes for part in parts]), torch.cat([part.levels for part in parts])
        mirrored, weights = torch.cat([part.mirrored for part in parts]), torch.cat([part.weights for part in parts])
        return cls(codes, levels, mirrored, weights)

    def rows(self, rows: slice) -> "Draws":
        """Those of some of the images."""
        return Draws(self.codes[rows], self.levels[rows], self.mirrored[rows], self.weights[rows])


def draw(count: int, options: AugMixOptions, generator: Generator) -> Draws:
    """Independent draws for each of `count` images: Dirichlet(1) over the chains, Beta(1, 1) for their share.

    Args:
        count: of images.
        options: of AugMix.
        generator: on the CPU.
    """
    shape = (count, options.width, options.depth)
    names = len(OPERATIONS) - (0 if options.overlapping else len(OVERLAPPING))
    codes = torch.randint(names, shape, generator=generator)
    lengths = torch.randint(1, options.depth + 1, shape[:2], generator=generator)
    codes[torch.arange(options.depth) >= lengths[:, :, None]] = NONE
    levels = torch.empty(shape, dtype=torch.float64).uniform_(_LEAST_LEVEL, options.severity, generator=generator)
    mirrored = torch.rand(shape, generator=generator) < 0.5
    # Exponential draws over their sum are Dirichlet(1), and Beta(1, 1) is uniform.
    chains = torch.empty(shape[:2], dtype=torch.float64).exponential_(generator=generator)
    augmented = torch.rand(count, 1, dtype=torch.float64, generator=generator)
    weights = torch.cat([augmented * chains / chains.sum(1, keepdim=True), 1 - augmented], 1)
    return Draws(codes, levels, mirrored, weights.to(torch.float32))
