"""A network as an attack wants it: a copy that cannot learn, with less arithmetic."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import Node
from torch.nn.utils.fusion import fuse_conv_bn_eval

from trainables.perturbations.convolutions import Dense, Unshuffled


def frozen(net: nn.Module, example: Tensor) -> nn.Module:
    """A copy in evaluation mode that gives the net's scores, without gradients of its weights.

    Batch norms that follow a convolution, and nothing else does, are folded into it, and on a CPU some convolutions are
    computed in another way: scores differ in the last bits. The net itself is not touched, so nothing has to be put
    back.

    Args:
        net: any.
        example: (n, C, H, W) input of the size that will come most; it is tried.
    """
    copied = copy.deepcopy(net).eval().requires_grad_(False)
    for parameter in copied.parameters():
        parameter.grad = None
    for first, second in _chained(copied):
        convolution, norm = copied.get_submodule(first), copied.get_submodule(second)
        if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d) and norm.track_running_stats:
            copied.set_submodule(first, fuse_conv_bn_eval(convolution, norm).requires_grad_(False))
            copied.set_submodule(second, nn.Identity())
    copied = copied.to(memory_format=torch.channels_last)
    shapes = _shapes(copied, example)
    if example.device.type == "cpu":
        _exchange_convolutions(copied, shapes)
    return copied.eval()


def _shapes(net: nn.Module, example: Tensor) -> dict[str, torch.Size]:
    """Of the inputs of every convolution, by its name."""
    shapes: dict[str, torch.Size] = {}

    def note(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Any], None]:
        return lambda _, inputs, __: shapes.update({name: inputs[0].shape})

    layers = [(name, layer) for name, layer in net.named_modules() if type(layer) is nn.Conv2d]
    hooks = [layer.register_forward_hook(note(name)) for name, layer in layers]
    with torch.no_grad():
        net(example)
    for hook in hooks:
        hook.remove()
    return shapes


def _exchange_convolutions(net: nn.Module, shapes: Mapping[str, torch.Size]) -> None:
    for name, shape in shapes.items():
        layer = net.get_submodule(name)
        if isinstance(layer, nn.Conv2d) and Unshuffled.suits(layer, shape):
            net.set_submodule(name, Unshuffled(layer))
        elif isinstance(layer, nn.Conv2d) and Dense.suits(layer, shape):
            net.set_submodule(name, Dense(layer, shape))


def _chained(net: nn.Module) -> list[tuple[str, str]]:
    """Names of modules, each used once, of which the second takes the first one's output and nothing else does."""
    try:
        nodes = [node for node in torch.fx.symbolic_trace(net).graph.nodes if node.op == "call_module"]
    except (torch.fx.proxy.TraceError, TypeError, RuntimeError, ValueError, AttributeError):
        return []  # code that cannot be traced runs as it is
    names = [str(node.target) for node in nodes]
    once = {name for name in names if names.count(name) == 1}
    found = []
    for node in nodes:
        before = node.args[0] if node.args else None
        if not isinstance(before, Node) or before.op != "call_module" or len(before.users) > 1:
            continue
        pair = (str(before.target), str(node.target))
        if once.issuperset(pair):
            found.append(pair)
    return found
