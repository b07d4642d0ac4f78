"""What finished studies teach a new one before its first trial: `warm_start_from`."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from analysis import records
from analysis.measuring import way_at
from robustune import checks, relative
from robustune.errors import Mistake, readable
from robustune.settings import Settings
from robustune.standing import trials_left
from search_spaces import Study, active
from search_spaces.complaints import quote
from search_spaces.domains import same
from trainables.errors import TrainableError
from trainables.preparation import step_address
from trainables.registry import load_options

SHOWN: Final = 5
PLACES: Final = {"baseline_weights": "baseline_sha256"}
"""Options that say where a file is, and those that say what it holds."""


@dataclass(frozen=True)
class Lessons:
    """Trials of other studies that this one could have run, with their last scores, and what to tell of them."""

    rows: tuple[Mapping[str, Any], ...]
    told: tuple[str, ...]


def lessons(study: Study, settings: Settings) -> Lessons:
    """Gathers what the studies of `warm_start_from` teach: trials of full epochs that this study could have run.

    Only those: their options, whether searched, fixed or the trainer's defaults, have to be this study's where it
    holds them fixed, and within its domains where it searches them. All else would teach scores of other networks.

    Raises:
        Mistake: STUDY_MISSING, STUDY_UNFINISHED, STATE_CORRUPT, or WARM_START_UNFIT where a study teaches nothing.
    """
    rows: list[Mapping[str, Any]] = []
    told: list[str] = []
    for place, source in enumerate(study.warm_start_from):
        where = f"{study.name}: warm_start_from[{place}]"
        with readable():
            folder = _finished(study, source, settings, where)
            teacher = records.read_study(folder)
            if reason := _measured_otherwise(study, teacher, folder):
                raise Mistake("WARM_START_UNFIT", f"{where}: {folder}: {reason}; leave it out")
            found = _rows(study, teacher, folder)
        if not found.rows:
            raise Mistake("WARM_START_UNFIT", f"{where}: {folder} teaches nothing: {found.told[0]}; leave it out")
        rows += found.rows
        told.append(f"warm start from {teacher.name}: {found.told[0]}")
    return Lessons(tuple(rows), tuple(told))


def _finished(study: Study, source: str, settings: Settings, where: str) -> Path:
    folder = checks.begun(source, settings)
    if folder is None and source != study.name:
        raise Mistake(
            "STUDY_MISSING", f"{where}: no study {source!r} was begun in {settings.results_folder}; name a folder"
        )
    if folder is None or folder == (settings.results_folder / study.name).absolute():
        raise Mistake("WARM_START_UNFIT", f"{where}: a study cannot learn from itself; `robustune extend` adds trials")
    if left := trials_left(folder):
        raise Mistake(
            "STUDY_UNFINISHED",
            f"{where}: {folder} still has {left} of its trials to run; finish it first: `robustune resume {source}`",
        )
    return folder


def _measured_otherwise(study: Study, teacher: Study, folder: Path) -> str:
    """Why no score of the teacher can be compared with the study's; "" where they can be."""
    for what in ("trainer", "data"):
        here, there = getattr(study, what), getattr(teacher, what)
        if here != there:
            return f"its {what} is {quote(there)}, this study's {quote(here)}"
    if teacher.budget.epochs != study.budget.epochs:
        return f"its trials train {teacher.budget.epochs} epochs, this study's {study.budget.epochs}"
    needed = _needed(study)
    if missing := [name for name in needed if name not in teacher.metrics]:
        return f"it did not measure {', '.join(missing)}"
    here_ways, there_ways, last = relative.ways(study), records.measured(folder), study.budget.epochs
    for name in needed:
        if way_at(here_ways, name, last) != way_at(there_ways, name, last):
            return f"it measured {name} otherwise ({way_at(there_ways, name, last) or 'in one way'})"
    return "its images are others than this study's data holds now" if _other_images(study, folder) else ""


def _other_images(study: Study, folder: Path) -> bool:
    from robustune.preparation import steps

    recorded = str(records.sets(folder).get("data", {}).get("digest", ""))
    try:
        now = [step_address(step, {}) for step in steps(study) if step.name == "data"]
    except TrainableError:  # `checks` says what is wrong with the options
        return False
    return bool(recorded and now) and recorded not in now


def _rows(study: Study, teacher: Study, folder: Path) -> Lessons:
    """The teacher's trials that this study could have run, and one line that says of the others why not."""
    rows, outside, ended = [], Counter[str](), 0
    here = _effective(study, {})
    needed = _needed(study)
    for event in records.events(folder):
        if event.kind != "ended":
            continue
        ended += 1
        scores = {name: event.metrics.get(name, math.nan) for name in needed}
        if event.state != "complete" or not all(map(math.isfinite, scores.values())):
            outside["stopped early or failed"] += 1
            continue
        config, missed = _translated(study, here, _effective(teacher, event.config))
        if missed:
            outside[missed] += 1
        else:
            rows.append({"source": teacher.digest, "trial": event.trial, "config": config, "metrics": scores})
    others = "; ".join(f"{count} {reason}" for reason, count in outside.most_common(SHOWN))
    return Lessons(tuple(rows), (f"{len(rows)} of {ended} trials teach the sampler{f' ({others})' if others else ''}",))


def _effective(study: Study, config: Mapping[str, Any]) -> dict[str, Any]:
    """All options that a trial has, the trainer's defaults included; {} where the trainer no longer takes them."""
    try:
        made: Any = TypeAdapter(load_options(study.trainer)).validate_python({**study.options, **config})
    except (ValidationError, TrainableError):
        return {}
    return asdict(made)


def _needed(study: Study) -> list[str]:
    return [one.metric for one in study.objectives] + [one.metric for one in study.bounds]


def _translated(study: Study, here: Mapping[str, Any], there: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """A trial's options as a configuration of the study, or why it is none."""
    if not there or not here:
        return {}, "have options that the trainer no longer takes"
    for name, value in here.items():
        named = PLACES.get(name, name)
        if name not in study.space and not _alike(there[named], here[named]):
            return {}, f"have another {name} than {quote(value)}"
    config: dict[str, Any] = {}
    for name, domain in study.space.items():
        if not active(study.space, config, name):
            continue
        value = there[name]
        if not domain.contains(value):
            return {}, f"lie outside the domain of {name}"
        config[name] = list(value) if isinstance(value, tuple) else value
    return config, ""


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(same(left, right) for left, right in zip(one, other, strict=True))
    return same(one, other)


def wanting(study: Study, settings: Settings) -> Lessons | None:
    """Gathers what a study is still to be taught; None where it has no teachers, or was taught when it was begun.

    Raises:
        Mistake: as `lessons`.
    """
    folder = settings.results_folder / study.name
    with readable():
        if not study.warm_start_from or (checks.has_ledger(folder) and records.taught(folder) is not None):
            return None
    return lessons(study, settings)
