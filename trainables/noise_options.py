"""What can be set of weight noise, in training and while scoring, in every trainer of networks. Torch-free."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

from trainables.architectures import NOISE_LAYERS
from trainables.laws import option

NOISE_BY_DEFAULT: Final = ("conv", "batch_norm")
NOISE_MAXIMA: Final = ("per_kernel", "per_layer")
MATCHED: Final = "matched"

_LAYERS: Final[Mapping[str, Any]] = {"items": {"type": "string", "enum": list(NOISE_LAYERS)}}
_NAMES: Final[Mapping[str, Any]] = {"items": {"type": "string"}}


@dataclasses.dataclass(frozen=True, kw_only=True)
class NoiseOptions:
    """The part of a trial's options that says under which weight noise it trains."""

    noise_scale: float = option(
        "number", 0.0, "weight noise in training: sigma as a share of the largest weight", minimum=0, maximum=1
    )
    noise_clip: float = option(
        "number", 2.0, "weight noise in training is clamped at this many sigma (alpha)", exclusiveMinimum=0
    )
    noise_targets: tuple[str, ...] = option(
        "array",
        NOISE_BY_DEFAULT,
        "layers whose weights get noise in training; 'norm' is every norm, batch norms among them; with none there is "
        "no noise",
        **_LAYERS,
    )
    noise_names: tuple[str, ...] = option(
        "array",
        ("*",),
        "patterns, as of a shell, of the names of those weights, such as 'layer4.*' or '*.conv1.weight'; one that "
        "matches is enough",
        **_NAMES,
    )
    noise_maximum: str = option(
        "string",
        "per_kernel",
        "largest weight that sigma is a share of: of each kernel of a convolution, or of the whole layer",
        enum=list(NOISE_MAXIMA),
    )
    noise_draw: str = option(
        "string",
        "per_step",
        "how often noise is drawn in training: anew in every step, or once for all steps of an epoch",
        enum=["per_step", "per_epoch"],
    )
    noise_gradient: str = option(
        "string",
        "recovered",
        "where noisy steps take gradients: clean weights are back before backward (in float32), or only after it",
        enum=["recovered", "perturbed"],
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScoredNoiseOptions(NoiseOptions):
    """The noise of training, and under which noise a trial is scored; the latter is fixed."""

    evaluation_noise: str = option(
        "string",
        "fixed",
        "noise of the scores under weight noise: 'fixed' as the evaluation_noise_* options say, the same in all "
        "trials, or 'matched': as each trial's own noise_* options of training say",
        enum=["fixed", MATCHED],
        fixed=True,
    )
    evaluation_noise_scale: float = option(
        "number", 0.1, "sigma of that noise as a share of the largest weight", minimum=0, maximum=1, fixed=True
    )
    evaluation_noise_clip: float = option(
        "number", 2.0, "that noise is clamped at this many sigma", exclusiveMinimum=0, fixed=True
    )
    evaluation_noise_targets: tuple[str, ...] = option(
        "array", NOISE_BY_DEFAULT, "layers whose weights get that noise, as noise_targets", **_LAYERS, fixed=True
    )
    evaluation_noise_names: tuple[str, ...] = option(
        "array", ("*",), "patterns of the names of those weights, as noise_names", **_NAMES, fixed=True
    )
    evaluation_noise_maximum: str = option(
        "string", "per_kernel", "largest weight that its sigma is a share of", enum=list(NOISE_MAXIMA), fixed=True
    )
    evaluation_noise_draws: int = option(
        "integer", 4, "draws that scores under weight noise are the mean of", minimum=1, fixed=True
    )
    evaluation_noise_images: int = option(
        "integer",
        0,
        "validation images in each draw of scores under weight noise, the first ones; 0 takes all",
        minimum=0,
        fixed=True,
    )


def conflicts(options: ScoredNoiseOptions) -> list[str]:
    """What is wrong with several of the options at once, a line each."""
    found = [
        f"{name}: {list(getattr(options, name))} names {what} twice"
        for name, what in _LISTS.items()
        if len(set(getattr(options, name))) != len(getattr(options, name))
    ]
    if options.evaluation_noise == MATCHED:
        found += [
            f"{name}: evaluation_noise = 'matched' takes the noise of training; leave it out"
            for name in _UNMATCHED
            if getattr(options, name) != _DEFAULTS[name]
        ]
    return found


def matched_told(options: Mapping[str, Any], metrics: Sequence[str], under_noise: Sequence[str]) -> list[str]:
    """What a study's reader should know of scores under noise that is matched, a line or none.

    Args:
        options: held by every trial.
        metrics: that trials report.
        under_noise: those of the trainer's metrics that are under weight noise.
    """
    asked = [metric for metric in metrics if metric in under_noise]
    if options.get("evaluation_noise") != MATCHED or not asked:
        return []
    return [
        f"{' and '.join(asked)}: with evaluation_noise = 'matched' each trial is scored under its own noise of "
        "training: good for a curve over noise_scale; a search would prefer trials with little noise"
    ]


_LISTS: Final = {
    f"{prefix}noise_{part}": what
    for prefix in ("", "evaluation_")
    for part, what in (("targets", "a layer"), ("names", "a pattern"))
}
_UNMATCHED: Final = tuple(f"evaluation_noise_{part}" for part in ("scale", "clip", "targets", "names", "maximum"))
_DEFAULTS: Final = {field.name: field.default for field in dataclasses.fields(ScoredNoiseOptions)}
