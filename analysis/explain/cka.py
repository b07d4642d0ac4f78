"""Centred kernel alignment of layers over minibatches: 1 for the same representation, near 0 for unrelated ones."""

from typing import Final

import torch
from torch import Tensor

LEAST: Final = 4
"""Images of a batch that the unbiased estimator needs; a smaller batch tells nothing and is left out."""
# Below this share of a Gram matrix what is left after centring is what float32 rounds, such as of a channel that is
# alive for one image of the batch.
_ROUNDED: Final = 1e-10
_BLOCK: Final = 1024
"""Features at a time."""
_UNRESOLVED: Final = 1e-12
"""Share of a layer's squared mean that the rounding of that mean can leave of what is the same for all images."""


class MinibatchCka:
    """Sums HSIC of every pair of layers over batches; each layer's Gram matrix is taken once, not once for each pair.

    Example:
        >>> alignment = MinibatchCka(2)
        >>> features = torch.randn(16, 5, generator=torch.Generator().manual_seed(0))
        >>> alignment.add([gram(features), gram(features * 3)])
        >>> round(float(alignment.matrix()[0, 1]), 6)
        1.0

    Source: Nguyen, Raghu & Kornblith 2021, "Do wide and deep networks learn the same things?", equations 2 to 4, with
    the unbiased estimator of Song et al. 2012; linear kernel. U-centring (Szekely & Rizzo 2014) makes every HSIC an
    inner product, so that all pairs are one matrix product.
    """

    def __init__(self, layers: int) -> None:
        self._hsic = torch.zeros(layers, layers, dtype=torch.float64)
        self.batches = 0

    def add(self, grams: list[Tensor]) -> None:
        """Takes one batch in, the Gram matrix (N, N) of each layer; a batch of fewer than `LEAST` is left out.

        Raises:
            ValueError: another number of layers, or matrices of several sizes.
        """
        if len(grams) != len(self._hsic) or len({matrix.shape for matrix in grams}) != 1:
            raise ValueError(f"{len(grams)} matrices for {len(self._hsic)} layers, all of one shape (N, N)")
        images = len(grams[0])
        if images < LEAST:
            return
        flat = _u_centred(torch.stack(grams).double())
        self._hsic += (flat @ flat.T).cpu() / (images * (images - 3))
        self.batches += 1

    def matrix(self) -> Tensor:
        """(layers, layers) float64 CKA; a layer that never varies has 0 with every layer, itself included."""
        own = self._hsic.diagonal().clamp_min(0).sqrt()
        norms = own[:, None] * own[None, :]
        return torch.where(norms > 0, self._hsic / torch.where(norms > 0, norms, 1), 0.0)


def gram(features: Tensor) -> Tensor:
    """(N, N) float64 inner products of (N, ...) features whose mean over the batch was taken away first.

    Without that a float32 product loses digits: up to 0.14 of a CKA. What varies by less than float32 resolves is 0.
    """
    flat = features.flatten(1)
    flat = flat if flat.dtype == torch.float64 else flat.float()
    found, square = _centred(flat)
    if not bool(torch.isfinite(found).all()):
        found, square = _centred(flat.double())  # products of great features go beyond float32
    constant = float(found.trace()) <= _UNRESOLVED * len(flat) * square
    return torch.zeros_like(found) if constant else found


def _centred(flat: Tensor) -> tuple[Tensor, float]:
    """The float64 Gram matrix of (N, D) features less their mean, and the square of that mean's length.

    Features come block by block: 64 x 1,024 of them, centred, still lie in the cache when their product is taken. That
    saves a fifth of the time where a layer has 65,536.
    """
    count = len(flat)
    found = torch.zeros(count, count, dtype=flat.dtype, device=flat.device)
    share = torch.full((1, count), 1 / count, dtype=flat.dtype, device=flat.device)
    square = torch.zeros((), dtype=torch.float64, device=flat.device)
    for block in torch.split(flat, _BLOCK, dim=1):
        mean = share @ block
        centred = block - mean
        found.addmm_(centred, centred.T)
        square += mean.double().square().sum()
    return found.double(), float(square)


def _u_centred(grams: Tensor) -> Tensor:
    """(layers, N * N), whose inner products over N (N - 3) are the unbiased HSIC of each pair."""
    images = grams.shape[-1]
    norms = grams.square().sum((1, 2))
    grams.diagonal(dim1=1, dim2=2).zero_()
    rows = grams.sum(2, keepdim=True) / (images - 2)
    whole = grams.sum((1, 2), keepdim=True) / ((images - 1) * (images - 2))
    centred = grams - rows - rows.transpose(1, 2) + whole
    centred.diagonal(dim1=1, dim2=2).zero_()
    flat = centred.flatten(1)
    flat[flat.square().sum(1) <= _ROUNDED * norms] = 0
    return flat
