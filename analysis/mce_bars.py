"""Computes the bars of mCE by training recipe: means over nets of one recipe, with their range."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from analysis.bars import bar_axis
from analysis.knobs import NotDrawable
from analysis.mce_scores import Net, Scored, Scores
from analysis.panels import Axis
from analysis.recipes import labels
from analysis.wording import within


@dataclass(frozen=True)
class Mean:
    """The mean of a score over nets, the least and the greatest one."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class RecipeBar:
    """What nets of one recipe reach.

    Attributes:
        label: the recipe's name, and in brackets of how many nets the means are where that is more than for others.
        mce: relative to the baseline, which is at 1.
        without_overlap: the same without corruptions that training resembles; None where that is no other score.
        clean_error: on images without corruption, in [0, 1]; None where it was not measured.
        nets: how many there are.
        seeds: of how many seeds they are.
        trials: of which studies, as "study: trial".
    """

    label: str
    mce: Mean
    without_overlap: Mean | None
    clean_error: Mean | None
    nets: int
    seeds: int
    trials: tuple[str, ...]


@dataclass(frozen=True)
class RecipeChart:
    """Bars by mCE, the least first, their two axes, and what a reader must know of them."""

    title: str
    bars: tuple[RecipeBar, ...]
    mce: Axis
    clean_error: Axis
    overlap: tuple[str, ...]
    remarks: tuple[str, ...]


def recipe_chart(found: Sequence[Scored], scores: Scores) -> RecipeChart:
    """Returns a bar for each recipe among the nets of studies that were measured in one way.

    Raises:
        NotDrawable: no net has an mCE.
    """
    every = [(one, net) for one in found for net in one.nets]
    scored = [(one, net) for one, net in every if net.mce is not None]
    if not scored:
        told = (
            "none of its trials spent its epochs"
            if scores == "validation"
            else "the baseline makes no error under some"
        )
        raise NotDrawable(found[0].study, f"none of the nets has an mCE: {told}")
    grouped: dict[str, list[tuple[Scored, Net]]] = {}
    for one, net in scored:
        grouped.setdefault(repr(sorted(net.options.items())), []).append((one, net))
    groups = list(grouped.values())
    names = labels([nets[0][1].options for nets in groups])
    uneven = len({len(nets) for nets in groups}) > 1
    overlap = _overlap(found, scores)
    bars = sorted(
        (_bar(name, nets, uneven, bool(overlap)) for name, nets in zip(names, groups, strict=True)),
        key=lambda bar: bar.mce.value,
    )
    ends = [mean.high for bar in bars for mean in (bar.mce, bar.without_overlap) if mean]
    errors = [bar.clean_error.high for bar in bars if bar.clean_error]
    return RecipeChart(
        _title(found, scores),
        tuple(bars),
        bar_axis("mCE (lower is better)", [1.0, *ends], reference=1.0),
        bar_axis("Clean error", errors),
        overlap,
        _remarks(bars, overlap, len(every) - len(scored), uneven),
    )


def table_of(chart: RecipeChart, scores: Scores) -> pa.Table:
    """Returns the bars as a table: recipe, mce, without_overlap, clean_error (each with ends), nets, seeds, trials."""
    columns: dict[str, pa.Array] = {"recipe": pa.array([bar.label for bar in chart.bars], pa.string())}
    means: dict[str, Callable[[RecipeBar], Mean | None]] = {
        "mce": lambda bar: bar.mce,
        "without_overlap": lambda bar: bar.without_overlap,
        "clean_error": lambda bar: bar.clean_error,
    }
    for name, of in means.items():
        for end, part in (("", "value"), ("_low", "low"), ("_high", "high")):
            values = [getattr(mean, part) if (mean := of(bar)) else None for bar in chart.bars]
            columns[f"{name}{end}"] = pa.array(values, pa.float64())
    columns["nets"] = pa.array([bar.nets for bar in chart.bars], pa.int64())
    columns["seeds"] = pa.array([bar.seeds for bar in chart.bars], pa.int64())
    columns["trials"] = pa.array([list(bar.trials) for bar in chart.bars], pa.list_(pa.string()))
    told = {"scores": scores, "measured": chart.title, "overlap": ", ".join(chart.overlap)}
    return pa.table(columns, metadata=told)


def _bar(name: str, nets: Sequence[tuple[Scored, Net]], uneven: bool, overlap: bool) -> RecipeBar:
    known = [net for _, net in nets]
    mce = _mean([net.mce for net in known])
    assert mce is not None
    return RecipeBar(
        f"{name} [{len(nets)}]" if uneven and len(nets) > 1 else name,
        mce,
        _mean([net.without_overlap for net in known]) if overlap else None,
        _mean([net.clean_error for net in known]),
        len(nets),
        len({one.study.seed for one, _ in nets}),
        tuple(f"{one.study.name}: {net.trial}" for one, net in nets),
    )


def _mean(values: Sequence[float | None]) -> Mean | None:
    """None where one of them is not known: a mean over fewer nets would not belong to the same bar."""
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return None
    return Mean(math.fsum(known) / len(known), min(known), max(known))


def _overlap(found: Sequence[Scored], scores: Scores) -> tuple[str, ...]:
    """What the second mark leaves out: for tests of all studies alike; a search leaves out its own study's."""
    overlaps = [one.overlap for one in found]
    if scores == "validation":
        return tuple(sorted(overlaps[0])) if all(one == overlaps[0] for one in overlaps) else ()
    return tuple(sorted(frozenset().union(*overlaps)))


def _title(found: Sequence[Scored], scores: Scores) -> str:
    ways = found[0].ways
    if scores == "validation":
        return (
            f"mCE on validation images, as the search saw it: {within(ways['way of measuring']) or found[0].study.data}"
        )
    names = next(iter(ways.values())).split(", ")
    which = f"{len(names)} corruptions that no search saw" if len(names) > 4 else f"unseen {within(', '.join(names))}"
    return f"mCE on test images of {found[0].study.data} under {which}"


def _remarks(bars: Sequence[RecipeBar], overlap: Sequence[str], lost: int, uneven: bool) -> tuple[str, ...]:
    found = []
    most = max(bar.nets for bar in bars)
    if most > 1:
        seeds = all(bar.seeds == bar.nets for bar in bars)
        what = "seeds" if seeds else "nets"
        count = f"as many {what} as stand in brackets, one elsewhere" if uneven else f"{most} {what}"
        found.append(f"mean and range over {count}")
    if overlap:
        names = ", ".join(within(name) for name in overlap)
        found.append(f"without overlap: less {names}, since trials may train with what resembles that")
    if lost:
        found.append(f"left out, since an mCE is not known: {lost} {'net' if lost == 1 else 'nets'}")
    return tuple(found)
