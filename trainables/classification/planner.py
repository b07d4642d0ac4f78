"""What a study of the classification trainer needs prepared. Torch-free."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from trainables import laws
from trainables.classification.corruption_steps import TEST_ERRORS, corruption_steps, under_corruption
from trainables.classification.network_options import ARCHITECTURE, architecture
from trainables.classification.noise_steps import noise_steps
from trainables.classification.options import ClassificationOptions, read, training_sets
from trainables.classification.set_steps import EVALUATION_SETS, attack_of, set_steps
from trainables.classification.style_steps import STYLES, STYLISED
from trainables.classification.vocabulary import METRICS, SCORED_ON
from trainables.data.pretexts import check_pretext
from trainables.errors import TrainableError
from trainables.given_files import absolute, content, sha256_of
from trainables.preparation import Step, data_step
from trainables.storage import is_uri

# Raise a number whenever its builder would make something else of the same arguments.
BASELINE_VERSION: Final = 2
START_VERSION: Final = 2
PRETEXT_VERSION: Final = 1
TRAINING_IMAGES_VERSION: Final = 1
EXAMPLES_VERSION: Final = 1
EVALUATION_VERSION: Final = 2

_SHAPES: Final = tuple(name for name in ARCHITECTURE if name not in ("activation", "input_size"))
"""What tells one network's weights from another's."""
_BASELINE: Final = (
    "baseline_epochs",
    "baseline_batch_size",
    "baseline_learning_rate",
    "baseline_start",
    "baseline_transform",
    "baseline_unfrozen_layers",
)


def plan(
    data: str,
    options: Mapping[str, Any],
    possible: Mapping[str, Sequence[Any]],
    metrics: Sequence[str],
    seed: int,
    hold_out: bool = False,
) -> tuple[Step, ...]:
    """The data, starting weights, the baseline, and every set of perturbed images that some trial may need.

    The baseline has the architecture held in the options, or the first of those searched; see
    `trainables.preparation.plan` for the arguments. With `hold_out` come all four sets that networks are scored on,
    whatever the metrics.

    Raises:
        TrainableError: OPTION_INVALID, METRIC_UNKNOWN.
    """
    laws.known(metrics, METRICS, "classification")
    searched = {name: list(values) for name, values in possible.items()}
    every = {name: _every(searched.pop(name, options.get(name, ()))) for name in ("fooling_rates", "extra_sets")}
    held = read({**_first_values(searched), **options, **every})
    starts = set(searched.get("start", [held.start]))
    _check_starts(held, searched, starts)
    sets = [*training_sets(held), *(name for metric, name in SCORED_ON.items() if metric in metrics)]
    if hold_out:
        sets = [*training_sets(held), *EVALUATION_SETS]
    with_baseline = bool(sets) or "baseline" in starts or under_corruption(metrics)
    if with_baseline and not held.baseline_weights:
        starts.add(held.baseline_start)
    steps = [data_step(data), *_start_steps(held, starts, data), *_training_images_steps(held)]
    if with_baseline:
        steps.append(_baseline_step(held, seed))
    corrupted = corruption_steps(data, held, options, possible, metrics, seed, hold_out)
    noise = noise_steps(held, options, possible, metrics)
    return (*steps, *noise, *set_steps(held, sets, seed), *corrupted)


def evaluation_step(
    name: str,
    options: Mapping[str, Any],
    checkpoint: str,
    sha256: str,
    sets: Sequence[Step],
    noise_scales: Sequence[float] = (),
) -> Step:
    """Scores one trial's checkpoint on clean images and on all perturbed sets, those that are held out among them.

    Where the plan has corrupted test images, it is scored on them too.

    Args:
        name: of the step, such as `evaluation/00012`.
        options: of the trial, drawn and held.
        checkpoint: path on the planning machine.
        sha256: of that file.
        sets: the study's plan with `hold_out`.
        noise_scales: none; no curve over weight noise is made here.

    Raises:
        TrainableError: OPTION_INVALID; SET_MISSING, where the plan lacks a set.
    """
    if noise_scales:
        raise TrainableError(
            "OPTION_INVALID",
            "noise scales: the classification trainer makes no curve over weight noise; leave them out",
        )
    held = read(options)
    after = ("data", *(f"set/{name}" for name in EVALUATION_SETS))
    missing = sorted(set(after) - {step.name for step in sets})
    if missing:
        raise TrainableError("SET_MISSING", f"{name}: the plan lacks {missing[0]}; plan with hold_out")
    arguments = {
        "options": architecture(held),
        "attacks": {name.replace("-", "_"): attack_of(held, name) for name in EVALUATION_SETS},
        "trained_on": list(training_sets(held)),
        "sha256": sha256,
        "version": EVALUATION_VERSION,
    }
    measured = next((step for step in sets if step.name == TEST_ERRORS), None)
    if measured is not None:
        told = ("split", "from_library", "corruptions")
        arguments["corrupted"] = {name: measured.arguments[name] for name in told}
        after = (*after, *(name for name in measured.after if name not in after), measured.name)
    return Step(name, "evaluation", arguments, after, here=True, places={"checkpoint": absolute(checkpoint)})


def examples_step(made: Step, count: int = 8, frames: int = 6, seed: int = 0) -> Step:
    """Draws images of a set, over its classes, with the attack on each of them step by step.

    Args:
        made: the step of kind `set`, from a plan.
        count: most images.
        frames: moments of each attack, the first and the last among them; at least 2.
        seed: of the draw of images.
    """
    name = made.name.removeprefix("set/")
    told = {name: made.arguments[name] for name in ("purpose", "split", "attack", "options", "seed")}
    arguments = {"set": name, "made": told, "count": count, "frames": frames, "seed": seed, "version": EXAMPLES_VERSION}
    after = ("data", "baseline", made.name, *((STYLES,) if made.arguments["attack"] == STYLISED else ()))
    return Step(f"examples/{name}", "examples", arguments, after)


def _every(values: Sequence[Any]) -> tuple[Any, ...]:
    """Every element among elements, or among the lists of them that a choice offers; in one order."""
    lists = (value if isinstance(value, list | tuple) else (value,) for value in values)
    elements = {value if isinstance(value, str) else float(value) for each in lists for value in each}
    return tuple(sorted(elements, key=lambda value: (isinstance(value, str), value)))


def _first_values(searched: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    return {name: searched[name][0] for name in ARCHITECTURE if searched.get(name)}


def _check_starts(held: ClassificationOptions, searched: Mapping[str, Sequence[Any]], starts: set[str]) -> None:
    shapes = [name for name in _SHAPES if len(set(searched.get(name, ()))) > 1]
    files = sorted(starts - {"scratch"})
    if shapes and files:
        raise TrainableError(
            "OPTION_INVALID",
            f"start: {files[0]!r} fits one architecture, {shapes[0]} is searched; hold it, or start afresh",
        )
    for start in starts:
        read({**_plain(held), "start": start})


def _plain(held: ClassificationOptions) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(held).items()}


def _start_steps(held: ClassificationOptions, starts: set[str], data: str) -> list[Step]:
    steps = []
    for start, named in (("pretrained", held.pretrained_path), ("checkpoint", held.checkpoint_path)):
        if start in starts:
            path = absolute(named)
            told = {"start": start, **content(path), "version": START_VERSION}
            places = {"path": path} if path else {}
            steps.append(Step(start, "start", {**architecture(held), **told}, ("data",), here=True, places=places))
    if "pretext" in starts:
        # No seed of the study: all studies share these weights, as they would share published ones.
        check_pretext(data)
        arguments = {**architecture(held), "data": data, "version": PRETEXT_VERSION}
        note = "trained once for all studies of this network; minutes on a CPU"
        steps.append(Step("pretext", "pretext", arguments, ("data",), note=note))
    return steps


def _training_images_steps(held: ClassificationOptions) -> list[Step]:
    if not held.training_images:
        return []
    arguments = {"training_images": held.training_images, "version": TRAINING_IMAGES_VERSION}
    return [Step("training-images", "training-images", arguments, ("data",))]


def _baseline_step(held: ClassificationOptions, seed: int) -> Step:
    shared = {"training_images": held.training_images, "version": BASELINE_VERSION}
    if held.baseline_weights:
        path = absolute(held.baseline_weights)
        if is_uri(path) and not held.baseline_sha256:
            raise TrainableError(
                "OPTION_INVALID", f"baseline_sha256: {path} lies elsewhere and is not read to plan; give its SHA-256"
            )
        arguments = {
            "options": architecture(held),
            "sha256": held.baseline_sha256.lower() or sha256_of(path),
            **shared,
        }
        return Step("baseline", "baseline", arguments, ("data",), here=True, places={"weights": path})
    chosen = architecture(held) | {name: getattr(held, name) for name in _BASELINE}
    # The file itself reaches the address by the digest of its step; here its path only keeps the options lawful.
    chosen["checkpoint_path"] = "prepared" if held.baseline_start == "checkpoint" else ""
    after = ("data",) if held.baseline_start == "scratch" else ("data", held.baseline_start)
    if held.training_images:
        after = (*after, "training-images")
    return Step("baseline", "baseline", {"options": chosen, "seed": seed, **shared}, after)
