"""Asks an exported network what it sees: `python example.py [IMAGE ...]`, without images its own examples.

It needs PyTorch, torchvision and the package robustune, and nothing else than the folder that it lies in.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from trainables import exported
from trainables.deployment import classes
from trainables.errors import TrainableError


def main(paths: Sequence[str]) -> None:
    """Prints what the network says of image files, or of the exported examples."""
    folder = Path(__file__).parent
    network = exported.load(folder)  # a torch.nn.Module; it takes uint8 images (N, C, H, W) as they are stored
    if paths:
        images, before = torch.cat([exported.image(folder, Path(path)) for path in paths]), None
    else:
        images, before = exported.examples(folder)
    with torch.no_grad():
        scores = network(images)  # before softmax: (N, classes), of a segmentation (N, classes, H, W)
    names = paths or [f"example {number}" for number in range(len(images))]
    for name, one in zip(names, scores.softmax(1), strict=True):
        print(f"{name}: {told(one, classes(folder))}")
    if before is not None:
        print(f"largest difference from the scores at the export: {float((scores - before).abs().max()):.3g}")


def told(probabilities: Tensor, names: Sequence[str]) -> str:
    """The likeliest class with its probability, or the share of pixels of each class that is predicted."""
    if probabilities.ndim == 1:
        best = int(probabilities.argmax())
        return f"{names[best]} ({float(probabilities[best]):.1%})"
    shares = probabilities.argmax(0).flatten().bincount(minlength=len(names)) / probabilities[0].numel()
    order = shares.argsort(descending=True).tolist()
    return ", ".join(f"{names[place]} {float(shares[place]):.1%}" for place in order if shares[place] > 0)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except TrainableError as error:
        sys.exit(f"{error.code}: {error}")
