"""Gaussian noise on the weights of convolutions and batch norms, and their return bit for bit."""

import contextlib
from collections.abc import Iterator

import torch
from torch import Generator, Tensor, nn


@contextlib.contextmanager
def perturbed(net: nn.Module, scale: float, clip: float, generator: Generator) -> Iterator[None]:
    """Weights inside are W + dW; after it, also after an exception, every weight is its old self bit for bit.

    dW ~ N(0, sigma^2) clamped to [-clip * sigma, clip * sigma], with sigma = scale * max|W|: the maximum of each
    (out, in) kernel for a convolution, of the whole vector for a batch norm's weight. Linear layers, biases and batch
    norms without weights stay as they are.

    A forward pass inside and a backward pass outside gives "recovered" gradients: activations are noisy, and gradients
    flow through the clean weights (not under autocast, which keeps noisy copies for its backward pass). A backward
    pass inside gives "perturbed" ones. Batch-norm statistics learn inside as the modules' modes say: noisy training
    wants that, scoring is in evaluation mode.

    Args:
        net: changed in place for the moment.
        scale: share of the maximum; 0 draws nothing.
        clip: in units of sigma, above 0.
        generator: on any device; the noise is drawn there.

    Source: the weight-noise protocol of the project (three stages: clone, perturb, recover), whose recover step here
    copies instead of aliasing the clone.
    """
    weights = noisy_weights(net) if scale > 0 else []
    clean = [weight.detach().clone() for weight in weights]
    try:
        for weight in weights:
            # `.data` keeps autograd's version counters still: backward may run after the clean weights are back.
            weight.data.add_(noise(weight.data, scale, clip, generator))
        yield
    finally:
        for weight, original in zip(weights, clean, strict=True):
            weight.data.copy_(original)


def noisy_weights(net: nn.Module) -> list[nn.Parameter]:
    """The parameters that weight noise reaches, in the order of the net's modules."""
    layers = (module for module in net.modules() if isinstance(module, nn.Conv2d | nn.BatchNorm2d))
    return [layer.weight for layer in layers if isinstance(layer.weight, nn.Parameter)]


def noise(weight: Tensor, scale: float, clip: float, generator: Generator) -> Tensor:
    """One clamped draw of dW for a weight, (O, I, kh, kw) or (C,)."""
    sigma = scale * maximum(weight)
    # Drawn in index order, so that it does not depend on the weight's memory format.
    drawn = torch.empty(weight.shape, dtype=weight.dtype, device=generator.device).normal_(generator=generator)
    return drawn.clamp_(-clip, clip).to(weight.device) * sigma


def maximum(weight: Tensor) -> Tensor:
    """max|W| of each (out, in) kernel, (O, I, 1, 1), or of a whole vector, (1,)."""
    if weight.ndim == 4:
        return weight.abs().amax((2, 3), keepdim=True)  # ten times faster than vector_norm(inf)
    return weight.abs().amax(0, keepdim=True)
