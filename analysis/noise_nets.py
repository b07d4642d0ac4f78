"""Reads the nets of studies over the weight noise of training: their scores with clean weights and under noise."""

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from analysis import records
from analysis.evaluated import NOISE_CURVE_FILE, evaluated
from analysis.knobs import NotDrawable, check_drawn, knobs
from analysis.recipes import plain, recipe
from search_spaces.extent import trial_limit
from search_spaces.study import Study

Split = Literal["original", "test", "hold_out"]
Curve = Mapping[int, Mapping[str, Mapping[float, Sequence[float]]]]
"""Scores by trial, split and scale of inference noise, each by draw."""
SCALE: Final = "noise_scale"
PAIRS: Final = {"miou": "noisy_miou", "clean_accuracy": "weight_noise_accuracy"}
"""Metrics with clean weights, and the same under noise."""
DEFAULTS: Final[Mapping[str, Any]] = {
    "noise_clip": 2.0,
    "noise_gradient": "recovered",
    "noise_draw": "per_step",
    "noise_maximum": "per_kernel",
    "noise_targets": ("conv", "batch_norm"),
    "noise_names": ("*",),
    "evaluation_noise": "fixed",
    "evaluation_noise_scale": 0.1,
    "evaluation_noise_clip": 2.0,
    "evaluation_noise_maximum": "per_kernel",
    "evaluation_noise_targets": ("conv", "batch_norm"),
    "evaluation_noise_names": ("*",),
    "evaluation_noise_draws": 4,
}
"""What trainers take where a study does not say; this room cannot import them, and a test holds these to them."""
NOISY_IMAGES: Final = {"miou": 0, "clean_accuracy": 128}
"""Their `evaluation_noise_images`, by the clean metric; the same test holds them."""

CURVE_COLUMNS: Final = ("trial", "scale", "draw", "split", "miou")
_REPEATED: Final = (SCALE, "replicate")
_MATCHED: Final = "matched"
# What only says how a net is scored.
_SCORING: Final = ("evaluation_", "corruption", "early_corruption", "pgd_")


@dataclass(frozen=True)
class Score:
    """A score and by how much it varies over draws of noise; `deviation` is None where that was not measured."""

    mean: float
    deviation: float | None
    draws: int


@dataclass(frozen=True)
class Net:
    """One trained net.

    Attributes:
        name: "study: trial".
        options: that it was trained with, less its noise scale and what only repeats it.
        place: orders nets of other options by the folders given, then by the values of the study file.
        scale: of the noise of training.
        clean: score with clean weights at inference.
        noisy: score under noise at inference.
        inference: scale of that noise.
    """

    name: str
    options: Mapping[str, Any]
    place: tuple[int, ...]
    scale: float
    clean: float
    noisy: Score
    inference: float


@dataclass(frozen=True)
class Nets:
    """Nets of one or more studies that were scored in one way.

    Attributes:
        studies: whose they are.
        metric: with clean weights, one of PAIRS.
        split: of the images; None where the search itself scored them, on validation images.
        fixed: scale of the noise at inference; None where each net has that of its training.
        nets: by study and number.
        left_out: how many trials are not among them, by reason.
    """

    studies: tuple[Study, ...]
    metric: str
    split: Split | None
    fixed: float | None
    nets: tuple[Net, ...]
    left_out: Mapping[str, int]

    @property
    def matched(self) -> bool:
        """Whether the studies score nets under all of the noise that they trained with, not only under its scale."""
        return self.studies[0].options.get("evaluation_noise") == _MATCHED

    @property
    def noisy_images(self) -> int:
        """How many validation images the search scored under noise, the first ones; 0: all."""
        images = self.studies[0].options.get("evaluation_noise_images", NOISY_IMAGES[self.metric])
        assert isinstance(images, int)
        return images


def read(folders: Sequence[Path], split: Split | None = None) -> Nets:
    """Returns the nets that spent their epochs of the studies in these folders.

    Args:
        folders: of studies, at least one.
        split: None takes the scores of the search, else those of `robustune evaluate` on these images, each net under
            noise of the scale that it was trained with.

    Raises:
        NotDrawable: a study does not search noise_scale by points, lacks the scores or has no such net, or two were
            scored in different ways.
        LedgerError: no ledger in a folder, or one that cannot be read.
        OSError: a file of an evaluation cannot be read.
    """
    studies = [records.read_study(folder) for folder in folders]
    for study in studies:
        _check_searched(study)
    ways = [_ways(folder, study, split) for folder, study in zip(folders, studies, strict=True)]
    for study, way in zip(studies, ways, strict=True):
        _check_alike(studies[0], ways[0], study, way)
    _check_distinct(studies)
    left_out: Counter[str] = Counter()
    found = [
        net
        for order, (folder, study) in enumerate(zip(folders, studies, strict=True))
        for net in _nets(folder, study, order, split, left_out)
    ]
    if not found:
        why = ", ".join(f"{count} {reason}" for reason, count in left_out.items()) or "none was tried yet"
        raise NotDrawable(studies[0], f"no trial has spent its epochs and has scores to draw: {why}")
    fixed = None if split or studies[0].options.get("evaluation_noise") == _MATCHED else _held(studies[0])
    metric = _metric(studies[0], split)
    return Nets(tuple(studies), metric, split, fixed, tuple(found), dict(left_out))


def read_curve(folder: Path, study: Study) -> Curve:
    """Returns the scores that an evaluation measured by trial, split and scale of inference noise, each by draw.

    Raises:
        NotDrawable: no trial was evaluated so.
        OSError: the file cannot be read, is no whole Parquet file, or lacks a column.
    """
    table = evaluated(folder, NOISE_CURVE_FILE, study, CURVE_COLUMNS)
    if table is None:
        raise NotDrawable(
            study,
            f"its folder has no {NOISE_CURVE_FILE} of its own; let `robustune evaluate {study.name} --all` make it, "
            "which it does for studies of the segmentation trainer",
        )
    found: dict[int, dict[str, dict[float, list[float]]]] = {}
    for row in table.sort_by([("trial", "ascending"), ("scale", "ascending"), ("draw", "ascending")]).to_pylist():
        if row["miou"] is not None and math.isfinite(row["miou"]):
            scales = found.setdefault(row["trial"], {}).setdefault(row["split"], {})
            scales.setdefault(row["scale"], []).append(row["miou"])
    return found


def over_draws(values: Sequence[float]) -> Score:
    """Returns mean and standard deviation (of a sample) of a score over draws of noise; 0 for a single one."""
    return Score(math.fsum(values) / len(values), statistics.stdev(values) if len(values) > 1 else 0.0, len(values))


def at_scale(scales: Mapping[float, Sequence[float]], scale: float) -> Sequence[float]:
    """Returns the scores at a scale of inference noise, which may differ from it by rounding; () for none."""
    return next((values for known, values in scales.items() if math.isclose(known, scale, abs_tol=1e-9)), ())


def training_scale(study: Study, config: Mapping[str, Any]) -> float:
    """Returns the noise scale that a trial of the study trains with; without one it trains with no noise."""
    return float(config.get(SCALE, study.options.get(SCALE, 0.0)))


def _check_searched(study: Study) -> None:
    if SCALE not in study.space:
        raise NotDrawable(
            study,
            f"it does not search {SCALE}, and these curves need nets that trained at several scales, as those of "
            "`robustune search weight-noise-curve`; --trial N draws one net against noise at inference",
        )
    free = [name for name, domain in study.space.items() if domain.size() is None]
    if free:
        raise NotDrawable(
            study,
            f"it draws {', '.join(free)} from ranges, so that nets of one noise scale differ in more than their seed "
            'and no mean over them tells what noise does; name points = [...] and take the sampler "grid", as '
            "weight-noise-curve does, or draw single nets against noise at inference by --trial N",
        )


def _ways(folder: Path, study: Study, split: Split | None) -> dict[str, str]:
    """What must be equal for scores to stand on one axis."""
    scoring = {**DEFAULTS, **study.options}
    held = {
        name: str(plain(value))
        for name, value in scoring.items()
        if name.startswith("evaluation_noise") and name != "evaluation_noise_draws"
    }
    digest = str(records.sets(folder).get("data", {}).get("digest", ""))[:12]
    return {
        "trainer": study.trainer,
        "data": f"{study.data} {digest}".rstrip(),
        "metric": _metric(study, split),
        **held,
    }


def _check_alike(first: Study, there: Mapping[str, str], study: Study, way: Mapping[str, str]) -> None:
    for what in dict.fromkeys((*there, *way)):
        if there.get(what) != way.get(what):
            raise NotDrawable(
                study,
                f"its nets were scored in another way than those of {first.name}: {what}: "
                f"{way.get(what) or 'not told'}; there: {there.get(what) or 'not told'}; one figure needs one way",
            )


def _check_distinct(studies: Sequence[Study]) -> None:
    known: dict[str, Study] = {}
    for study in studies:
        other = known.setdefault(study.digest, study)
        if other is not study:
            told = f"it is the same study under the same seed as {other.name}, whose nets would count twice"
            raise NotDrawable(study, f"{told}; leave one out, or search it with another --seed")


def _metric(study: Study, split: Split | None) -> str:
    if split:
        return "miou"
    found = next((one for one, other in PAIRS.items() if {one, other} <= set(study.metrics)), None)
    if found is None:
        wanted = " or ".join(f"{one} and {other}" for one, other in PAIRS.items())
        raise NotDrawable(
            study,
            f"it records {', '.join(study.metrics)}; the curves need {wanted}, as an objective or in `measure`",
        )
    return found


def _held(study: Study) -> float:
    return float(study.options.get("evaluation_noise_scale", DEFAULTS["evaluation_noise_scale"]))


def _nets(folder: Path, study: Study, order: int, split: Split | None, left_out: Counter[str]) -> list[Net]:
    trials = records.trials(folder)
    check_drawn(trials, knobs(study), study)
    configs = {event.trial: event.config for event in records.events(folder) if event.kind == "asked"}
    curve: Curve = read_curve(folder, study) if split else {}
    if untried := trial_limit(study) - trials.num_rows:
        left_out["not tried yet"] += untried
    found = []
    for row in trials.to_pylist():
        config = configs[row["number"]]
        if (reason := _unspent(row, study)) is None:
            scale = training_scale(study, config)
            scores = _evaluated(curve, row["number"], split, scale) if split else _searched(row, study)
            if scores is not None:
                matched = split or study.options.get("evaluation_noise") == _MATCHED
                found.append(
                    Net(
                        f"{study.name}: {row['number']}",
                        _training(study, config),
                        (order, *_places(study, config)),
                        scale,
                        *scores,
                        scale if matched else _held(study),
                    )
                )
                continue
            reason = _unscored(curve.get(row["number"], {}), split, scale)
        left_out[reason] += 1
    return found


def _unspent(row: Mapping[str, Any], study: Study) -> str | None:
    if row["state"] == "complete" and row["epochs"] == study.budget.epochs:
        return None
    return {"failed": "failed", "running": "still running"}.get(row["state"], "stopped early")


def _searched(row: Mapping[str, Any], study: Study) -> tuple[float, Score] | None:
    metric = _metric(study, None)
    clean, noisy = row[f"metrics.{metric}"], row[f"metrics.{PAIRS[metric]}"]
    if clean is None or noisy is None or not math.isfinite(clean + noisy):
        return None
    draws = int(study.options.get("evaluation_noise_draws", DEFAULTS["evaluation_noise_draws"]))
    return clean, Score(noisy, row.get(f"metrics.{PAIRS[metric]}_deviation"), draws)


def _evaluated(curve: Curve, number: int, split: Split, scale: float) -> tuple[float, Score] | None:
    scales = curve.get(number, {}).get(split, {})
    clean, noisy = at_scale(scales, 0.0), at_scale(scales, scale)
    return (over_draws(clean).mean, over_draws(noisy)) if clean and noisy else None


def _unscored(scored: Mapping[str, Mapping[float, Sequence[float]]], split: Split | None, scale: float) -> str:
    if split is None:
        return "without a score"
    if split not in scored:
        return "not evaluated"
    lost = "without noise" if not at_scale(scored[split], 0.0) else "at the noise scale of its training"
    return f"not evaluated {lost}"


def _training(study: Study, config: Mapping[str, Any]) -> dict[str, Any]:
    held = {name: value for name, value in DEFAULTS.items() if not name.startswith(_SCORING)} | dict(study.options)
    options = recipe(held, config) if study.trainer == "classification" else {**held, **config}
    kept = {name: plain(value) for name, value in options.items() if not name.startswith(_SCORING)}
    return {**{name: value for name, value in kept.items() if name not in _REPEATED}, "epochs": study.budget.epochs}


def _places(study: Study, config: Mapping[str, Any]) -> tuple[int, ...]:
    """Where each searched value stands in the study file."""
    places = []
    for name, domain in study.space.items():
        if name not in _REPEATED:
            values = [plain(value) for value in domain.grid() or ()]
            value = plain(config.get(name))
            places.append(values.index(value) if value in values else len(values))
    return tuple(places)
