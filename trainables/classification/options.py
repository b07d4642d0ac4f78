"""What can be set for one classification trial. Torch-free, so that a study can be checked in a moment."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from trainables import laws, noise_options
from trainables.architectures import HEAD_ONLY, OWN_WIDTH, RESNETS, WHOLE_NET
from trainables.classification import network_options
from trainables.classification.augmentation_options import AugmentationOptions
from trainables.classification.augmentation_options import conflicts as augmentation_conflicts
from trainables.classification.baseline_options import BaselineOptions
from trainables.classification.corruption_options import ErrorOptions
from trainables.classification.network_options import NetworkOptions, has_published_shape
from trainables.classification.perturbed_set_options import ATTACKS, PerturbedSetOptions
from trainables.corruption_options import conflicts as corruption_conflicts
from trainables.laws import option
from trainables.noise_options import NoiseOptions, ScoredNoiseOptions
from trainables.training_options import TrainingOptions


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassificationOptions(
    # The last comes first where options are listed.
    ErrorOptions,
    ScoredNoiseOptions,
    BaselineOptions,
    PerturbedSetOptions,
    AugmentationOptions,
    NoiseOptions,
    TrainingOptions,
    NetworkOptions,
):
    """Everything about one trial that is not data, seed, epochs or hardware; a breach of any law raises ValueError.

    An option whose law says `fixed` stands in a study's `[options]` and never in its `[space]`: it shapes how
    trials are scored or what preparation makes, and scores are compared only where they were measured alike.
    """

    batch_size: int = laws.with_default(TrainingOptions, "batch_size", 64, "images per step, perturbed images included")
    evaluation_noise_images: int = laws.with_default(ScoredNoiseOptions, "evaluation_noise_images", 128)
    pgd_epsilon: float = option(
        "number", 0.01, "largest change of a pixel (of 0 to 1) in pgd_accuracy", minimum=0, maximum=1, fixed=True
    )
    pgd_steps: int = option("integer", 5, "gradient steps of pgd_accuracy", minimum=1, fixed=True)
    pgd_images: int = option("integer", 64, "validation images attacked for pgd_accuracy", minimum=1, fixed=True)

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if isinstance(getattr(self, field.name), list):
                object.__setattr__(self, field.name, tuple(getattr(self, field.name)))
        found = laws.complaints(self) or list(_conflicts(self))
        if found:
            raise ValueError("classification options: " + "; ".join(found))


def read(plain: Mapping[str, Any]) -> ClassificationOptions:
    """Options of a plain mapping.

    Raises:
        TrainableError: OPTION_INVALID, for an unknown name or a broken law.
    """
    return laws.read(ClassificationOptions, plain, "classification")


def training_sets(options: ClassificationOptions) -> tuple[str, ...]:
    """Names of the sets of perturbed images that a trial trains with, in the order of its options."""
    return tuple(f"augmentation/{name}" for name in (*map(fooling_name, options.fooling_rates), *options.extra_sets))


def fooling_name(rate: float) -> str:
    """Names the fooling images of a rate, as in `fooling-20`; rates that differ at all have different names."""
    return f"fooling-{repr(float(rate)).removesuffix('.0')}"


def _conflicts(options: ClassificationOptions) -> list[str]:
    """Laws over several options at once."""
    found = [
        *network_options.conflicts(options),
        *noise_options.conflicts(options),
        *augmentation_conflicts(options),
        *corruption_conflicts(options),
    ]
    found += [
        f"{name}: it counts residual stages, {options.model} has none; 0 trains the head, 5 everything"
        for name in ("unfrozen_layers", "baseline_unfrozen_layers")
        if options.model not in RESNETS and getattr(options, name) not in (HEAD_ONLY, WHOLE_NET)
    ]
    if _baseline_stays_random(options):
        found.append(
            f"baseline_unfrozen_layers: with {options.baseline_unfrozen_layers} the random layers of baseline_start = "
            "'scratch' never train; use 5, or another baseline_start"
        )
    if len(set(options.fooling_rates)) != len(options.fooling_rates):
        found.append(f"fooling_rates: {list(options.fooling_rates)} names a rate twice")
    if len(set(options.extra_sets)) != len(options.extra_sets):
        found.append(f"extra_sets: {list(options.extra_sets)} names a set twice")
    if options.evaluation_attack == options.out_of_distribution_attack:
        found.append(
            f"out_of_distribution_attack: {options.evaluation_attack!r} is the evaluation_attack too; "
            f"use another of {', '.join(name for name in ATTACKS if name != options.evaluation_attack)}"
        )
    starts = {options.start, options.baseline_start}
    if "pretrained" in starts and not has_published_shape(options):
        found.append(
            f"start: pretrained weights fit width {OWN_WIDTH}, stem 'imagenet' and the published patch_size and depth "
            "alone"
        )
    if "checkpoint" in starts and not options.checkpoint_path:
        found.append("checkpoint_path: start = 'checkpoint' needs a safetensors file here")
    return found


def _baseline_stays_random(options: ClassificationOptions) -> bool:
    some_frozen = options.baseline_unfrozen_layers < WHOLE_NET
    return some_frozen and options.baseline_start == "scratch" and not options.baseline_weights
