"""Computes figures of weight noise: scores over the noise of training, and of single nets over that of inference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

import numpy as np

from analysis import records
from analysis.knobs import NotDrawable
from analysis.lines import Line, LinePanel, Names, band_ends
from analysis.noise_nets import PAIRS, Curve, Nets, Split, at_scale, over_draws, read_curve, training_scale
from analysis.noise_points import ARMS_MOST, Arm, Point, arms, points
from analysis.panels import Axis, ticks, value_axis
from analysis.placement import Position, thinned
from analysis.wording import GOALS, readable, shown
from search_spaces.study import Study

SEARCHED: Final = "original"
"""The split that a search scores on."""
_IMAGES: Final[dict[str | None, str]] = {
    None: "on validation images, as the search scored them",
    "original": "on validation images",
    "test": "on test images",
    "hold_out": "on hold-out images",
}
TICKS_MOST: Final = 5
_IOU: Final = "miou"


@dataclass(frozen=True)
class NoiseChart:
    """Lines over a noise scale.

    Attributes:
        title: of the whole.
        panels: on axes that all share: both curves of a single arm in one, else one for each curve with all arms.
        series: what stands beside the ends of the lines.
        legend: what each series is, in full.
        rings: for each panel where a line is at the noise of its net's training: the series, and the place.
        points: what is drawn.
        arms: what each arm of the points is called.
        metric: that was scored.
        split: of the images.
        remarks: what a reader must know.
    """

    title: str
    panels: tuple[LinePanel, ...]
    series: Names
    legend: tuple[str, ...]
    rings: tuple[tuple[tuple[int, Position], ...], ...]
    points: tuple[Point, ...]
    arms: tuple[str, ...]
    metric: str
    split: str
    remarks: tuple[str, ...]


def training_chart(found: Nets) -> NoiseChart:
    """Returns both curves over the noise of training: with clean weights at inference, and under noise.

    Raises:
        NotDrawable: the nets differ in so much else that colours cannot tell the curves apart.
    """
    every = arms(found)
    drawn = points(every)
    across = _scale_axis("Weight noise in training (σ / max |W|)", [point.scale for point in drawn])
    kinds = [("clean", "clean weights at inference"), _noisy(found)]
    if len(every) == 1:
        names, legend = Names(tuple(short for short, _ in kinds)), tuple(text for _, text in kinds)
        parts = [("", [_line(drawn, 0, noisy, int(noisy)) for noisy in (False, True)])]
    else:
        names, legend = Names(tuple(arm.short for arm in every)), tuple(arm.name for arm in every)
        parts = [
            (text[:1].upper() + text[1:], [_line(drawn, arm, bool(noisy), arm) for arm in range(len(every))])
            for noisy, (_, text) in enumerate(kinds)
        ]
    return NoiseChart(
        _title(found),
        _panels(found.metric, across, parts),
        names,
        legend,
        ((),) * len(parts),
        drawn,
        tuple(arm.name for arm in every),
        found.metric,
        found.split or SEARCHED,
        _remarks(found, every, drawn),
    )


def inference_chart(folder: Path, numbers: Sequence[int], split: Split = "test") -> NoiseChart:
    """Returns the scores of single nets of a study over the noise of inference, each with its band over draws.

    Args:
        folder: of the study.
        numbers: of its trials, at least one.
        split: of the images.

    Raises:
        NotDrawable: a trial is not there or was not evaluated on these images, or there are more than ARMS_MOST.
        LedgerError: no ledger in the folder, or one that cannot be read.
        OSError: a file of the evaluation cannot be read.
    """
    study = records.read_study(folder)
    configs = {event.trial: event.config for event in records.events(folder) if event.kind == "asked"}
    trials = records.trials(folder)
    states = dict(zip(trials["number"].to_pylist(), trials["state"].to_pylist(), strict=True))
    curve = read_curve(folder, study)
    asked = list(dict.fromkeys(numbers))
    for number in asked:
        _check_evaluated(study, number, states, curve, split)
    if len(asked) > ARMS_MOST:
        raise NotDrawable(study, f"{len(asked)} trials were asked for, and colours tell at most {ARMS_MOST} apart")
    scales = {number: training_scale(study, configs[number]) for number in asked}
    drawn = tuple(
        _measured(study, place, number, scales[number], inference, values)
        for place, number in enumerate(asked)
        for inference, values in curve[number][split].items()
    )
    across = _scale_axis("Weight noise at inference (σ / max |W|)", [point.inference for point in drawn])
    lines = [_line(drawn, place, True, place, training=False) for place in range(len(asked))]
    rings = tuple(
        (place, (scales[number], over_draws(values).mean))
        for place, number in enumerate(asked)
        if (values := at_scale(curve[number][split], scales[number]))
    )
    draws = max(point.draws for point in drawn)
    remarks = [_IMAGES[split], f"line: mean over draws of noise; band: one standard deviation over up to {draws} draws"]
    remarks += ["ring: the noise that the net trained with"] if rings else []
    trained = [f"trial {number}, trained with{_of_scale(scales[number])}" for number in asked]
    what = trained[0] if len(asked) == 1 else f"trials {', '.join(map(str, asked))}"
    return NoiseChart(
        f"{study.name}: {score_name(_IOU)} over the weight noise at inference, {what}",
        _panels(_IOU, across, [("", lines)]),
        Names(tuple(f"trial {number}" for number in asked)),
        tuple(trained),
        (rings,),
        drawn,
        tuple(f"trial {number}" for number in asked),
        _IOU,
        split,
        tuple(remarks),
    )


def evaluated_trials(folder: Path, study: Study, split: Split = "test") -> tuple[int, ...]:
    """Returns the trials of a study that were evaluated under noise of inference, by the noise of their training.

    Of more than ARMS_MOST, so many of them, evenly chosen and with both ends.

    Raises:
        NotDrawable: none was.
        OSError: the file cannot be read, is no whole Parquet file, or lacks a column.
    """
    curve = read_curve(folder, study)
    scales = {
        event.trial: training_scale(study, event.config)
        for event in records.events(folder)
        if event.kind == "asked" and split in curve.get(event.trial, {})
    }
    if not scales:
        raise NotDrawable(study, f"none of its trials was evaluated on {split} images under noise")
    order = sorted(scales, key=lambda number: (scales[number], number))
    return tuple(order[place] for place in thinned(len(order), ARMS_MOST))


def score_name(metric: str) -> str:
    """Returns what a metric with clean weights and its twin under noise are both called: "mIoU", "Accuracy"."""
    return readable(metric.removeprefix("clean_"))


def _noisy(found: Nets) -> tuple[str, str]:
    if found.fixed is None:
        return "same noise", "under the noise of training at inference"
    return f"noise of {shown(found.fixed)}", f"under weight noise of {shown(found.fixed)} at inference"


def _line(drawn: Sequence[Point], arm: int, noisy: bool, value: int, training: bool = True) -> Line:
    own = [(point.scale if training else point.inference, point) for point in drawn if point.arm == arm]
    own = sorted(((x, point) for x, point in own if point.noisy == noisy), key=lambda one: one[0])
    # A point without a band, of one net among several, has that of its neighbours narrow down to it.
    bands = [(x, *(point.band or (point.mean, point.mean))) for x, point in own]
    spread = tuple(bands) if any(low < high for _, low, high in bands) else ()
    return Line(value, tuple((x, point.mean) for x, point in own), spread, max(point.seeds for _, point in own))


def _panels(metric: str, across: Axis, parts: Sequence[tuple[str, Sequence[Line]]]) -> tuple[LinePanel, ...]:
    ends = band_ends([line for _, lines in parts for line in lines])
    up = value_axis(f"{score_name(metric)} ({GOALS['max']})", np.array(ends), ["complete"] * len(ends), None)
    return tuple(LinePanel(metric, title, across, up, tuple(lines)) for title, lines in parts)


def _scale_axis(label: str, scales: Sequence[float]) -> Axis:
    high = max(scales) or 0.1
    return Axis(label, 0.0, high, ticks(0.0, high, TICKS_MOST), None)


def _title(found: Nets) -> str:
    first, names = found.studies[0], list(dict.fromkeys(study.name for study in found.studies))
    if len({(study.name, study.description) for study in found.studies}) == 1:
        return first.description or first.name
    return f"{score_name(found.metric)} over the weight noise of training: {', '.join(names)}"


def _remarks(found: Nets, every: Sequence[Arm], drawn: Sequence[Point]) -> tuple[str, ...]:
    counts = [point.seeds for point in drawn]
    most = max(counts)
    some = "" if min(counts) == most else "up to "
    nets = f"{some}{most} nets" if most > 1 else "one net a point"
    line = f"line: mean over {nets} of different seeds" if most > 1 else f"line: {nets}"
    known = [net.noisy for arm in every for net in arm.nets]
    draws = max(score.draws for score in known)
    if any(score.deviation is None for score in known):
        lost = f"{PAIRS[found.metric]}_deviation"
        over = f"the nets alone, since the study does not record {lost}" if most > 1 else ""
    else:
        over = f"nets, and under noise over {draws} draws" if most > 1 else f"{draws} draws of noise"
    remarks = [_IMAGES[found.split], f"{line}; band: one standard deviation over {over}" if over else line]
    if found.split is None and (images := found.noisy_images):
        remarks.append(f"under noise on the first {images} of these images alone")
    if found.split and not found.matched:
        remarks.append("noise at inference is of the training's scale, and otherwise as evaluation_noise_* say")
    if found.left_out:
        remarks.append(f"left out: {', '.join(f'{count} {why}' for why, count in sorted(found.left_out.items()))}")
    return tuple(remarks)


def _of_scale(scale: float) -> str:
    return f" noise of {shown(scale)}" if scale else "out noise"


def _check_evaluated(study: Study, number: int, states: Mapping[int, str], curve: Curve, split: Split) -> None:
    if number not in states:
        told = f"0 to {max(states)}" if states else "none"
        raise NotDrawable(study, f"it has no trial {number}; it has {told}")
    scored = curve.get(number, {})
    if split in scored:
        return
    if others := [one for one in get_args(Split) if one in scored]:
        told = f"trial {number} was evaluated on {', '.join(others)} images and not on {split} images; take --split"
        raise NotDrawable(study, f"{told} {others[0]}")
    if states[number] != "complete":
        told = {"stopped": "was stopped early", "running": "is still running"}.get(states[number], states[number])
        raise NotDrawable(study, f"trial {number} {told}; trials that spent their epochs are evaluated")
    there = ", ".join(str(one) for one in curve) or "none"
    remedy = f"let `robustune evaluate {study.name} --trial {number}` do it"
    raise NotDrawable(study, f"trial {number} was not evaluated (evaluated: {there}); {remedy}")


def _measured(study: Study, place: int, number: int, scale: float, inference: float, values: Sequence[float]) -> Point:
    score = over_draws(values)
    name = f"{study.name}: {number}"
    ends = (min(values), max(values))
    return Point(place, True, scale, inference, score.mean, score.deviation, *ends, 1, score.draws, (name,))
