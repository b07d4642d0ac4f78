"""What the benchmarks of attacks attack: torchvision's ResNet-18, whole, and images of 64 x 64.

Random weights and smooth noise: the arithmetic is that of learnt ones, and at rate 5 an image takes 9 steps.
"""

import dataclasses
import time
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn

from trainables.images import Normalisation
from trainables.models import own_randomness
from trainables.perturbations.attack import wrong_targets

Made = TypeVar("Made")

SIDE = 64
CLASSES = 10
NORMALISATION = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@dataclasses.dataclass(frozen=True)
class Attacked:
    """A network in evaluation mode, as torchvision stores it, and (N, 3, 64, 64) uint8 images, labelled by it."""

    net: nn.Module
    images: Tensor
    labels: Tensor
    targets: Tensor


def attacked(count: int, device: str) -> Attacked:
    from torchvision.models import resnet18

    with own_randomness(0, torch.device("cpu")):
        net = resnet18(num_classes=CLASSES).eval().to(device)
        coarse = torch.rand(count, 3, 8, 8)
    smooth = nn.functional.interpolate(coarse, (SIDE, SIDE), mode="bicubic")
    images = smooth.clamp_(0, 1).mul_(255).to(torch.uint8)
    with torch.no_grad():
        labels = net(NORMALISATION.of(images).to(device)).argmax(1).cpu()
    return Attacked(net, images, labels, wrong_targets(labels, CLASSES, torch.Generator().manual_seed(0)))


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
