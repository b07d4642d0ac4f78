"""What the benchmarks of attacks attack: torchvision's ResNet-18, whole, and images of 64 x 64.

It has learnt the embedded digits, enlarged to that side, for two epochs, in half a minute, about two thirds of
them. With random weights a plain batch and a loop already part ways in one image of 25, whose scores
nearly tie; here at rate 3 an image takes 9 steps.
"""

import dataclasses
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from trainables.data.registry import build
from trainables.data.store import read_images
from trainables.images import Normalisation
from trainables.models import own_randomness
from trainables.perturbations.attack import wrong_targets

Made = TypeVar("Made")

SIDE = 64
CLASSES = 10
EPOCHS = 2
BATCH = 32
LEARNING_RATE = 1e-3


@dataclasses.dataclass(frozen=True)
class Attacked:
    """A network in evaluation mode, stored as torchvision does, and uint8 images that it classifies correctly."""

    net: nn.Module
    images: Tensor
    labels: Tensor
    targets: Tensor
    normalisation: Normalisation


def attacked(count: int, device: str) -> Attacked:
    """Trains the network on the CPU; images are (count, 3, 64, 64)."""
    from torchvision.models import resnet18

    with tempfile.TemporaryDirectory() as folder:
        build("embedded-digits", Path(folder))
        facts = json.loads((Path(folder) / "data.json").read_text())
        found = read_images(Path(folder) / "train.arrow")
    labels, normalisation = found.labels, Normalisation.read(facts["mean"], facts["std"])
    large = nn.functional.interpolate(found.images.float(), (SIDE, SIDE), mode="bilinear")
    images = large.round_().to(torch.uint8)
    with own_randomness(0, torch.device("cpu")):
        net = resnet18(num_classes=CLASSES).to(memory_format=torch.channels_last)
        _train(net, images, labels, normalisation)
    net = net.to(memory_format=torch.contiguous_format).eval()
    with torch.no_grad():
        able = (net(normalisation.of(images)).argmax(1) == labels).nonzero().squeeze(1)[:count]
    assert len(able) == count, f"only {len(able)} images are classified correctly"
    targets = wrong_targets(labels[able], CLASSES, torch.Generator().manual_seed(0))
    return Attacked(net.to(device), images[able], labels[able], targets, normalisation)


def _train(net: nn.Module, images: Tensor, labels: Tensor, normalisation: Normalisation) -> None:
    optimizer = torch.optim.AdamW(net.parameters(), LEARNING_RATE)
    for _ in range(EPOCHS):
        for rows in torch.split(torch.randperm(len(images)), BATCH):
            with torch.autocast("cpu", torch.bfloat16):
                scores = net(normalisation.of(images[rows]))
            loss = nn.functional.cross_entropy(scores.float(), labels[rows])
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()


def seconds(turn: Callable[[], Made], device: str) -> tuple[float, Made]:
    """How long a turn takes, and what it makes.

    On a CPU it is the time of this thread alone, which does all the work: what else the machine does counts for less.
    """
    clock = time.thread_time if device == "cpu" else time.perf_counter
    started = clock()
    made = turn()
    if device != "cpu":
        torch.cuda.synchronize()
    return clock() - started, made
