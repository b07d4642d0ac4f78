"""Draws of clamped Gaussian noise, in pieces that stay in a core's cache."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Final

import torch
from torch import Generator, Tensor

from trainables.errors import TrainableError
from trainables.perturbations.noise_targets import BY_DEFAULT, NoisyWeight, Targets

MAXIMA: Final = ("per_kernel", "per_layer")
_PIECE: Final = 1 << 16  # values of a piece: its numbers, magnitudes, clean and noisy weights take a megabyte
_BLOCK: Final = 16  # torch draws normal numbers on the CPU in blocks of so many


@dataclasses.dataclass(frozen=True)
class WeightNoise:
    """dW ~ N(0, sigma^2) clamped to [-clip * sigma, clip * sigma], with sigma = scale * max|W|.

    Attributes:
        scale: share of the maximum; 0 draws nothing.
        clip: in units of sigma, above 0; named alpha in the source.
        maximum: "per_kernel": over each (out, in) kernel of a convolution (so a 1x1 kernel's is |w| itself), over the
            whole weight of other layers, as in the source. "per_layer": over the whole weight of every layer, as is
            usual for analog hardware.
        targets: the weights that it reaches.

    Raises:
        TrainableError: OPTION_INVALID.
    """

    scale: float
    clip: float
    maximum: str = "per_kernel"
    targets: Targets = BY_DEFAULT

    def __post_init__(self) -> None:
        laws = {
            f"scale is at least 0, not {self.scale}": self.scale >= 0 and math.isfinite(self.scale),
            f"clip is above 0, not {self.clip}": self.clip > 0,
            f"maximum is one of {', '.join(MAXIMA)}, not {self.maximum!r}": self.maximum in MAXIMA,
        }
        broken = [law for law, holds in laws.items() if not holds]
        if broken:
            raise TrainableError("OPTION_INVALID", f"weight noise: {'; '.join(broken)}")


def maximum(weight: Tensor, kind: str = "per_kernel") -> Tensor:
    """max|W| of one layer, in a shape that broadcasts to its weight.

    Args:
        weight: of a convolution, (out, in, ...); of a linear layer, (out, in); of a norm, any shape.
        kind: of MAXIMA; a weight without kernels has one maximum in both.
    """
    by_kernel = kind == "per_kernel" and weight.ndim > 2
    return weight.abs().amax(tuple(range(2 if by_kernel else 0, weight.ndim)), keepdim=True)


class Scratch:
    """Memory for one piece, used again for all: new memory for each weight costs as much as adding the noise."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, torch.dtype, torch.device], Tensor] = {}

    def take(self, purpose: str, size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
        """(size,) values that are overwritten when the same purpose takes some again."""
        key = (purpose, dtype, device)
        if key not in self._kept or self._kept[key].numel() < size:
            self._kept[key] = torch.empty(size, dtype=dtype, device=device)
        return self._kept[key][:size]


def pieces(
    target: NoisyWeight, noise: WeightNoise, generator: Generator, values: Tensor, scratch: Scratch
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Consecutive rows of `values`, the noise for them, and the clean weights of the same rows.

    The numbers are bit for bit those of one call of `normal_` for the whole weight of each layer, in index order, so
    they depend neither on the pieces nor on the weight's memory format. The noise's memory is used again for the next.

    Args:
        target: whose weight it is.
        noise: scale, clip and kind of maximum.
        generator: on any device; the numbers are drawn there.
        values: of the weight's shape; not read.
        scratch: holds the noise, and what it is made from.
    """
    for clean, room in zip(target.blocks(target.weight.detach()), target.blocks(values), strict=True):
        by_kernel = target.kernels and noise.maximum == "per_kernel"
        whole = None if by_kernel else noise.scale * maximum(clean, "per_layer")
        bounds = _bounds(clean, generator)
        size = max(clean[first:last].numel() for first, last in bounds)
        drawn = scratch.take("numbers", size, clean.dtype, generator.device)
        magnitudes = scratch.take("magnitudes", size if by_kernel else 0, clean.dtype, clean.device)
        for first, last in bounds:
            part = clean[first:last]
            numbers = (
                drawn[: part.numel()].view(part.shape).normal_(generator=generator).clamp_(-noise.clip, noise.clip)
            )
            sigma = _kernel_maxima(part, magnitudes).mul_(noise.scale) if whole is None else whole
            yield room[first:last], numbers.mul_(sigma), part


def _kernel_maxima(weight: Tensor, room: Tensor) -> Tensor:
    if weight.device.type != "cpu" or not weight.is_contiguous():
        return maximum(weight)
    magnitudes = torch.abs(weight, out=room[: weight.numel()].view(weight.shape)).view(1, 1, -1)
    # Half the time of `amax` over so few neighbours.
    found = torch.nn.functional.max_pool1d(magnitudes, weight.shape[2:].numel())
    return found.view(*weight.shape[:2], *(1 for _ in weight.shape[2:]))


def _bounds(weight: Tensor, generator: Generator) -> list[tuple[int, int]]:
    """First rows, and rows after the last, of each piece."""
    here = weight.device.type == "cpu" == generator.device.type
    if not here or weight.dtype not in (torch.float32, torch.float64) or weight.numel() <= _PIECE:
        return [(0, len(weight))]
    row = weight[0].numel()
    whole_blocks = _BLOCK // math.gcd(row, _BLOCK)
    rows = max(_PIECE // row // whole_blocks, 1) * whole_blocks
    starts = list(range(0, len(weight), rows))
    if len(starts) > 1 and (len(weight) - starts[-1]) * row < _BLOCK:
        del starts[-1]  # fewer numbers than a block are drawn in another way
    return list(zip(starts, [*starts[1:], len(weight)], strict=True))
