"""What a study of the classification trainer needs prepared. Torch-free."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from trainables import laws
from trainables.classification.options import ARCHITECTURE, ClassificationOptions, read, set_of
from trainables.classification.vocabulary import METRICS
from trainables.errors import TrainableError
from trainables.preparation import Step, data_step

# Raise a number whenever its builder would make something else of the same arguments.
BASELINE_VERSION: Final = 1
FOOLING_VERSION: Final = 1
START_VERSION: Final = 1

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
    laws.known(metrics, METRICS, "classification")
    searched = {name: list(values) for name, values in possible.items()}
    rates = _rates(searched.pop("fooling_rates", options.get("fooling_rates", ())))
    held = read({**_first_values(searched), **options, "fooling_rates": tuple(rates)})
    _check_starts(held, searched)
    wanted = [(set_of(rate), rate) for rate in rates]
    wanted += [(name, held.evaluation_rate) for metric, name in _PERTURBED.items() if metric in metrics]
    starts = _starts(held, searched)
    baseline_needed = bool(wanted) or "baseline" in starts
    files = starts | ({held.baseline_start} if baseline_needed else set())
    steps = [data_step(data), *(_start_step(held, start) for start in ("pretrained", "checkpoint") if start in files)]
    if baseline_needed:
        steps.append(_baseline_step(held, seed))
    for name, rate in wanted:
        steps.extend(_fooling_steps(held, name, rate, seed))
    return tuple(steps)


def _rates(values: Sequence[Any]) -> list[float]:
    """Every rate among rates, or among the lists of them that a choice offers."""
    lists = (value if isinstance(value, list | tuple) else (value,) for value in values)
    return sorted({float(rate) for rates in lists for rate in rates})


def _first_values(searched: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    return {name: searched[name][0] for name in ARCHITECTURE if searched.get(name)}


def _starts(held: ClassificationOptions, searched: Mapping[str, Sequence[Any]]) -> set[str]:
    return set(searched.get("start", [held.start]))


def _check_starts(held: ClassificationOptions, searched: Mapping[str, Sequence[Any]]) -> None:
    shapes = [name for name in ("model", "width", "stem") if len(set(searched.get(name, ()))) > 1]
    files = sorted(_starts(held, searched) - {"scratch"})
    if shapes and files:
        raise TrainableError(
            "OPTION_INVALID",
            f"start: {files[0]!r} fits one architecture, {shapes[0]} is searched; hold it, or start afresh",
        )
    for start in _starts(held, searched):
        read({**_plain(held), "start": start})


def _plain(held: ClassificationOptions) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(held).items()}


def _start_step(held: ClassificationOptions, start: str) -> Step:
    named = held.pretrained_path if start == "pretrained" else held.checkpoint_path
    path = str(Path(named).absolute()) if named else ""  # the builder may run in another directory
    chosen = {name: _plain(held)[name] for name in ARCHITECTURE}
    told = {"start": start, "path": path, "sha256": _sha256(path), "version": START_VERSION}
    return Step(start, "start", {**chosen, **told}, ("data",))


def _sha256(path: str) -> str:
    """Of a file that the planning machine has; a file under an old name with new content is another start."""
    if not path or not Path(path).is_file():
        return ""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _baseline_step(held: ClassificationOptions, seed: int) -> Step:
    plain = _plain(held)
    chosen = {name: plain[name] for name in (*ARCHITECTURE, *_BASELINE)}
    after = ("data",) if held.baseline_start == "scratch" else ("data", held.baseline_start)
    # The file itself reaches the address by the digest of its step; here its path only keeps the options lawful.
    chosen["checkpoint_path"] = "prepared" if held.baseline_start == "checkpoint" else ""
    return Step("baseline", "baseline", {"options": chosen, "seed": seed, "version": BASELINE_VERSION}, after)


def _fooling_steps(held: ClassificationOptions, name: str, rate: float, seed: int) -> list[Step]:
    plain = _plain(held)
    arguments = {
        "set": name.split("/")[0],
        "rate": rate,
        "shards": held.fooling_shards,
        "seed": seed,
        "version": FOOLING_VERSION,
        **{option: plain[option] for option in (*ARCHITECTURE, *_FOOLING)},
    }
    full = f"fooling/{name}"
    shards = [
        Step(f"{full}/{shard}", "fooling-shard", {**arguments, "shard": shard}, ("data", "baseline"))
        for shard in range(held.fooling_shards)
    ]
    return [*shards, Step(full, "fooling-set", arguments, tuple(shard.name for shard in shards))]
