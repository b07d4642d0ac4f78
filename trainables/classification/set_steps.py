"""The steps that make sets of perturbed images. Torch-free."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from trainables.classification.options import ClassificationOptions, fooling_name
from trainables.classification.style_steps import STYLES, STYLISED, STYLISED_VERSION, styles_step
from trainables.preparation import Step

# Raise a number whenever its builder would make something else of the same arguments.
SOURCES_VERSION: Final = 1
SET_VERSION: Final = 1

PERTURBED_TRAINING: Final = "perturbed-training"
PERTURBED_VALIDATION: Final = "perturbed-validation"
HOLD_OUT: Final = "hold-out"
OUT_OF_DISTRIBUTION: Final = "out-of-distribution"
EVALUATION_SETS: Final = (PERTURBED_TRAINING, PERTURBED_VALIDATION, HOLD_OUT, OUT_OF_DISTRIBUTION)

_AUGMENTATION: Final = "augmentation"
_SPLITS: Final[Mapping[str, str]] = {
    _AUGMENTATION: "train",
    PERTURBED_TRAINING: "train",
    PERTURBED_VALIDATION: "validation",
    HOLD_OUT: "holdout",
    OUT_OF_DISTRIBUTION: "holdout",
}


def set_steps(held: ClassificationOptions, names: Iterable[str], seed: int) -> tuple[Step, ...]:
    """What builds these sets once there are data and a baseline: sources of their splits, styles, shards and sets.

    Args:
        held: options held by every trial, with all rates and extra sets that some trial may name.
        names: as in `set/NAME`.
        seed: of the study.

    Raises:
        TrainableError: as `styles_step`.
    """
    wanted = tuple(names)
    splits = dict.fromkeys(_SPLITS[_purpose(name)] for name in wanted)
    steps = [_sources_step(held, split, seed) for split in splits]
    if any(attack_of(held, name) == STYLISED for name in wanted):
        steps.append(styles_step(held))
    for name in wanted:
        steps += _shards_and_set(held, name, seed)
    return tuple(steps)


def attack_of(held: ClassificationOptions, name: str) -> str:
    """What makes a set, as `fooling-20`, `gaussian`, `pixel` or `stylised`."""
    if _purpose(name) == _AUGMENTATION:
        return name.removeprefix(f"{_AUGMENTATION}/")
    attack = held.out_of_distribution_attack if name == OUT_OF_DISTRIBUTION else held.evaluation_attack
    return fooling_name(held.evaluation_rate) if attack == "fooling" else attack


def _purpose(name: str) -> str:
    return name.partition("/")[0]


def _asked(held: ClassificationOptions, purpose: str) -> int:
    if purpose == _AUGMENTATION:
        return held.augmentation_images
    return held.out_of_distribution_images if purpose == OUT_OF_DISTRIBUTION else held.evaluation_images


def _sources_step(held: ClassificationOptions, split: str, seed: int) -> Step:
    wanted = {purpose: _asked(held, purpose) for purpose, place in _SPLITS.items() if place == split}
    arguments = {"split": split, "wanted": wanted, "seed": seed, "version": SOURCES_VERSION}
    if split == "train":
        arguments["training_images"] = held.training_images
    return Step(f"sources/{split}", "sources", arguments, ("data", "baseline"))


def _shards_and_set(held: ClassificationOptions, name: str, seed: int) -> list[Step]:
    purpose = _purpose(name)
    split = _SPLITS[purpose]
    stylised = attack_of(held, name) == STYLISED
    arguments = {
        "purpose": purpose,
        "split": split,
        **_attack_arguments(held, name),
        "seed": seed,
        "shards": held.set_shards,
        "version": STYLISED_VERSION if stylised else SET_VERSION,
    }
    after = ("data", STYLES if stylised else "baseline", f"sources/{split}")
    shards = [
        Step(f"set/{name}/{shard}", "set-shard", {**arguments, "shard": shard}, after)
        for shard in range(held.set_shards)
    ]
    # An image that does not fool the baseline says nothing where it is only scored; a style aims at no class.
    keep_all = stylised or (purpose == _AUGMENTATION and held.set_keep == "all")
    told = {**arguments, "asked": _asked(held, purpose), "keep_all": keep_all}
    return [*shards, Step(f"set/{name}", "set", told, tuple(shard.name for shard in shards))]


def _attack_arguments(held: ClassificationOptions, name: str) -> dict[str, Any]:
    """The attack's name and its own options, under the names that it gives them itself."""
    if attack_of(held, name) == STYLISED:
        return {"attack": STYLISED, "options": {"engine": held.stylisation}}
    rates = {fooling_name(rate): rate for rate in (*held.fooling_rates, held.evaluation_rate)}
    attack = attack_of(held, name)
    if attack not in rates:
        own = {
            option.removeprefix(f"{attack}_"): value
            for option, value in vars(held).items()
            if option.startswith(f"{attack}_")
        }
        return {"attack": attack, "options": {**own, "precision": held.attack_precision}}
    own = {
        "rate": rates[attack],
        "reference_size": held.rate_reference_size,
        "generation_size": held.generation_size,
        "precision": held.attack_precision,
    }
    return {"attack": "fooling", "options": own}
