"""Computes bars of IoU per class, without noise and under it, from what `robustune evaluate` left."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from analysis.bars import Bar, Bars, bar_axis
from analysis.evaluated import CLASS_IOU_FILE, Damaged, evaluated_as
from analysis.knobs import NotDrawable
from analysis.panels import Axis
from analysis.segmentation_evaluated import asked_for, scores_by_trial, telling
from analysis.wording import visible
from search_spaces.study import Study

SPLITS: Final = {"test": "test", "hold_out": "hold-out", "original": "validation"}
"""What the splits are called in a sentence; where none is asked for, the first that was evaluated is shown."""
CLASS_BARS: Final = "class-iou-bars"
"""What files of the figure are called; `class-iou.parquet` is the evaluation's own."""
SERIES: Final = ("without noise", "under noise")
ACROSS: Final = 24
"""Classes side by side; their names can still be read."""
_SCHEMA: Final = pa.schema(
    [
        *(pa.field(name, pa.int64(), nullable=False) for name in ("trial", "class")),
        *(pa.field(name, pa.string(), nullable=False) for name in ("name", "split")),
        pa.field("noisy", pa.bool_(), nullable=False),
        pa.field("iou", pa.float64()),
    ]
)


@dataclass(frozen=True)
class ClassIoU:
    """IoU of every class that a trial was evaluated with, on one split.

    Attributes:
        trial: its number.
        split: one of `SPLITS`.
        numbers: of the classes, in order.
        names: of the classes; none can steer a terminal.
        clean: IoU in [0, 1] without noise; None where no pixel of the class is told or predicted.
        noisy: the same under noise, the mean over draws.
        means: mean IoU without noise and under it, as the evaluation has them; None where it does not.
    """

    trial: int
    split: str
    numbers: tuple[int, ...]
    names: tuple[str, ...]
    clean: tuple[float | None, ...]
    noisy: tuple[float | None, ...]
    means: tuple[float | None, float | None]

    @property
    def title(self) -> str:
        """The trial and its means."""
        said = [
            f"{words} {mean:.3f}"
            for words, mean in zip(("mIoU", "under noise"), self.means, strict=True)
            if mean is not None
        ]
        return f"Trial {self.trial}: {', '.join(said)}" if said else f"Trial {self.trial}"


def read_class_iou(folder: Path, study: Study, trials: Sequence[int] = (), split: str = "") -> tuple[ClassIoU, ...]:
    """Returns the IoU of each trial by class; () where nothing was evaluated.

    Args:
        folder: of the study.
        study: whose evaluation it must be.
        trials: numbers; none means those that `analysis.segmentation_evaluated.telling` chooses.
        split: one of `SPLITS`; none means the first of them that some trial was evaluated on.

    Raises:
        NotDrawable: a trial was not evaluated, or none was on the split.
        Damaged: the file is not what an evaluation writes.
        OSError: a file cannot be read.
    """
    table = evaluated_as(folder, CLASS_IOU_FILE, study, _SCHEMA)
    if table is None:
        return ()
    path = Path(folder) / CLASS_IOU_FILE
    there = table["trial"].to_pylist()
    scores = scores_by_trial(folder, study)
    chosen = asked_for(trials, there, study) or telling(there, scores)
    splits = set(table["split"].to_pylist())
    split = split or next((one for one in SPLITS if one in splits), "test")
    on_split = table.filter(pc.equal(table["split"], split))
    found = []
    for trial in chosen:
        rows = on_split.filter(pc.equal(on_split["trial"], trial)).to_pylist()
        if not rows:
            known = ", ".join(sorted(set(table.filter(pc.equal(table["trial"], trial))["split"].to_pylist())))
            raise NotDrawable(study, f"trial {trial} was not evaluated on the split {split} (splits: {known})")
        means = tuple(_mean(scores.get(trial, {}).get(f"{metric}.{split}")) for metric in ("miou", "noisy_miou"))
        found.append(_of(trial, split, rows, (means[0], means[1]), path))
    return tuple(found)


def class_charts(one: ClassIoU) -> tuple[Bars, ...]:
    """Returns bars of a trial by class; many classes are parted into charts of about as many each, on the same axis."""
    count = math.ceil(len(one.names) / ACROSS)
    each = math.ceil(len(one.names) / count)
    axis = bar_axis("IoU (higher is better)", [1.0])
    return tuple(
        _chart(one, range(first, min(first + each, len(one.names))), axis) for first in range(0, len(one.names), each)
    )


def table_of(every: Sequence[ClassIoU]) -> pa.Table:
    """Returns the numbers of the bars: trial, split, class, name, iou, noisy_iou; null where a class has no pixel."""
    columns: dict[str, list[Any]] = {"trial": [], "split": [], "class": [], "name": [], "iou": [], "noisy_iou": []}
    for one in every:
        for row in zip(one.numbers, one.names, one.clean, one.noisy, strict=True):
            for column, value in zip(columns.values(), (one.trial, one.split, *row), strict=True):
                column.append(value)
    kinds = (pa.int64(), pa.string(), pa.int64(), pa.string(), pa.float64(), pa.float64())
    return pa.table({name: pa.array(values, kind) for (name, values), kind in zip(columns.items(), kinds, strict=True)})


def _chart(one: ClassIoU, places: range, axis: Axis) -> Bars:
    bars = []
    for group, place in enumerate(places):
        for series, value in enumerate((one.clean[place], one.noisy[place])):
            if value is not None:
                bars.append(Bar(group, series, value, value, value))
    return Bars(
        title=f"Trial {one.trial}, continued" if places.start else one.title,
        label="",
        groups=tuple(one.names[place] for place in places),
        series=SERIES,
        y=axis,
        bars=tuple(bars),
        notes=tuple(_note(one.clean[place], one.noisy[place]) for place in places),
    )


def _note(clean: float | None, noisy: float | None) -> str:
    if clean is None and noisy is None:
        return "no pixel"
    return "" if clean is not None and noisy is not None else f"no pixel {SERIES[clean is not None]}"


def _of(
    trial: int, split: str, rows: Sequence[dict[str, Any]], means: tuple[float | None, float | None], path: Path
) -> ClassIoU:
    cells: dict[tuple[int, bool], dict[str, Any]] = {}
    for row in rows:
        where = f"class {row['class']} of trial {trial} on {split}"
        if (row["class"], row["noisy"]) in cells:
            raise Damaged(path, f"has {where} {SERIES[row['noisy']]} twice")
        if _mean(row["iou"]) is not None and not 0 <= row["iou"] <= 1:
            raise Damaged(path, f"has an IoU of {row['iou']:g} for {where}; it lies in [0, 1]")
        cells[row["class"], row["noisy"]] = row
    numbers = tuple(sorted({number for number, _ in cells}))
    for number in numbers:
        for noisy in (False, True):
            if (number, noisy) not in cells:
                raise Damaged(path, f"lacks class {number} of trial {trial} on {split} {SERIES[noisy]}")
    return ClassIoU(
        trial,
        split,
        numbers,
        tuple(visible(cells[number, False]["name"]) for number in numbers),
        tuple(_mean(cells[number, False]["iou"]) for number in numbers),
        tuple(_mean(cells[number, True]["iou"]) for number in numbers),
        means,
    )


def _mean(value: float | None) -> float | None:
    """None for a class without a pixel, whether it came as null or as NaN."""
    return None if value is None or math.isnan(value) else value
