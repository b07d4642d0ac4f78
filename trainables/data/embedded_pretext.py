"""Views for a self-supervised task, from digits and cells of photographs that no split of an embedded set uses."""

from typing import TYPE_CHECKING, Final

import numpy as np

from trainables.data.embedded_digits import (
    PRETEXT,
    composites,
    load_photographs,
    scanned_digits,
    split_cells,
    split_digits,
)

if TYPE_CHECKING:
    from torch import Tensor

VIEWS: Final = 72
"""Composites of each scan."""


def views(count: int = VIEWS) -> "Tensor":
    """(150, count, 3, 32, 32) uint8: composites of each scan that was set aside; which digit it shows is not told."""
    import torch  # the registry's readers need none

    scans, labels = scanned_digits()
    cells = split_cells(load_photographs())[PRETEXT]
    made = [
        np.stack([composite.pixels for composite in composites(digit, scans[digit], cells, count)])
        for digit in split_digits(scans, labels)[PRETEXT]
    ]
    return torch.from_numpy(np.ascontiguousarray(np.stack(made).transpose(0, 1, 4, 2, 3)))
