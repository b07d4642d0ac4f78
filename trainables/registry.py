"""Trainers by name, and what each understands as plain data. Importing this imports no torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from trainables.errors import TrainableError
from trainables.laws import fragments

if TYPE_CHECKING:
    from trainables.preparation import Step
    from trainables.trainer import Trainer


@dataclasses.dataclass(frozen=True)
class _Place:
    """Where a trainer's parts stand, as `module:attribute`; imported only when asked for.

    `clean` is the name of a metric.
    """

    options: str
    metrics: str
    data: str
    trainer: str
    planner: str
    measured: str = ""
    advice: str = ""
    not_data: str = ""
    evaluation: str = ""
    network: str = ""
    outcomes: str = ""
    clean: str = ""


_PLACES: Final[Mapping[str, _Place]] = {
    "classification": _Place(
        options="trainables.classification.options:ClassificationOptions",
        metrics="trainables.classification.vocabulary:METRICS",
        data="trainables.data.registry:data_sets",
        trainer="trainables.classification.trainer:ClassificationTrainer",
        planner="trainables.classification.planner:plan",
        measured="trainables.classification.measured:measured",
        advice="trainables.classification.measured:advice",
        not_data="trainables.data.registry:not_data",
        evaluation="trainables.classification.planner:evaluation_step",
        network="trainables.classification.trained:trained",
        clean="clean_accuracy",
        outcomes="trainables.classification.outcomes_step:outcomes_steps",
    ),
    "closed-form": _Place(
        options="trainables.closed_form:ClosedFormOptions",
        metrics="trainables.closed_form:METRICS",
        data="trainables.closed_form:data_sets",
        trainer="trainables.closed_form:ClosedFormTrainer",
        planner="trainables.closed_form:plan",
        outcomes="trainables.closed_form_outcomes:outcomes_steps",
    ),
    "segmentation": _Place(
        options="trainables.segmentation.options:SegmentationOptions",
        metrics="trainables.segmentation.vocabulary:METRICS",
        data="trainables.data.registry:masked_sets",
        trainer="trainables.segmentation.trainer:SegmentationTrainer",
        planner="trainables.segmentation.planner:plan",
        measured="trainables.segmentation.measured:measured",
        advice="trainables.segmentation.measured:advice",
        not_data="trainables.data.registry:not_masked",
        evaluation="trainables.segmentation.evaluation_step:evaluation_step",
        network="trainables.segmentation.trained:trained",
        clean="miou",
        outcomes="trainables.segmentation.outcomes_step:outcomes_steps",
    ),
}


def trainer_names() -> tuple[str, ...]:
    """Every registered trainer, in alphabetical order."""
    return tuple(sorted(_PLACES))


def vocabulary(name: str) -> dict[str, Any]:
    """Options, metrics and data sets that a trainer understands, as JSON-able data made without torch.

    `not_data` says of other names in the data library why they are no data set.

    Raises:
        TrainableError: TRAINER_UNKNOWN.
    """
    place = _place(name)
    return {
        "trainer": name,
        "options": fragments(_at(place.options)),
        "metrics": {metric: dict(law) for metric, law in _at(place.metrics).items()},
        "data": dict(_at(place.data)()),
        "not_data": dict(_at(place.not_data)()) if place.not_data else {},
    }


def vocabularies() -> dict[str, dict[str, Any]]:
    """The vocabulary of every registered trainer, by name."""
    return {name: vocabulary(name) for name in trainer_names()}


def load_options(name: str) -> type:
    """The options dataclass of a trainer's name; imports no torch."""
    options: type = _at(_place(name).options)
    return options


def load_trainer(name: str) -> type[Trainer]:
    """The trainer class of a name; imports torch."""
    trainer: type[Trainer] = _at(_place(name).trainer)
    return trainer


def load_planner(name: str) -> Callable[..., tuple[Step, ...]]:
    """The function that plans what a trainer needs prepared."""
    planner: Callable[..., tuple[Step, ...]] = _at(_place(name).planner)
    return planner


def load_measured(name: str) -> Callable[..., dict[str, list[tuple[int, str]]]]:
    """The function `(options, metrics, epochs)` that tells from which epoch on a metric is measured in which way.

    Metrics that are always measured alike may be left out; a trainer without such a function leaves out all. Imports
    no torch.
    """
    place = _place(name).measured
    return _at(place) if place else _nothing_measured


def load_advice(name: str) -> Callable[..., list[str]]:
    """The function `(options, possible, metrics)` that gives a study's reader lines of advice; imports no torch."""
    place = _place(name).advice
    return _at(place) if place else _no_advice


def load_evaluation(name: str) -> Callable[..., Step]:
    """The function `(name, options, checkpoint, sha256, sets, noise_scales)` that plans how a trial is evaluated.

    It takes a trial's options, drawn and held, its checkpoint's path and SHA-256, the study's plan with `hold_out`, and
    the scales of a curve over inference noise, none for the trainer's own. The builder of the step tells scores of
    images that no search saw. Imports no torch.

    Raises:
        TrainableError: OPTION_INVALID, where the trainer has no evaluation; TRAINER_UNKNOWN.
    """
    place = _place(name).evaluation
    if not place:
        able = ", ".join(other for other in trainer_names() if _PLACES[other].evaluation)
        raise TrainableError("OPTION_INVALID", f"the {name} trainer has no evaluation; those that have one: {able}")
    step: Callable[..., Step] = _at(place)
    return step


def load_outcomes(name: str) -> Callable[..., tuple[Step, ...]]:
    """The function `(name, options, checkpoint, sha256, sets, metrics, seed)` that plans how a net is confirmed.

    It takes a trial's options, drawn and held, a checkpoint's path and SHA-256, a plan with `hold_out`, the metrics of
    the search, and the seed of noise and attacks that all nets share. The builder of its last step writes
    `trainables.outcomes.OUTCOMES`. Imports no torch.

    Raises:
        TrainableError: OPTION_INVALID, where the trainer's trials cannot be confirmed; TRAINER_UNKNOWN.
    """
    place = _place(name).outcomes
    if not place:
        able = ", ".join(other for other in trainer_names() if _PLACES[other].outcomes)
        raise TrainableError(
            "OPTION_INVALID", f"the {name} trainer has no images that no search saw; those that have: {able}"
        )
    steps: Callable[..., tuple[Step, ...]] = _at(place)
    return steps


def load_network(name: str) -> Callable[..., Any]:
    """The function `(options, data, checkpoint)` that gives a trial's trained network; imports torch.

    It takes a trial's options, drawn and held, the folder of its data, and the path of a checkpoint.

    Raises:
        TrainableError: OPTION_INVALID, where the trainer has no network; TRAINER_UNKNOWN.
    """
    place = _place(name).network
    if not place:
        raise TrainableError("OPTION_INVALID", f"the {name} trainer has no network that could be explained")
    function: Callable[..., Any] = _at(place)
    return function


def has_network(name: str) -> bool:
    """Whether a trainer's trials leave a network; imports no torch."""
    return bool(_place(name).network)


def clean_metric(name: str) -> str:
    """The metric by which a trainer scores undisturbed images; "" where it has none."""
    return _place(name).clean


def _nothing_measured(
    options: Mapping[str, Any], metrics: Sequence[str], epochs: int
) -> dict[str, list[tuple[int, str]]]:
    return {}


def _no_advice(options: Mapping[str, Any], possible: Mapping[str, Sequence[Any]], metrics: Sequence[str]) -> list[str]:
    return []


def _place(name: str) -> _Place:
    if name not in _PLACES:
        raise TrainableError("TRAINER_UNKNOWN", f"there is no trainer {name!r}; there is {', '.join(trainer_names())}")
    return _PLACES[name]


def _at(place: str) -> Any:
    module, _, attribute = place.partition(":")
    return getattr(import_module(module), attribute)
