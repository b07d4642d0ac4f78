"""How alike the layers of several networks are, as a table of CKA for each pair of networks."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations_with_replacement
from typing import Final

import pyarrow as pa
import torch
from torch import Tensor, nn

from analysis.explain.cka import LEAST, MinibatchCka, gram
from analysis.explain.layers import Layer, layers_of, watched
from analysis.explained import CKA_SCHEMA
from trainables.errors import TrainableError

BATCH: Final = 64


def cka_table(
    nets: Mapping[str, nn.Module],
    inputs: Tensor,
    batch: int = BATCH,
    chosen: Mapping[str, Sequence[Layer]] | None = None,
) -> pa.Table:
    """CKA of each layer of a net with each layer of another, and of the same one, for every pair of nets.

    All nets see the same batches. Rows of a pair are by the layers of the first, then of the second, each in the order
    in which they compute.

    Args:
        nets: by name, in evaluation mode.
        inputs: (N, C, H, W) as the nets take them; a last batch of fewer than `LEAST` is left out.
        batch: images at a time, at least `LEAST`.
        chosen: layers of each net; None means every convolutional and linear one.

    Raises:
        TrainableError: NONFINITE, naming net and layer; SET_TOO_SMALL for fewer than `LEAST` images.
    """
    if len(inputs) < LEAST:
        raise TrainableError("SET_TOO_SMALL", f"CKA needs {LEAST} images at least, and {len(inputs)} came")
    layers = chosen or {name: layers_of(net, inputs[:1]) for name, net in nets.items()}
    whole = _aligned(nets, layers, torch.split(inputs, max(batch, LEAST)))
    starts = dict(zip(layers, _running([len(found) for found in layers.values()]), strict=False))
    rows: dict[str, list[object]] = {name: [] for name in CKA_SCHEMA.names}
    for first, second in combinations_with_replacement(nets, 2):
        for up, one in enumerate(layers[first]):
            for across, other in enumerate(layers[second]):
                value = float(whole[starts[first] + up, starts[second] + across])
                for column, cell in zip(
                    CKA_SCHEMA.names, (first, second, up, across, one.name, other.name, value), strict=True
                ):
                    rows[column].append(cell)
    return pa.table(rows, schema=CKA_SCHEMA)


def _aligned(nets: Mapping[str, nn.Module], layers: Mapping[str, Sequence[Layer]], batches: Sequence[Tensor]) -> Tensor:
    alignment = MinibatchCka(sum(len(found) for found in layers.values()))
    for images in batches:
        if len(images) >= LEAST:
            alignment.add([one for name, net in nets.items() for one in _grams(name, net, layers[name], images)])
    return alignment.matrix()


def _grams(name: str, net: nn.Module, layers: Sequence[Layer], images: Tensor) -> list[Tensor]:
    """Features are let go as soon as their Gram matrix is taken: those of a whole net would fill the memory."""
    found: dict[int, Tensor] = {}
    before: tuple[int, Tensor, int] | None = None  # kept, so that no other output can lie where it lay

    def receive(place: int, output: Tensor) -> None:
        nonlocal before
        if before is not None and _same(output, *before[1:]):
            found[place] = found[before[0]]  # a container gives what its last part gave
            return
        found[place] = gram(output.reshape(len(images), -1))
        before = place, output, output._version
        if not bool(torch.isfinite(found[place]).all()):
            raise TrainableError(
                "NONFINITE", f"{name}: its layer {layers[place].name} gives values that are no finite numbers"
            )

    with watched(layers, receive), torch.no_grad():
        net(images)
    return [found[place] for place in range(len(layers))]


def _same(output: Tensor, before: Tensor, version: int) -> bool:
    """Whether an output is the one of before, which nothing has changed in place since it had that version."""
    at = (output.data_ptr(), output.shape, output.stride(), output._version)
    return at == (before.data_ptr(), before.shape, before.stride(), version)


def _running(counts: Sequence[int]) -> Iterator[int]:
    total = 0
    for count in counts:
        yield total
        total += count
