"""`fooling`: fooling images in a batch that finished ones leave, beside a loop over single images.

ResNet-18 of full width with ImageNet's stem at 64 x 64, one thread, see `attacked_net`. The peer is the plain loop on
the network as it comes: forward, check, step, and the rounded image checked in the end, its parameters asking for no
gradient. Ours looks at all images in each turn, the peer at the next 64 of them.
"""

from functools import partial
from typing import Final

import torch
from torch import Tensor

from benchmarks.attacked_net import SIDE, Attacked, attacked, seconds
from benchmarks.rows import Row, row
from benchmarks.threads import one_thread
from trainables.perturbations.fooling import FoolingOptions, fooling_images

TIMES_FASTER: Final = 5.0
SAME: Final = 0.98
RATE: Final = 3.0
REFERENCE: Final = 224
STEPS: Final = 100
IMAGES: Final = 256
PEERS: Final = 64
BATCH: Final = {"cpu": 64, "cuda": 256}


def rows(device: str) -> list[Row]:
    """Images a second in float32 and in bfloat16, and the share of images that take as many steps as the peer's."""
    with one_thread():
        return _rows(attacked(IMAGES, device), device)


def _rows(given: Attacked, device: str) -> list[Row]:
    taken = {precision: _ours(given, precision, device) for precision in ("float32", "bfloat16")}  # once to warm up
    spent = dict.fromkeys((*taken, "peer"), 0.0)
    steps = _peer(given, range(2), device)[:0]
    for begin in range(0, IMAGES, PEERS):
        seconds_spent, more = seconds(partial(_peer, given, range(begin, begin + PEERS), device), device)
        spent["peer"] += seconds_spent
        steps += more
        for precision in taken:
            spent[precision] += seconds(partial(_ours, given, precision, device), device)[0]
    peer = IMAGES / spent["peer"]
    rates = {precision: IMAGES * IMAGES / PEERS / spent[precision] for precision in taken}
    same = float((taken["float32"] == torch.tensor(steps)).double().mean())
    tail = f"ResNet-18, 64 x 64, {device}, 1 thread"
    aim = f"at least {TIMES_FASTER:g} times faster"
    return [
        row(f"fooling: float32, {tail}", rates["float32"], peer, "images/s", rates["float32"] / peer, aim),
        row(f"fooling: bfloat16, {tail}", rates["bfloat16"], peer, "images/s", rates["bfloat16"] / peer, aim),
        row("fooling: as many steps as the peer, float32", same, None, "share", same / SAME, f"at least {SAME}"),
    ]


def _ours(given: Attacked, precision: str, device: str) -> Tensor:
    options = FoolingOptions(RATE, REFERENCE, iterations=STEPS, batch=BATCH[device], precision=precision)
    made = fooling_images(
        given.net, given.images, given.labels, given.targets, given.normalisation, options, torch.arange(IMAGES)
    )
    return made.steps


def _peer(given: Attacked, rows: range, device: str) -> list[int]:
    given.net.requires_grad_(False)
    return [_loop(given, row, device) for row in rows]


def _loop(given: Attacked, row: int, device: str) -> int:
    target = int(given.targets[row])
    length = RATE * SIDE / REFERENCE
    point = given.normalisation.of(given.images[row : row + 1].to(device)).contiguous()
    for steps in range(STEPS):
        point = point.detach().requires_grad_()
        scores = given.net(point)
        if int(scores.argmax()) == target and _fools(given, point, target):
            return steps
        scores[0, target].backward()
        assert point.grad is not None
        point = point + length * point.grad / point.grad.norm()
    return STEPS


@torch.no_grad()
def _fools(given: Attacked, point: Tensor, target: int) -> bool:
    rounded = given.normalisation.pixels(point)
    return int(given.net(given.normalisation.of(rounded).contiguous()).argmax()) == target
