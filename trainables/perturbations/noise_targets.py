"""Which weights noise reaches: by the type of their layer and by name."""

import dataclasses
import difflib
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm, _NormBase
from torch.nn.modules.conv import _ConvNd

from trainables.errors import TrainableError

_LAYERS: Final[Mapping[str, tuple[type[nn.Module], ...]]] = {
    "conv": (_ConvNd,),
    "batch_norm": (_BatchNorm,),
    "norm": (_NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm),
    "linear": (nn.Linear, nn.MultiheadAttention),
}
LAYERS: Final = tuple(_LAYERS)
"""Types of layers, as a target names them; `norm` has all norms, batch norm among them."""

_PROJECTIONS: Final = ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")
_PACKED: Final = "in_proj_weight"


@dataclasses.dataclass(frozen=True)
class Targets:
    """The weights of layers of some types whose names match; never a bias.

    Attributes:
        layers: of LAYERS. The source has noise on convolutions and batch norms.
        names: patterns as of a shell, held against names such as `layer1.0.conv1.weight`; one that matches is enough.
    """

    layers: tuple[str, ...] = ("conv", "batch_norm")
    names: tuple[str, ...] = ("*",)

    def __post_init__(self) -> None:
        for name in self.layers:
            if name not in _LAYERS:
                raise TrainableError(
                    "OPTION_INVALID", f"noise targets: {name!r} is no type of layer; there is {', '.join(LAYERS)}"
                )


BY_DEFAULT: Final = Targets()
"""The source's, for every net of images."""


@dataclasses.dataclass(frozen=True, eq=False)
class NoisyWeight:
    """One parameter that noise reaches, however many modules share it.

    Attributes:
        name: the first of its names in the net.
        weight: the parameter.
        kernels: whether it is a convolution's, so that it has a kernel for each pair of its first two dimensions.
        layers: how many layers' weights it packs along its first dimension, of one size: 3 for the projections of an
            attention, otherwise 1.
        viewed: whether a backward pass may read it through a view (as that of a linear layer, which keeps the
            transposed one) and not through the parameter itself.
    """

    name: str
    weight: nn.Parameter
    kernels: bool
    layers: int
    viewed: bool

    def blocks(self, values: Tensor) -> list[Tensor]:
        """Views of the weights of each layer in values of the parameter's shape."""
        return list(values.chunk(self.layers)) if self.layers > 1 else [values]


def reached(net: nn.Module, targets: Targets) -> tuple[NoisyWeight, ...]:
    """Weights that match, in the order of the net's modules, each once also where modules share it."""
    types = tuple(kind for name in targets.layers for kind in _LAYERS[name])
    found: dict[tuple[int, int], NoisyWeight] = {}
    for weight, layer in _weights(net):
        named = any(fnmatchcase(weight.name, pattern) for pattern in targets.names)
        if named and isinstance(layer, types):
            found.setdefault((memory(weight.weight), weight.weight.data_ptr()), weight)
    return tuple(found.values())


def memory(weight: Tensor) -> int:
    """Where the storage lies that a tensor is a view of; tensors of one storage give the same."""
    return weight.untyped_storage().data_ptr()


def check(nets: Mapping[str, nn.Module], targets: Targets, prefix: str = "noise") -> dict[str, int]:
    """How many weights of each net targets reach, if each type of layer and each pattern reaches one in some net.

    Args:
        nets: by what a message calls them.
        targets: of noise in any of them.
        prefix: with which the names of the options begin that say the targets.

    Raises:
        TrainableError: OPTION_INVALID, naming all that reach nothing, and nets that they do not reach at all.
    """
    missed = [
        f"{prefix}_targets: no {layer} layer has a weight that the patterns {_listed(targets.names)} match"
        for layer in targets.layers
        if not _reached_in_some(nets, dataclasses.replace(targets, layers=(layer,)))
    ]
    missed += [
        f"{prefix}_names: {pattern!r} matches no weight of these layers ({_listed(targets.layers)}) in "
        f"{', '.join(nets)}{_nearest(nets, targets.layers, pattern)}"
        for pattern in targets.names
        if not _reached_in_some(nets, dataclasses.replace(targets, names=(pattern,)))
    ]
    counts = {name: len(reached(net, targets)) for name, net in nets.items()}
    unreached = [name for name, count in counts.items() if not count]
    if unreached and not missed:
        missed.append(f"{prefix}_names: {_listed(targets.names)} match no weight of {', '.join(unreached)}")
    if missed:
        raise TrainableError("OPTION_INVALID", "; ".join(missed))
    return counts


def check_asked(nets: Mapping[str, nn.Module], asked: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """What `check` finds of each of several targets, told as plain data, by their prefix.

    Raises:
        TrainableError: OPTION_INVALID.
    """
    return {
        each["prefix"]: check(nets, Targets(tuple(each["targets"]), tuple(each["names"])), each["prefix"])
        for each in asked
    }


def _reached_in_some(nets: Mapping[str, nn.Module], targets: Targets) -> bool:
    return any(reached(net, targets) for net in nets.values())


def _nearest(nets: Mapping[str, nn.Module], layers: tuple[str, ...], pattern: str) -> str:
    there = [weight.name for net in nets.values() for weight in reached(net, Targets(layers))]
    near = difflib.get_close_matches(pattern, there, n=1, cutoff=0.0)
    return f"; there is {near[0]!r}" if near else ""


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))


def _weights(net: nn.Module) -> Iterator[tuple[NoisyWeight, nn.Module]]:
    for prefix, layer in net.named_modules():
        start = f"{prefix}." if prefix else ""
        if isinstance(layer, nn.MultiheadAttention):
            for name in _PROJECTIONS:
                projection = getattr(layer, name)
                if isinstance(projection, nn.Parameter):
                    yield NoisyWeight(start + name, projection, False, 3 if name == _PACKED else 1, True), layer
        # A norm without affine parameters has no weight; a parametrised layer computes it.
        elif isinstance(weight := getattr(layer, "weight", None), nn.Parameter):
            own = type(layer).forward.__module__.startswith("torch.nn.modules.")
            direct = own and isinstance(layer, (_ConvNd, *_LAYERS["norm"]))
            yield NoisyWeight(f"{start}weight", weight, isinstance(layer, _ConvNd), 1, not direct), layer
