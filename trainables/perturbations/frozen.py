"""A network as an attack wants it: a copy that cannot learn, with less arithmetic."""

import copy

import torch
from torch import nn
from torch.fx import Node
from torch.nn.utils.fusion import fuse_conv_bn_eval


def frozen(net: nn.Module) -> nn.Module:
    """A copy in evaluation mode that gives the net's scores, without gradients of its weights.

    Batch norms that follow a convolution, and nothing else does, are folded into it: scores differ in the last bits.
    The net itself is not touched, so nothing has to be put back.
    """
    copied = copy.deepcopy(net).eval().requires_grad_(False)
    for parameter in copied.parameters():
        parameter.grad = None
    for first, second in _chained(copied):
        convolution, norm = copied.get_submodule(first), copied.get_submodule(second)
        if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d) and norm.track_running_stats:
            copied.set_submodule(first, fuse_conv_bn_eval(convolution, norm).requires_grad_(False))
            copied.set_submodule(second, nn.Identity())
    return copied


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
