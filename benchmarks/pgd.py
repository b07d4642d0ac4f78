"""`pgd`: ten steps of projected gradient descent, beside torchattacks.

ResNet-18 of full width with ImageNet's stem at 64 x 64, one thread, see `attacked_net`. Both start at the same images,
take the same steps of 2/255 within 8/255. Ours walks on the frozen copy of the network, whose making counts; its last
bits differ, and where a gradient is next to nothing so does its sign. On one and the same network both agree to 1e-5,
which is a test. The second row is the attack of `pgd_accuracy`, which leaves alone what is fooled already.
"""

import statistics
from collections.abc import Callable
from typing import Any, Final

from torch import Tensor, nn

from benchmarks.attacked_net import Attacked, attacked, seconds
from benchmarks.rows import Row, row
from benchmarks.threads import one_thread
from trainables.images import Normalisation
from trainables.perturbations.frozen import frozen
from trainables.perturbations.pgd import pgd, pgd_until_fooled

EPSILON: Final = 8 / 255
STEP: Final = 2 / 255
STEPS: Final = 10
IMAGES: Final = 64
REPEATS: Final = 7
NEAR: Final = 1e-5


class _Normalised(nn.Module):
    def __init__(self, net: nn.Module, normalisation: Normalisation) -> None:
        super().__init__()
        self.net, self.normalisation = net, normalisation

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.net(self.normalisation.of_floats(images))
        return scores


def rows(device: str) -> list[Row]:
    """Images a second, and how far apart both end."""
    with one_thread():
        return _rows(attacked(IMAGES, device), device)


def _rows(given: Attacked, device: str) -> list[Row]:
    import torchattacks

    images, labels = (given.images / 255).to(device), given.labels.to(device)
    given.net.requires_grad_(False)
    peer = torchattacks.PGD(
        _Normalised(given.net, given.normalisation), eps=EPSILON, alpha=STEP, steps=STEPS, random_start=False
    )
    turns: dict[str, Callable[[], Any]] = {
        "plain": lambda: pgd(_scores(given, images), images, labels, EPSILON, STEPS, None, STEP),
        "peer": lambda: peer(images, labels),
        "early": lambda: pgd_until_fooled(_scores(given, images), images, labels, EPSILON, STEPS, None, STEP),
    }
    times: dict[str, list[float]] = {name: [] for name in turns}
    ends: dict[str, Any] = {}
    for repeat in range(REPEATS + 1):
        for name, turn in turns.items():
            spent, ends[name] = seconds(turn, device)
            if repeat:  # the first turn of each waits for memory
                times[name].append(spent)
    rates = {name: IMAGES / statistics.median(spent) for name, spent in times.items()}
    same = float(((ends["plain"] - ends["peer"]).abs() <= NEAR).double().mean())
    tail = f"ResNet-18, 64 x 64, {device}, 1 thread"
    aim = "at least as fast as torchattacks"
    return [
        row(f"pgd: 10 steps, {tail}", rates["plain"], rates["peer"], "images/s", rates["plain"] / rates["peer"], aim),
        row(
            f"pgd: until fooled, {tail}", rates["early"], rates["peer"], "images/s", rates["early"] / rates["peer"], aim
        ),
        row(f"pgd: values within {NEAR:g} of the peer's", same, None, "share", same, "none stated"),
    ]


def _scores(given: Attacked, images: Tensor) -> nn.Module:
    return _Normalised(frozen(given.net, images[:1]), given.normalisation)
