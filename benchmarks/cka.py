"""`cka`: the likeness of all layers of two ResNet-18 for one batch, beside torch_cka 0.21.

Both nets are of full width with ImageNet's stem at 64 x 64 and 64 images, one thread. The peer is given the same 21
convolutional and linear layers; it takes Gram matrices anew for every pair of them, and a third pass of the same
estimator for each net with itself, which ours does too. The last row says how far apart both end: the peer does not
centre its features, and random nets have means far from zero.
"""

import contextlib
import io
import statistics
import warnings
from typing import Any, Final

import torch
from torch import Tensor, nn

from analysis.explain.alignment import cka_table
from analysis.explain.layers import layers_of
from benchmarks.attacked_net import seconds
from benchmarks.rows import Row, row
from trainables.classification.options import ClassificationOptions
from trainables.models import build
from trainables.seeds import generator

IMAGES: Final = 64
SIDE: Final = 64
REPEATS: Final = 3
NAMES: Final = ("one", "other")


def rows(device: str) -> list[Row]:
    """Seconds a batch, and how far apart both end."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _rows(device)
    finally:
        torch.set_num_threads(threads)


def _rows(device: str) -> list[Row]:
    nets = {name: _net(seed).to(device) for seed, name in enumerate(NAMES)}
    images = torch.randn(IMAGES, 3, SIDE, SIDE, generator=generator("benchmark", "cka")).to(device)
    times: dict[str, list[float]] = {"ours": [], "peer": []}
    for repeat in range(REPEATS + 1):
        spent, table = seconds(lambda: cka_table(nets, images, IMAGES), device)
        others, matrix = seconds(lambda: _peer(nets, images, device), device)
        if repeat:  # the first turn of each waits for memory
            times["ours"].append(spent)
            times["peer"].append(others)
    ours, peer = (statistics.median(each) for each in times.values())
    cross = [row["cka"] for row in table.to_pylist() if (row["net"], row["other"]) == NAMES]
    apart = float((torch.tensor(cross).reshape(matrix.shape) - matrix.double().cpu()).abs().max())
    tail = f"two ResNet-18, {IMAGES} images of {SIDE} x {SIDE}, {device}, 1 thread"
    return [
        row(f"cka: {tail}", ours, peer, "s/batch", peer / ours, "10 times torch_cka 0.21"),
        row("cka: farthest from the peer's, which does not centre", apart, None, "CKA", 1.0, "none stated"),
    ]


def _net(seed: int) -> nn.Module:
    return build(ClassificationOptions(model="resnet18"), 10, (3, SIDE, SIDE), seed)


def _peer(nets: dict[str, nn.Module], images: Tensor, device: str) -> Tensor:
    """The peer's map of both nets; it prints and warns, of layers by the hundred for one."""
    from torch_cka import CKA

    one, other = nets.values()
    names = [layer.name for layer in layers_of(one, images[:1])]
    batches: Any = [(images, torch.zeros(IMAGES))]
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        peer = CKA(one, other, *NAMES, model1_layers=names, model2_layers=names, device=device)
        peer.compare(_Batches(batches), _Batches(batches))
    found: Tensor = peer.export()["CKA"]
    return found


class _Batches(list[Any]):
    """Batches with the attribute that the peer asks a loader for."""

    dataset = "images"
