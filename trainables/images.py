"""From stored pixels to what a network sees, and back."""

import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor


@dataclasses.dataclass(frozen=True)
class Normalisation:
    """Per-channel normalisation (x - mean) / std of pixel values in [0, 1]; `of` and `pixels` are each other's inverse.

    Attributes:
        mean: of each channel.
        std: of each channel, above 0.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def read(cls, mean: Sequence[float], std: Sequence[float]) -> "Normalisation":
        """Of plain data."""
        return cls(tuple(mean), tuple(std))

    def of(self, images: Tensor) -> Tensor:
        """Network input of uint8 images (N, C, H, W), as new float32, stored channels last."""
        pixels = images.to(torch.float32, memory_format=torch.channels_last).div_(255)
        mean, std = self._channels(pixels)
        # In place: new memory for each step takes twice as long on a CPU, a tenth of a thin network's own time.
        return pixels.sub_(mean).div_(std)

    def of_floats(self, images: Tensor) -> Tensor:
        """Network input of images in [0, 1]; differentiable."""
        mean, std = self._channels(images)
        return (images - mean) / std

    def pixels(self, inputs: Tensor) -> Tensor:
        """uint8 images of network inputs: clipped to valid pixels, then rounded."""
        return self.floats(inputs).mul_(255).round_().clamp_(0, 255).to(torch.uint8)

    def floats(self, inputs: Tensor) -> Tensor:
        """Images in [0, 1] of network inputs, as new floats; neither clipped nor rounded."""
        mean, std = self._channels(inputs)
        return inputs * std + mean

    def _channels(self, like: Tensor) -> tuple[Tensor, Tensor]:
        mean = torch.tensor(self.mean, dtype=torch.float32, device=like.device)[:, None, None]
        return mean, torch.tensor(self.std, dtype=torch.float32, device=like.device)[:, None, None]
