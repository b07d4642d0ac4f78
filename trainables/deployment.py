"""A trained network as others use it: it takes images as they are stored, and needs nothing of this project."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from trainables.data.facts import facts_of, normalisation
from trainables.data.store import read_images

EXAMPLES = 2
"""Images of an example: with one alone, an exported graph would take no other number."""


class Deployed(nn.Module):
    """Class scores of uint8 images (N, C, H, W): the normalisation of the training images, then the network.

    Args:
        net: a trained network; it moves to the CPU.
        data: folder of the prepared data set that it was trained on.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, net: nn.Module, data: Path) -> None:
        super().__init__()
        norm = normalisation(data)
        self.net = net.cpu()
        self.register_buffer("mean", torch.tensor(norm.mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(norm.std).view(1, -1, 1, 1))
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        """Returns the scores before softmax, (N, classes) or (N, classes, H, W)."""
        # As `Normalisation.of`, and stored channels last as there, so that every bit is the trial's own.
        pixels = images.to(torch.float32).contiguous(memory_format=torch.channels_last).div(255)
        scores: Tensor = self.net(pixels.sub(self.mean).div(self.std))
        return scores


def example(data: Path) -> Any:
    """Returns the first validation images of a prepared data set, a NumPy array of uint8 (2, C, H, W)."""
    return read_images(data / "validation.arrow").images[:EXAMPLES].clone().numpy()


def outputs(deployed: Deployed, images: Any) -> Any:
    """Returns what it says of such images, a NumPy array of float32."""
    with torch.no_grad():
        return deployed(torch.from_numpy(images)).numpy()


def classes(data: Path) -> list[str]:
    """Returns the names of the classes, in the order of the scores."""
    return [str(name) for name in facts_of(data)["classes"]]
