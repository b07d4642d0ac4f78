"""The fixed net under which corrupted images are compared: small, trained once, read from its file afterwards.

It trains on our corruptions. A net that has seen none only guesses under fog and frost, and guesses differ by chance.
"""

from pathlib import Path
from typing import Final

import torch
from safetensors.torch import load_file, save_file
from torch import Generator, Tensor, nn

from benchmarks.corruption_images import digits_on_photographs
from trainables.perturbations.corruptions import corrupt, names
from trainables.seeds import derive, generator

TRAINING_IMAGES: Final = 6000
EPOCHS: Final = 20
BATCH: Final = 64


def trained_net(path: Path, side: int) -> nn.Module:
    """The net in evaluation mode; it is trained, and written to `path`, where that does not exist."""
    with torch.random.fork_rng():
        torch.manual_seed(derive("fidelity net") % 2**32)
        net = _net()
    if path.exists():
        net.load_state_dict(load_file(path))
    else:
        _train(net, *digits_on_photographs("train", TRAINING_IMAGES, side))
        save_file(net.state_dict(), path)
    return net.eval()


@torch.no_grad()
def predicted(net: nn.Module, images: Tensor) -> Tensor:
    """(N,) classes."""
    return torch.cat([net(_inputs(batch)).argmax(1) for batch in torch.split(images, 250)])


def _net() -> nn.Module:
    layers: list[nn.Module] = []
    for before, after in ((3, 16), (16, 32), (32, 64), (64, 64)):
        layers += [nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(256, 10))


def _train(net: nn.Module, images: Tensor, labels: Tensor) -> None:
    draws = generator("fidelity training")
    steps = EPOCHS * (len(images) // BATCH)
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for _ in range(EPOCHS):
        order = torch.randperm(len(images), generator=draws)
        for batch in torch.split(order[: len(order) // BATCH * BATCH], BATCH):
            loss = nn.functional.cross_entropy(net(_inputs(_mostly_corrupted(images[batch], draws))), labels[batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()


def _mostly_corrupted(images: Tensor, draws: Generator) -> Tensor:
    """Three quarters under a corruption each, a quarter as it is."""
    parts = list(images.chunk(4))
    for part in (1, 2, 3):
        name = names()[int(torch.randint(len(names()), (), generator=draws))]
        severity = int(torch.randint(1, 6, (), generator=draws))
        parts[part] = corrupt(parts[part], name, severity, draws)
    return torch.cat(parts)


def _inputs(images: Tensor) -> Tensor:
    return images.float().div_(255).sub_(0.5).mul_(4)
