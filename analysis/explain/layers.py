"""The layers of a network in the order in which they compute, and their outputs without a change to the network."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

CONVOLUTIONS: Final = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d)
KINDS: Final = (*CONVOLUTIONS, nn.Linear)

Receive = Callable[[int, Tensor], None]


@dataclass(frozen=True)
class Layer:
    """One computation of a convolutional or linear layer.

    Attributes:
        name: of the module within the net; with ` (2)` behind it where it computes a second time in one pass.
        module: that computes. Where a net takes weights out of a layer and computes by itself, as attention does, it is
            the module that holds the layer.
        call: how many times the module had computed before in the same pass.
    """

    name: str
    module: nn.Module
    call: int

    @property
    def is_convolution(self) -> bool:
        """Whether channels come right after the batch; everywhere else they come last."""
        return isinstance(self.module, CONVOLUTIONS)


def layers_of(net: nn.Module, inputs: Tensor) -> tuple[Layer, ...]:
    """Every convolutional and linear layer that computes in a forward pass, in the order in which they end.

    Args:
        net: in evaluation mode.
        inputs: a batch that it takes.
    """
    fired: list[nn.Module] = []
    with ExitStack() as hooks, torch.no_grad():
        for module in net.modules():
            if isinstance(module, KINDS) or any(isinstance(child, KINDS) for child in module.children()):
                handle = module.register_forward_hook(lambda module, _, output: _note(fired, module, output))
                hooks.callback(handle.remove)
        net(inputs)
    idle = {module for module in net.modules() if isinstance(module, KINDS)} - set(fired)
    holders = {module for module in net.modules() if idle & set(module.children())} - set(_containers(net))
    names = {module: name for name, module in net.named_modules()}
    found: list[Layer] = []
    for module in fired:
        if isinstance(module, KINDS) or module in holders:
            call = sum(layer.module is module for layer in found)
            found.append(Layer(names[module] + (f" ({call + 1})" if call else ""), module, call))
    return tuple(found)


@contextmanager
def watched(layers: Sequence[Layer], receive: Receive) -> Iterator[None]:
    """Inside, `receive(place, output)` is called for each layer of a forward pass; afterwards no hook is left.

    Args:
        layers: of one net; a place counts from 0 in their order.
        receive: must not change the output. A pass must be told to it whole before the next one begins.
    """
    places = {(layer.module, layer.call): place for place, layer in enumerate(layers)}
    calls = {layer.module: sum(other.module is layer.module for other in layers) for layer in layers}
    counted = dict.fromkeys(calls, 0)

    def hook(module: nn.Module, _: Any, output: Any) -> None:
        place = places.get((module, counted[module]))
        counted[module] = (counted[module] + 1) % calls[module]
        if place is not None:
            receive(place, _tensor(output).detach())

    with ExitStack() as hooks:
        for module in calls:
            hooks.callback(module.register_forward_hook(hook).remove)
        yield


def _note(fired: list[nn.Module], module: nn.Module, output: Any) -> None:
    if isinstance(_tensor(output), Tensor):
        fired.append(module)


def _tensor(output: Any) -> Any:
    """The output itself, or the first of several: attention gives its weights along."""
    return output[0] if isinstance(output, tuple) and output else output


def _containers(net: nn.Module) -> Iterator[nn.Module]:
    """The net itself and what only calls its children one after the other: their idle layers are truly idle."""
    yield net
    yield from (module for module in net.modules() if isinstance(module, nn.Sequential | nn.ModuleList))
