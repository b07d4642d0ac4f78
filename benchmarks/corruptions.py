"""`corruptions-224` and `corruptions-64`: all 19 corruptions at severity 3, beside imagecorruptions 1.1.2.

Both work on crops of photographs with one thread, in turn, and the time is processor time: what else the machine does
counts for neither. On a GPU it is the time of the whole table of 19 corruptions and 5 severities instead.
"""

import statistics
import time
from typing import Final

import torch
from torch import Tensor

from benchmarks.corruption_environment import DEFAULT_FOLDER, Peer, peer
from benchmarks.corruption_images import photograph_crops
from benchmarks.rows import Row, row
from benchmarks.threads import one_thread
from trainables.perturbations.corruptions import SEVERITIES, Ice, corrupt, names
from trainables.seeds import generator

SEVERITY: Final = 3
REPEATS: Final = 5
IMAGES: Final = {224: (12, 4), 64: (96, 24)}
"""Images of a repeat, ours and the peer's: its glass blur takes most of a second for one of 224x224."""
TIMES_FASTER: Final = {224: 10, 64: 8}
SLOWEST: Final = 1.2
TABLE_IMAGES: Final = 1000


def rows_at(side: int, device: str) -> list[Row]:
    """One row of the total and one of each corruption, in milliseconds an image."""
    if device != "cpu":
        return [_table_row(side, device)]
    with one_thread(), peer(DEFAULT_FOLDER) as running:
        measured = {name: _in_turn(running, name, side) for name in names()}
    ours, theirs = (sum(both[place] for both in measured.values()) for place in (0, 1))
    wanted = f"at least {TIMES_FASTER[side]}"
    total = row(f"corruptions-{side}", ours, theirs, "ms an image", theirs / ours, wanted)
    limit = f"at least {1 / SLOWEST:.2f}"
    each = [row(f"  {name}", a, b, "ms an image", b / a, limit) for name, (a, b) in measured.items()]
    return [total, *each]


def _in_turn(running: Peer, name: str, side: int) -> tuple[float, float]:
    """Median milliseconds an image, ours and the peer's."""
    few, fewer = IMAGES[side]
    images = photograph_crops(few, side)
    ours, theirs = [], []
    for repeat in range(REPEATS + 1):
        mine = _seconds(images, name, SEVERITY, running.ice) / few
        yours = running.corrupt(images[:fewer], name, SEVERITY, seed=repeat)[1] / fewer
        if repeat:  # the first round fills the caches of both
            ours.append(mine * 1000)
            theirs.append(yours * 1000)
    return statistics.median(ours), statistics.median(theirs)


def _seconds(images: Tensor, name: str, severity: int, ice: Ice | None) -> float:
    draws = generator("corruptions", name)
    started = time.process_time()
    corrupt(images, name, severity, draws, ice=ice)
    return time.process_time() - started


def _table_row(side: int, device: str) -> Row:
    images = photograph_crops(TABLE_IMAGES, side).to(device)
    for name in names():
        corrupt(images[:8], name, SEVERITY, generator(name))
    torch.cuda.synchronize()
    started = time.perf_counter()
    for name in names():
        for severity in SEVERITIES:
            corrupt(images, name, severity, generator(name, severity))
    torch.cuda.synchronize()
    seconds = time.perf_counter() - started
    name = f"corruptions-{side}, 19 x 5 of {TABLE_IMAGES} images"
    limit = 5.0
    return row(name, seconds, None, "s", limit / seconds, f"under {limit:g} s")
