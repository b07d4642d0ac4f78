"""What a picture does inside networks: mean activations of every layer, and single feature maps of a few."""

import math
from collections.abc import Mapping
from typing import Final

import pyarrow as pa
import torch
from torch import Tensor, nn

from analysis.explain.layers import Layer, layers_of, watched
from analysis.explained import ACTIVATIONS_SCHEMA, FEATURE_MAPS_SCHEMA
from trainables.errors import TrainableError

SHOWN_LAYERS: Final = 4
SHOWN_CHANNELS: Final = 64
LONGEST_STRIP: Final = 16
"""Units of a layer without positions that stand in one row; more are wrapped to a square."""


def activations_table(nets: Mapping[str, nn.Module], inputs: Mapping[str, Tensor]) -> pa.Table:
    """The mean over channels of every convolutional and linear layer's output, for each net and image.

    Positions that a transformer keeps as a list of words are laid out as the square of patches they are, without the
    class word. A layer without positions is shown by its units themselves.

    Args:
        nets: by name, in evaluation mode.
        inputs: by name, one image (1, C, H, W) each as the nets take it.

    Raises:
        TrainableError: NONFINITE, naming net and layer.
    """
    rows: list[dict[str, object]] = []
    for name, net in nets.items():
        for image, pixels in inputs.items():
            for place, (layer, output) in enumerate(_outputs(name, net, pixels)):
                map_ = _mean_map(output, layer)
                shape = "x".join(map(str, output.shape[1:]))
                rows.append(
                    {"net": name, "image": image, "place": place, "layer": layer.name, "shape": shape, **_plane(map_)}
                )
    return pa.Table.from_pylist(rows, schema=ACTIVATIONS_SCHEMA)


def feature_maps_table(nets: Mapping[str, nn.Module], inputs: Mapping[str, Tensor]) -> pa.Table:
    """Up to 64 equally spaced channels of up to four equally spaced layers, for each net and image.

    Layers are chosen among those whose channels are maps: of several rows and columns.

    Args:
        nets: by name, in evaluation mode.
        inputs: by name, one image (1, C, H, W) each.

    Raises:
        TrainableError: NONFINITE, naming net and layer.
    """
    rows: list[dict[str, object]] = []
    for name, net in nets.items():
        for image, pixels in inputs.items():
            every = [(layer, _maps(output, layer)) for layer, output in _outputs(name, net, pixels)]
            mapped = [(place, layer, maps) for place, (layer, maps) in enumerate(every) if min(maps.shape[1:]) > 1]
            for chosen in spaced(len(mapped), SHOWN_LAYERS):
                place, layer, maps = mapped[chosen]
                for channel in spaced(len(maps), SHOWN_CHANNELS):
                    rows.append(
                        {
                            "net": name,
                            "image": image,
                            "place": place,
                            "layer": layer.name,
                            "channel": channel,
                            "channels": len(maps),
                            **_plane(maps[channel]),
                        }
                    )
    return pa.Table.from_pylist(rows, schema=FEATURE_MAPS_SCHEMA)


def spaced(count: int, most: int) -> list[int]:
    """Returns up to `most` of the numbers below `count`, equally spaced as far as whole ones can be, both ends in."""
    if count <= most:
        return list(range(count))
    return [round(step * (count - 1) / (most - 1)) for step in range(most)]


def _outputs(name: str, net: nn.Module, pixels: Tensor) -> list[tuple[Layer, Tensor]]:
    layers = layers_of(net, pixels)
    found: dict[int, Tensor] = {}

    def receive(place: int, output: Tensor) -> None:
        if not bool(torch.isfinite(output).all()):
            told = f"its layer {layers[place].name} gives values that are no finite numbers"
            raise TrainableError("NONFINITE", f"{name}: {told}")
        found[place] = output.to("cpu", torch.float32, copy=True)  # a layer after it may work in place

    with watched(layers, receive), torch.no_grad():
        net(pixels)
    return [(layer, found[place]) for place, layer in enumerate(layers)]


def _maps(output: Tensor, layer: Layer) -> Tensor:
    """(channels, height, width) of one image's output."""
    if layer.is_convolution:
        found = output[0]
    else:
        found = output.flatten(0, -2).T.reshape(output.shape[-1], *(output.shape[1:-1] or (1,)))
    if found.ndim == 3:
        return found
    return _patches(found.flatten(1))


def _patches(words: Tensor) -> Tensor:
    """(channels, words) as the square that they were cut from, also where a class word comes first; else as one row."""
    for first in (0, 1):
        side = math.isqrt(words.shape[1] - first)
        if side > 1 and side**2 == words.shape[1] - first:
            return words[:, first:].reshape(-1, side, side)
    return words[:, None]


def _mean_map(output: Tensor, layer: Layer) -> Tensor:
    maps = _maps(output, layer)
    if maps.shape[1:] != (1, 1):
        return maps.mean(0)
    units = maps.flatten()
    width = len(units) if len(units) <= LONGEST_STRIP else math.ceil(math.sqrt(len(units)))
    empty = torch.full((-len(units) % width,), math.nan)
    return torch.cat([units, empty]).reshape(-1, width)


def _plane(values: Tensor) -> dict[str, object]:
    return {"height": values.shape[0], "width": values.shape[1], "values": values.flatten().numpy()}
