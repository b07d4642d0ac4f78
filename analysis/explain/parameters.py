"""The weights of networks: histograms of the layers that differ most between ways of training, and filters."""

from collections.abc import Iterator, Mapping
from typing import Final

import pyarrow as pa
import torch
from torch import Tensor, nn

from analysis.explain.activations import spaced
from analysis.explain.layers import Layer, layers_of
from analysis.explained import FILTERS_SCHEMA, WEIGHTS_SCHEMA
from trainables.errors import TrainableError

BINS: Final = 60
FEWEST_BINS: Final = 10
VALUES_A_BIN: Final = 6
"""That a layer must have for more bins than the fewest."""
SHOWN_FILTERS: Final = 64
ROLES: Final = ("first", "last", "norm", "down-sampling")
_NORMS: Final = (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm)

_Found = tuple[str, str, str, Tensor]


def weights_table(nets: Mapping[str, nn.Module], inputs: Tensor) -> pa.Table:
    """Counts of weights and biases in up to 60 bins, of the first, the last, the norm and the down-sampling layers.

    Down-sampling are convolutions with a stride beyond the first layer, and those on a shortcut that is called so. Bins
    of a role and a part are the same in all nets and layers: from the least to the greatest value.

    Args:
        nets: by name.
        inputs: one image (1, C, H, W), by which the order of layers is found.

    Raises:
        TrainableError: NONFINITE, naming net and layer.
    """
    every = {name: list(_parameters(name, net, inputs)) for name, net in nets.items()}
    alike: dict[tuple[str, str], list[Tensor]] = {}
    for found in every.values():
        for role, _, part, values in found:
            alike.setdefault((role, part), []).append(values)
    bins = {kind: _bins(values) for kind, values in alike.items()}
    rows = []
    for name, found in every.items():
        for role, layer, part, values in found:
            low, high, count = bins[role, part]
            counts = torch.histc(values.double(), count, low, high).long().tolist()
            rows.append(
                {"net": name, "role": role, "layer": layer, "part": part, "low": low, "high": high, "counts": counts}
            )
    return pa.Table.from_pylist(rows, schema=WEIGHTS_SCHEMA)


def filters_table(nets: Mapping[str, nn.Module], inputs: Tensor) -> pa.Table:
    """Up to 64 equally spaced filters of the first convolution, and as many of a deep one, for each net.

    The first layer's have the colours that it sees. A deep filter is one kernel, of an output and an input that are
    spaced alike; the deep layer is the last convolution of more than one pixel before the output layer. A net without
    such a layer has no rows of it.

    Args:
        nets: by name.
        inputs: one image (1, C, H, W), by which the order of layers is found.
    """
    rows: list[dict[str, object]] = []
    for name, net in nets.items():
        convolutions = [layer for layer in layers_of(net, inputs) if isinstance(layer.module, nn.Conv2d)]
        if convolutions:
            rows += _first(name, convolutions[0])
        head = layers_of(net, inputs)[-1]
        deep = [layer for layer in convolutions[1:] if max(_kernel(layer).shape[2:]) > 1 and layer.name != head.name]
        if deep:
            rows += _deep(name, deep[-1])
    return pa.Table.from_pylist(rows, schema=FILTERS_SCHEMA)


def _parameters(name: str, net: nn.Module, inputs: Tensor) -> Iterator[_Found]:
    layers = layers_of(net, inputs)
    chosen = [("first", layers[0].name, layers[0].module), ("last", layers[-1].name, layers[-1].module)]
    chosen += [("norm", found, module) for found, module in net.named_modules() if isinstance(module, _NORMS)]
    chosen += [("down-sampling", layer.name, layer.module) for layer in layers[1:] if _samples_down(layer)]
    for role, layer, module in chosen:
        for part in ("weight", "bias"):
            values = getattr(module, part, None)
            if isinstance(values, Tensor):
                if not bool(torch.isfinite(values).all()):
                    raise TrainableError("NONFINITE", f"{name}: {layer}.{part} has values that are no finite numbers")
                yield role, layer, part, values.detach().cpu().flatten()


def _samples_down(layer: Layer) -> bool:
    strides = max(layer.module.stride) if isinstance(layer.module, nn.Conv2d) else 1
    return strides > 1 or "downsample" in layer.name


def _bins(alike: list[Tensor]) -> tuple[float, float, int]:
    """Both ends, moved apart where all values are one, and how many bins."""
    low, high = min(float(values.min()) for values in alike), max(float(values.max()) for values in alike)
    most = max(values.numel() for values in alike)
    count = min(BINS, max(FEWEST_BINS, most // VALUES_A_BIN))
    room = 0.5 * abs(low) or 0.5
    return (low, high, count) if low < high else (low - room, high + room, count)


def _kernel(layer: Layer) -> Tensor:
    weight = layer.module.weight
    assert isinstance(weight, Tensor)
    return weight.detach().cpu().float()


def _first(name: str, layer: Layer) -> Iterator[dict[str, object]]:
    kernel = _kernel(layer)
    kernel = kernel if kernel.shape[1] == 3 else kernel.mean(1, keepdim=True)
    for number in spaced(len(kernel), SHOWN_FILTERS):
        yield _row(name, "first", layer, number, 0, kernel[number])


def _deep(name: str, layer: Layer) -> Iterator[dict[str, object]]:
    kernel = _kernel(layer)
    outputs = spaced(len(kernel), SHOWN_FILTERS)
    for place, number in enumerate(outputs):
        source = round(place * (kernel.shape[1] - 1) / max(1, len(outputs) - 1))
        yield _row(name, "deep", layer, number, source, kernel[number, source][None])


def _row(name: str, depth: str, layer: Layer, number: int, source: int, values: Tensor) -> dict[str, object]:
    return {
        "net": name,
        "depth": depth,
        "layer": layer.name,
        "filter": number,
        "input": source,
        "height": values.shape[1],
        "width": values.shape[2],
        "colours": values.shape[0],
        "values": values.flatten().numpy(),
    }
