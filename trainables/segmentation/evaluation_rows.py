"""Counted pixels of one trial as rows: the IoU of every class, and the curve over the scale of inference noise."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Final

import pyarrow as pa
import torch
from torch import Tensor

from trainables.segmentation.confusion import class_iou, mean_iou

CLASS_IOU_SCHEMA: Final = pa.schema(
    {"class": pa.int64(), "name": pa.string(), "split": pa.string(), "noisy": pa.bool_(), "iou": pa.float64()}
)
CURVE_SCHEMA: Final = pa.schema({"scale": pa.float64(), "draw": pa.int64(), "split": pa.string(), "miou": pa.float64()})


@dataclasses.dataclass(frozen=True, eq=False)
class Counts:
    """Confusion matrices of one split, rows the truth.

    Attributes:
        clean: (C, C), with clean weights.
        noisy: (draws, C, C) by the scale of the noise, the scored one among them.
        scale: of the noise that the trial is scored under.
    """

    clean: Tensor
    noisy: Mapping[float, Tensor]
    scale: float

    @property
    def scored(self) -> Tensor:
        """(draws, C, C) under the scored noise."""
        return self.noisy[self.scale]


def class_iou_rows(found: Mapping[str, Counts], names: Sequence[str]) -> pa.Table:
    """A row for each split, with and without the scored noise, and class.

    The IoU is null where no pixel of the class is true or predicted; under noise it is the mean over the draws in which
    one is.
    """
    rows = [
        {"class": number, "name": names[number], "split": split, "noisy": noisy, "iou": known(value)}
        for split, counts in found.items()
        for noisy, values in ((False, class_iou(counts.clean)), (True, _over_draws(counts.scored)))
        for number, value in enumerate(values.tolist())
    ]
    return pa.Table.from_pylist(rows, schema=CLASS_IOU_SCHEMA)


def curve_rows(found: Mapping[str, Counts], scales: Sequence[float]) -> pa.Table:
    """A row for each split, scale and draw."""
    rows = [
        {"scale": scale, "draw": draw, "split": split, "miou": known(mean_iou(each))}
        for split, counts in found.items()
        for scale in scales
        for draw, each in enumerate(counts.noisy[scale])
    ]
    return pa.Table.from_pylist(rows, schema=CURVE_SCHEMA)


def known(value: float) -> float | None:
    """The value, or None where it is no number."""
    return None if math.isnan(value) else value


def _over_draws(counts: Tensor) -> Tensor:
    return torch.stack([class_iou(each) for each in counts]).nanmean(0)
