"""`augmix`: AugMix on whole batches, beside torchvision's transform, which takes one image at a time.

Both have severity 3, three chains of one to three operations each, and the nine operations that resemble no
corruption. One thread, and on a CPU its own time; the two take turns.
"""

import statistics
import time
from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

from benchmarks.rows import Row, row
from benchmarks.threads import one_thread
from trainables.perturbations.augmix.draws import AugMixOptions
from trainables.perturbations.augmix.mixing import augmix

TIMES_FASTER: Final = 5.0
REPEATS: Final = 15
BATCHES: Final = {64: (256, 32), 224: (32, 4)}
"""Images of a batch of ours and images that the peer takes in its turn, by their side."""


def rows(device: str) -> list[Row]:
    """One row for images of 64 x 64, one for 224 x 224; microseconds an image, medians of the turns."""
    with one_thread():
        return [_row(side, ours, peers, device) for side, (ours, peers) in BATCHES.items()]


def _row(side: int, ours: int, peers: int, device: str) -> Row:
    from torchvision.transforms import v2

    images = _images(ours, side).to(device)
    numbers = torch.Generator().manual_seed(0)
    peer = v2.AugMix(severity=3, mixture_width=3, chain_depth=-1, all_ops=False)
    turns: dict[str, tuple[int, Callable[[], object]]] = {
        "ours": (ours, lambda: augmix(images, AugMixOptions(), numbers)),
        "peer": (peers, lambda: [peer(image) for image in images[:peers]]),
    }
    times: dict[str, list[float]] = {name: [] for name in turns}
    for repeat in range(REPEATS + 1):
        for name, (count, turn) in turns.items():
            seconds = _seconds(turn, device)
            if repeat:  # the first turn of each waits for memory
                times[name].append(seconds / count * 1e6)
    mine, other = statistics.median(times["ours"]), statistics.median(times["peer"])
    target = f"at least {TIMES_FASTER:g} times faster" if side == 64 and device == "cpu" else "none stated"
    return row(f"augmix: {side} x {side}, {device}, 1 thread", mine, other, "µs an image", other / mine, target)


def _images(count: int, side: int) -> Tensor:
    """Smooth noise, so that no value is rare."""
    coarse = torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.interpolate(coarse, (side, side), mode="bicubic").clamp_(0, 1).mul_(255).to(torch.uint8)


def _seconds(turn: Callable[[], object], device: str) -> float:
    # The time of this thread alone, where it does all the work: what else the machine does then counts for less.
    clock = time.thread_time if device == "cpu" else time.perf_counter
    started = clock()
    turn()
    if device != "cpu":
        torch.cuda.synchronize()
    return clock() - started
