"""What a study of the classification trainer needs prepared. Torch-free."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from trainables.classification.options import ClassificationOptions, read
from trainables.classification.vocabulary import METRICS
from trainables.errors import TrainableError
from trainables.preparation import Step

# Raise a number whenever its builder would make something else of the same arguments.
BASELINE_VERSION: Final = 1
FOOLING_VERSION: Final = 1

_ARCHITECTURE: Final = ("model", "width", "stem", "activation", "input_size")
_BASELINE: Final = ("baseline_epochs", "baseline_batch_size", "baseline_learning_rate", "baseline_start")
_FOOLING: Final = ("rate_reference_size", "fooling_images", "evaluation_images", "fooling_keep")
_PERTURBED: Final = {
    "perturbed_training_accuracy": "perturbed-training",
    "perturbed_validation_accuracy": "perturbed-validation",
}


def plan(
    data: str,
    options: Mapping[str, Any],
    possible: Mapping[str, Sequence[Any]],
    metrics: Sequence[str],
    seed: int,
) -> tuple[Step, ...]:
    """The data, the baseline, and one set of fooling images per rate and perturbed set that some trial may need.

    The baseline has the architecture held in the options, or the first of those searched; see
    `trainables.preparation.plan` for the arguments.

    Raises:
        TrainableError: OPTION_INVALID, METRIC_UNKNOWN.
    """
    unknown = sorted(set(metrics) - set(METRICS))
    if unknown:
        raise TrainableError("METRIC_UNKNOWN", f"classification does not report {unknown[0]!r}")
    searched = {name: list(values) for name, values in possible.items()}
    rates = sorted({float(rate) for rate in searched.pop("fooling_rates", options.get("fooling_rates", ()))})
    held = read({**_first_values(searched), **options, "fooling_rates": tuple(rates)})
    _check_starts(held, searched)
    wanted = [(f"train/{rate:g}", rate) for rate in rates]
    wanted += [(name, held.evaluation_rate) for metric, name in _PERTURBED.items() if metric in metrics]
    steps = [_data_step(data)]
    if wanted or "baseline" in _starts(held, searched):
        steps.append(_baseline_step(held, seed))
    for name, rate in wanted:
        steps.extend(_fooling_steps(held, name, rate, seed))
    return tuple(steps)


def _first_values(searched: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    return {name: searched[name][0] for name in _ARCHITECTURE if searched.get(name)}


def _starts(held: ClassificationOptions, searched: Mapping[str, Sequence[Any]]) -> set[str]:
    return set(searched.get("start", [held.start]))


def _check_starts(held: ClassificationOptions, searched: Mapping[str, Sequence[Any]]) -> None:
    shapes = [name for name in ("model", "width", "stem") if len(set(searched.get(name, ()))) > 1]
    if shapes and "baseline" in _starts(held, searched):
        raise TrainableError(
            "OPTION_INVALID",
            f"start: 'baseline' has one architecture, {shapes[0]} is searched; hold it, or leave it out",
        )
    _ = [read({**_plain(held), "start": start}) for start in _starts(held, searched)]


def _plain(held: ClassificationOptions) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(held).items()}


def _data_step(data: str) -> Step:
    from trainables.data.registry import CODE_VERSION

    return Step("data", "data", {"name": data, "version": CODE_VERSION})


def _baseline_step(held: ClassificationOptions, seed: int) -> Step:
    plain = _plain(held)
    names = [*_ARCHITECTURE, *_BASELINE]
    if held.baseline_start == "pretrained":
        names.append("pretrained_path")
    if held.baseline_start == "checkpoint":
        names.append("checkpoint_path")
    chosen = {name: plain[name] for name in names}
    return Step("baseline", "baseline", {"options": chosen, "seed": seed, "version": BASELINE_VERSION}, ("data",))


def _fooling_steps(held: ClassificationOptions, name: str, rate: float, seed: int) -> list[Step]:
    plain = _plain(held)
    arguments = {
        "set": name.split("/")[0],
        "rate": rate,
        "shards": held.fooling_shards,
        "seed": seed,
        "version": FOOLING_VERSION,
        **{option: plain[option] for option in (*_ARCHITECTURE, *_FOOLING)},
    }
    full = f"fooling/{name}"
    shards = [
        Step(f"{full}/{shard}", "fooling-shard", {**arguments, "shard": shard}, ("data", "baseline"))
        for shard in range(held.fooling_shards)
    ]
    return [*shards, Step(full, "fooling-set", arguments, tuple(shard.name for shard in shards))]
