"""`weight-noise`: what noise on the convolutions and batch norms of ResNet-34 adds to a training step at 64 x 64.

Batch 8, one thread, SGD with momentum; a clean step, ours and the peer's take turns, and on a CPU the time is processor
time: what else the machine does counts for none of them. The peer does as the source does: it clones every weight,
draws by a tensor of standard deviations, clamps by two more and adds; afterwards the weights are the clones.
"""

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Final

import torch
from torch import Tensor, nn

from benchmarks.rows import Row, row
from benchmarks.threads import one_thread
from trainables.models import own_randomness
from trainables.perturbations.noise_draws import WeightNoise
from trainables.perturbations.weight_noise import Perturber, noisy_weights
from trainables.seeds import generator

SIDE: Final = 64
BATCH: Final = 8
SCALE: Final = 0.1
CLIP: Final = 2.0
REPEATS: Final = 15
FRESH_SHARE: Final = 0.5
EPOCH_SHARE: Final = 0.04


def rows(device: str) -> list[Row]:
    """Shares of a clean step's time that each way of noise adds to it."""
    with one_thread():
        return _rows(device)


def _rows(device: str) -> list[Row]:
    from torchvision.models import resnet34

    with own_randomness(0, torch.device("cpu")):
        net = resnet34().to(device).train()
    images = torch.randn(BATCH, 3, SIDE, SIDE, generator=generator("weight-noise", "images")).to(device)
    labels = torch.arange(BATCH, device=device)
    spent = _medians(_ways(net, device), _step(net, images, labels), device)
    clean = spent.pop("clean")
    shares = {name: seconds / clean - 1 for name, seconds in spent.items()}
    tail = f"ResNet-34, {SIDE} x {SIDE}, batch {BATCH}, {device}, 1 thread"
    found = [row(f"weight-noise: clean step, {tail}", clean * 1000, None, "ms", 1.0, "none stated")]
    for name, limit in (("a fresh draw each step", FRESH_SHARE), ("a draw per epoch", EPOCH_SHARE)):
        aim = f"at most {limit:g} of a step more"
        found.append(row(f"weight-noise: {name}", shares[name], shares["peer"], "share", limit / shares[name], aim))
    numbers = shares["numbers"]
    return [*found, row("weight-noise: the bare random numbers", numbers, None, "share", 1.0, "none stated")]


def _ways(net: nn.Module, device: str) -> dict[str, Callable[[], AbstractContextManager[None]]]:
    perturber = Perturber(net, WeightNoise(SCALE, CLIP))
    numbers = generator("weight-noise", device=device)
    held = perturber.draw(numbers)
    return {
        "clean": contextlib.nullcontext,
        "a fresh draw each step": lambda: perturber.perturbed(numbers),
        "a draw per epoch": lambda: perturber.perturbed(held),
        "peer": lambda: _as_the_source_does(net),
        "numbers": lambda: _numbers(net, numbers),
    }


@contextlib.contextmanager
def _as_the_source_does(net: nn.Module) -> Iterator[None]:
    weights = noisy_weights(net)
    clones = {id(weight): weight.data.clone() for weight in weights}
    with torch.no_grad():
        for weight in weights:
            kept = 2 if weight.ndim > 1 else 0
            largest = weight.abs().flatten(kept).max(-1).values
            sigma = (SCALE * largest).reshape(*largest.shape, *(1,) * (weight.ndim - kept)).expand_as(weight)
            noise = torch.normal(0.0, sigma).clamp_(-CLIP * sigma, CLIP * sigma)
            weight.data += noise
    yield
    for weight in weights:
        weight.data = clones[id(weight)]


@contextlib.contextmanager
def _numbers(net: nn.Module, numbers: torch.Generator) -> Iterator[None]:
    for weight in noisy_weights(net):
        torch.empty_like(weight).normal_(generator=numbers)
    yield


def _step(net: nn.Module, images: Tensor, labels: Tensor) -> Callable[[AbstractContextManager[None]], None]:
    optimizer = torch.optim.SGD(net.parameters(), 1e-3, momentum=0.9)

    def step(noise: AbstractContextManager[None]) -> None:
        optimizer.zero_grad(set_to_none=True)
        with noise:
            loss = nn.functional.cross_entropy(net(images), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


def _medians(
    ways: dict[str, Callable[[], AbstractContextManager[None]]],
    step: Callable[[AbstractContextManager[None]], None],
    device: str,
) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in ways}
    clock = time.process_time if device == "cpu" else time.perf_counter
    for repeat in range(REPEATS + 1):
        for name, way in ways.items():
            started = clock()
            step(way())
            if device != "cpu":
                torch.cuda.synchronize()
            if repeat:  # the first turn of each waits for memory
                times[name].append(clock() - started)
    return {name: statistics.median(spent) for name, spent in times.items()}
