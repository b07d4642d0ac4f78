"""`cka`: the likeness of all layers of two ResNet-18, beside torch_cka 0.21.

Both nets are of full width with ImageNet's stem at 64 x 64, batches of 64 images, one thread. The peer's default is
every module, containers included: 68 of them. It takes a Gram matrix anew for every pair; ours, one for each layer. In
the second row both have the 21 convolutional and linear layers, where most of our time is the forward passes of the
nets, which both need. The last row says how far apart both end: the peer does not centre its features.
"""

import contextlib
import copy
import io
import statistics
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Final

import torch
from torch import Tensor, nn

from analysis.explain.alignment import cka_table
from analysis.explain.layers import Layer, layers_of
from benchmarks.attacked_net import seconds
from benchmarks.rows import Row, row
from benchmarks.threads import one_thread
from trainables.classification.options import ClassificationOptions
from trainables.models import build
from trainables.seeds import generator

IMAGES: Final = 64
SIDE: Final = 64
BATCHES: Final = 3
REPEATS: Final = 3
NAMES: Final = ("one", "other")

Layers = Mapping[str, Sequence[Layer]]


def rows(device: str) -> list[Row]:
    """Seconds a batch, and how far apart both end."""
    with one_thread():
        return _rows(device)


def _rows(device: str) -> list[Row]:
    nets = {name: _net(seed).to(device) for seed, name in enumerate(NAMES)}
    images = torch.randn(BATCHES * IMAGES, 3, SIDE, SIDE, generator=generator("benchmark", "cka")).to(device)
    tail = f"two ResNet-18, {IMAGES} images of {SIDE} x {SIDE}, {device}, 1 thread"
    every = {name: [Layer(part, one, 0) for part, one in net.named_modules()] for name, net in nets.items()}
    found, apart = [], 0.0
    for kind, layers, aim in (
        ("all modules", every, "10 times torch_cka 0.21"),
        ("conv and linear", {name: layers_of(net, images[:1]) for name, net in nets.items()}, "none stated"),
    ):
        ours, peer, apart = _both(nets, layers, images, device)
        found.append(row(f"cka: {kind} of {tail}", ours, peer, "s/batch", peer / ours, aim))
    return [*found, row("cka: farthest from the peer's, which does not centre", apart, None, "CKA", 1.0, "none stated")]


def _both(nets: dict[str, nn.Module], layers: Layers, images: Tensor, device: str) -> tuple[float, float, float]:
    """Seconds a batch of ours and of the peer, and the greatest difference between both maps."""
    times: dict[str, list[float]] = {"ours": [], "peer": []}
    for repeat in range(REPEATS + 1):
        spent, table = seconds(lambda: cka_table(nets, images, IMAGES, layers), device)
        others, matrix = seconds(lambda: _peer(nets, layers, images, device), device)
        if repeat:  # the first turn of each waits for memory
            times["ours"].append(spent / BATCHES)
            times["peer"].append(others / BATCHES)
    ours, peer = (statistics.median(each) for each in times.values())
    cross = [one["cka"] for one in table.to_pylist() if (one["net"], one["other"]) == NAMES]
    apart = (torch.tensor(cross).reshape(matrix.shape) - matrix.double().cpu()).abs().max()
    return ours, peer, float(apart)


def _net(seed: int) -> nn.Module:
    return build(ClassificationOptions(model="resnet18"), 10, (3, SIDE, SIDE), seed)


def _peer(nets: dict[str, nn.Module], layers: Layers, images: Tensor, device: str) -> Tensor:
    """The peer's map of copies of both nets, whose hooks would stay; it prints, and warns of many layers."""
    one, other = (copy.deepcopy(net) for net in nets.values())
    names = [layer.name for layer in layers[NAMES[0]]]
    batches = _Batches((batch, torch.zeros(IMAGES)) for batch in torch.split(images, IMAGES))
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        peer = import_module("torch_cka").CKA(
            one, other, *NAMES, model1_layers=names, model2_layers=names, device=device
        )
        peer.compare(batches, batches)
    found: Tensor = peer.export()["CKA"]
    return found


class _Batches(list[Any]):
    """Batches with the attribute that the peer asks a loader for."""

    dataset = "images"
