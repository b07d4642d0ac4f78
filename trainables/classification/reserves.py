"""Two sets out of one split that share no source, in any sense in which images have sources."""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Generator, Tensor

_MOST_SHARES: Final = 64  # tried; more of them find hardly a better one


def parted(codes: Tensor, able: Tensor, wanted: tuple[int, int], generator: Generator) -> tuple[Tensor, Tensor]:
    """Rows of a reserved and a free set, with equal values in no lineage column: each as many as wanted, if possible.

    In each column but the finest, a share of the values, in a random order, is reserved and the rest is free; images
    with a value on either side are lost. Each value of the finest column, which has most, then goes with all its images
    to the side that all the rest of them is on, or to either, where they are on both. The share and these choices make
    the less served of the two sets, by what it gets of what it wants, as well served as they can.

    Args:
        codes: (columns, N) int64 from 0; equal sources have equal numbers.
        able: (N,) booleans, which images may be taken.
        wanted: most images of the reserved set and of the free one, at least 1 each.
        generator: of the orders of values and of images, which depend on neither `able` nor `wanted`.

    Returns:
        Ascending (n,) and (m,) int64 rows, n and m at most as wanted.
    """
    finest = int(torch.stack([column.max() for column in codes]).argmax())
    enters, leaves = _thresholds([column for place, column in enumerate(codes) if place != finest], able, generator)
    values = torch.randperm(int(codes[finest].max()) + 1, generator=generator)[codes[finest]]
    order = torch.randperm(len(able), generator=generator)
    tried = [_choice(values, able & (enters <= share), able & (leaves >= share), wanted) for share in _shares(enters)]
    best = max(tried, key=lambda choice: choice.served)  # the first of equals: the smallest share
    reserved, free = best.reserved[order], best.free[order]
    return order[reserved][: wanted[0]].sort().values, order[free][: wanted[1]].sort().values


def taken(able: Tensor, wanted: int, generator: Generator) -> Tensor:
    """Ascending (n,) int64 rows of at most `wanted` able images, the first of one random order of all."""
    order = torch.randperm(len(able), generator=generator)
    return order[able[order]][:wanted].sort().values


@dataclass(frozen=True)
class _Choice:
    """Images that the two sets may take, (N,) booleans each, and how well the less served is: at most 1."""

    reserved: Tensor
    free: Tensor
    served: float


def _thresholds(columns: list[Tensor], able: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """(N,) shares from which on all of an image's values are reserved, and up to which none is."""
    enters, leaves = torch.zeros(len(able)).double(), torch.ones(len(able)).double()
    for column in columns:
        values = int(column.max()) + 1
        rank = torch.randperm(values, generator=generator)[column].double()
        enters, leaves = torch.maximum(enters, (rank + 1) / values), torch.minimum(leaves, rank / values)
    return enters, leaves


def _shares(enters: Tensor) -> list[float]:
    shares = sorted(set(enters.tolist()))
    return shares[:: -(-len(shares) // _MOST_SHARES)]


def _choice(values: Tensor, reserved: Tensor, free: Tensor, wanted: tuple[int, int]) -> _Choice:
    """Gives each value of the finest column to one side: of those on both, the first ones are reserved."""
    count = int(values.max()) + 1
    in_reserved, in_free = (values[side].bincount(minlength=count) for side in (reserved, free))
    both = (in_reserved > 0) & (in_free > 0)
    gained, lost = (
        torch.cat([both.new_zeros(1, dtype=torch.int64), side[both].cumsum(0)]) for side in (in_reserved, in_free)
    )
    served = torch.minimum(
        (in_reserved[~both].sum() + gained) / wanted[0], (in_free[~both].sum() + lost[-1] - lost) / wanted[1]
    ).clamp(max=1)
    given = int(served.argmax())
    to_reserved = in_reserved > 0
    to_reserved[both] = torch.arange(int(both.sum())) < given
    return _Choice(reserved & to_reserved[values], free & ~to_reserved[values], float(served[given]))
