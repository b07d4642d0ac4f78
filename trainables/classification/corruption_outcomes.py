"""Scores under corruptions as values of single images: ratios of sums to the baseline's, linearised."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from torch import Tensor

from trainables.classification.vocabulary import CE, RELATIVE_MCE, WITHOUT_OVERLAP
from trainables.corruption_overlaps import GROUPS
from trainables.outcomes import Array, ratio_values

_NONE: Final = 1e-9


@dataclass(frozen=True, eq=False)
class Cells:
    """Which images a network gets wrong.

    Attributes:
        corruptions: C names.
        clean: (M,) booleans, of the uncorrupted images; M = N where those are the same images.
        cells: (C, S, N) booleans, by corruption and severity.
    """

    corruptions: tuple[str, ...]
    clean: Tensor
    cells: Tensor

    def summed(self) -> Array:
        """(C, N) severity-summed errors."""
        found: Array = self.cells.double().sum(1).cpu().numpy()
        return found

    def added(self) -> Array:
        """(C, N) the same less the clean error, which is its mean where the uncorrupted images are others."""
        clean = self.clean.double().cpu().numpy()
        _, severities, images = self.cells.shape
        found: Array = self.summed() - severities * (clean if len(clean) == images else np.full(images, clean.mean()))
        return found


def corruption_values(
    own: Cells, baseline: Cells, metrics: Sequence[str], seen: Collection[str], overlap: Collection[str]
) -> dict[str, Array]:
    """(N,) values of `mce_unseen`, `mce_all` and each metric of the search, whose means are the scores.

    A metric of the search is a mean over those of its corruptions that the search did not score trials under; over all
    of its own where that leaves none, as for a single corruption. Corruptions whose baseline is flawless cannot count,
    and a score without any corruption is left out.

    Args:
        own: of the network.
        baseline: of the baseline, on the same images.
        metrics: of the search, under corruption.
        seen: corruptions that the search scored under.
        overlap: corruptions that resemble what trials may train with.
    """
    unseen = [name for name in own.corruptions if name not in seen] or list(own.corruptions)
    wanted: dict[str, tuple[Collection[str], Callable[[Cells], Array]]] = {
        "mce_unseen": (unseen, Cells.summed),
        "mce_all": (own.corruptions, Cells.summed),
    }
    for metric in metrics:
        wanted[metric] = (_chosen(metric, own.corruptions, unseen, overlap), _of(metric))
    found = {}
    for metric, (names, errors) in wanted.items():
        values = _values(errors(own), errors(baseline), own.corruptions, names)
        if values is not None:
            found[metric] = values
    return found


def _chosen(
    metric: str, corruptions: Sequence[str], unseen: Collection[str], overlap: Collection[str]
) -> Collection[str]:
    if metric.startswith(CE):
        name = metric.removeprefix(CE)
        return GROUPS.get(name, (name,))
    if metric == WITHOUT_OVERLAP:
        left = [name for name in unseen if name not in overlap]
        return left or [name for name in corruptions if name not in overlap]
    return unseen


def _of(metric: str) -> Callable[[Cells], Array]:
    return Cells.added if metric == RELATIVE_MCE else Cells.summed


def _values(own: Array, baseline: Array, corruptions: Sequence[str], names: Collection[str]) -> Array | None:
    rows = [row for row, name in enumerate(corruptions) if name in names and float(baseline[row].mean()) > _NONE]
    return ratio_values(own[rows], baseline[rows]) if rows else None
