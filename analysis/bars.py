"""Groups of bars beside each other: scores by the value of a knob, or accuracies by the set they were measured on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from analysis.panels import LARGEST, Axis, ticks
from analysis.wording import readable

SERIES_MOST: Final = 6
"""Bars of one group that colours still tell apart."""
HEADROOM: Final = 1.04
MIOU: Final = "miou."
"""What columns of an evaluation of segmentation begin with, before the set's name."""
SETS: Final = {"original": "Original validation", "hold_out": "Hold-out", "test": "Clean test"}
_Z95: Final = 1.959963984540054


@dataclass(frozen=True)
class Bar:
    """One bar from 0 to `value`; `low` and `high` are the ends of its whisker, both the value where it has none.

    `against` is what the value is to be seen against, such as the baseline's, drawn as a dash across the bar.
    """

    group: int
    series: int
    value: float
    low: float
    high: float
    against: float | None = None


@dataclass(frozen=True)
class Bars:
    """Bars in groups, each group with one bar for each series that has a value there.

    Attributes:
        groups: what stands below each group.
        series: what each colour means, in the order of the bars in a group.
        notes: for each group what stands over it: why it has no bar, such as "failed", or of how many of its trials the
            bars are where these are not all; "" otherwise.
        ordered: whether the series are steps of one size, and share a ramp of colours.
    """

    title: str
    label: str
    groups: tuple[str, ...]
    series: tuple[str, ...]
    y: Axis
    bars: tuple[Bar, ...]
    notes: tuple[str, ...]
    ordered: bool = False


def bar_axis(label: str, ends: Sequence[float], reference: float | None = None, whole: bool = False) -> Axis:
    """Returns an axis that begins at 0, since a bar's length is its value, and holds the ends of all bars.

    `whole` bars are counts: no tick stands between two of them.
    """
    low, high = max(-LARGEST, min([0.0, *ends])), min(LARGEST, max([0.0, *ends]))
    if low == high:
        high = 1.0
    low, high = low * HEADROOM, high * HEADROOM
    return Axis(label, low, high, ticks(low, high, most=6, whole=whole), reference)


def interval(accuracy: float, images: int) -> tuple[float, float]:
    """Returns the 95 % interval of an accuracy that was measured on so many images; (0, 1) for none.

    It tells what other images of the same kind would bring, and nothing of other seeds of training.

    Source: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 1927.
    """
    if images <= 0:
        return 0.0, 1.0
    spread = _Z95**2 / images
    middle = (accuracy + spread / 2) / (1 + spread)
    half = math.sqrt(spread * accuracy * (1 - accuracy) + spread**2 / 4) / (1 + spread)
    return max(0.0, min(middle - half, accuracy)), min(1.0, max(middle + half, accuracy))


def evaluation_bars(evaluation: pa.Table) -> Bars:
    """Returns a group for each trial and in it a bar for each set, with the interval that its images leave.

    Args:
        evaluation: a row for each trial with its `number`, and `accuracy.SET` in [0, 1] and `images.SET` for each set.
    """
    sets = [name.partition(".")[2] for name in evaluation.column_names if name.startswith("accuracy.")]
    sets = sets[:SERIES_MOST]
    bars = []
    for group, row in enumerate(evaluation.to_pylist()):
        for series, name in enumerate(sets):
            accuracy, images = row[f"accuracy.{name}"], row[f"images.{name}"]
            if accuracy is not None:
                bars.append(Bar(group, series, accuracy, *interval(accuracy, images or 0)))
    return Bars(
        title="",
        label="Trial",
        groups=tuple(str(number) for number in evaluation["number"].to_pylist()),
        series=tuple(SETS.get(name, readable(name)) for name in sets),
        y=bar_axis("Accuracy (higher is better)", [bar.high for bar in bars]),
        bars=tuple(bars),
        notes=("",) * evaluation.num_rows,
    )


def miou_bars(evaluation: pa.Table) -> Bars:
    """Returns a group for each trial and in it two bars for each set: mean IoU without weight noise and under it.

    The whisker of the second one reaches one standard deviation over draws of noise to either side, within [0, 1].

    Args:
        evaluation: a row for each trial with its `number`, and `miou.SET`, `noisy_miou.SET` and
            `noisy_miou_deviation.SET` for each set.
    """
    sets = [name.removeprefix(MIOU) for name in evaluation.column_names if name.startswith(MIOU)]
    sets = sets[: SERIES_MOST // 2]
    bars = []
    for group, row in enumerate(evaluation.to_pylist()):
        for place, name in enumerate(sets):
            clean, noisy = row[f"miou.{name}"], row.get(f"noisy_miou.{name}")
            deviation = row.get(f"noisy_miou_deviation.{name}") or 0.0
            if clean is not None:
                bars.append(Bar(group, 2 * place, clean, clean, clean))
            if noisy is not None:
                ends = max(0.0, noisy - deviation), min(1.0, noisy + deviation)
                bars.append(Bar(group, 2 * place + 1, noisy, *ends))
    names = ["Validation" if name == "original" else readable(name.replace("hold_out", "hold-out")) for name in sets]
    return Bars(
        title="",
        label="Trial",
        groups=tuple(str(number) for number in evaluation["number"].to_pylist()),
        series=tuple(f"{name}{way}" for name in names for way in ("", ", under noise")),
        y=bar_axis("mIoU (higher is better)", [bar.high for bar in bars]),
        bars=tuple(bars),
        notes=("",) * evaluation.num_rows,
    )
