"""Explains what trials of a study learnt: their networks beside each other and beside the baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from analysis import records
from analysis.explained import FOLDER, Told
from robustune import checks, whole_trials
from robustune.aside import own_folder
from robustune.building import bring
from robustune.checks import unwritable
from robustune.errors import Mistake, readable
from robustune.preparation import needed
from robustune.preparation import steps as planned_steps
from robustune.screen import Screen
from robustune.settings import Settings
from robustune.tracking.attaching import attach
from robustune.whole_trials import Recorded
from search_spaces import Study
from trainables.checkpoints import WEIGHTS
from trainables.classification import network_options as classification
from trainables.errors import TrainableError
from trainables.registry import has_network, vocabulary
from trainables.segmentation import network_options as segmentation

if TYPE_CHECKING:
    from analysis.explain.explaining import Asked, Trained

MOST: Final = 5
"""Trials of one explanation: beside the baseline they have a colour each."""
BASELINE: Final = "baseline"
_ARCHITECTURE: Final = {
    "classification": classification.ARCHITECTURE,
    "segmentation": segmentation.ARCHITECTURE,
}


@dataclass(frozen=True)
class Explanation:
    """Where figures, page and tables of an explanation lie, by file name, and what should be known of it."""

    paths: Mapping[str, Path]
    trials: Sequence[int]
    notes: Sequence[str]


def explain(
    study: str, wanted: Sequence[int], asked: "Asked", settings: Settings, screen: Screen, out: Path | None = None
) -> Explanation:
    """Draws what the networks of whole trials do inside, the baseline's first where the study prepared one.

    The search may still be at work: validation images alone are shown, none that is held out.

    Args:
        study: name, study file or folder of a study that was begun.
        wanted: numbers of trials; none means the best of the front by each objective.
        asked: what the networks are shown.
        settings: where results, store and MLflow are, and the cluster where sets must be built again.
        screen: shows how it goes.
        out: folder for all files; None means `explain` in the study's.

    Raises:
        Mistake: STUDY_MISSING, NO_FRONT, OPTION_INVALID, CKPT_MISSING, CKPT_CORRUPT, IMAGES_UNREADABLE, SET_TOO_SMALL,
            RESULTS_UNWRITABLE, and what building says.
    """
    folder = checks.stored(study, settings)
    settings = replace(settings, results=str(folder.parent))
    with readable():
        done = whole_trials.recorded(folder)
    if not has_network(done.study.trainer):
        told = f"the {done.study.trainer} trainer has no network that could be explained"
        raise Mistake("OPTION_INVALID", f"{done.study.name}: {told}")
    numbers = _numbers(done, wanted)
    options = {number: whole_trials.options_of(done, number) for number in numbers}
    _check_alike(done.study, options)
    place = out or folder / FOLDER
    if found := unwritable(place, "--out"):
        raise Mistake("RESULTS_UNWRITABLE", found[0])
    with own_folder("explain") as aside:
        data, baseline = _prepared(done, options[numbers[0]], settings, screen)
        nets = [*baseline.nets, *_trained(done, options, settings, aside)]
        made = _written(done, nets, data, asked, place, Explanation({}, numbers, baseline.notes))
    attach(folder, settings.tracking, made.paths.values(), "the explanation", screen.say, under=FOLDER)
    return made


@dataclass(frozen=True)
class _Baseline:
    nets: "Sequence[Trained]" = ()
    notes: Sequence[str] = ()


def _numbers(done: Recorded, wanted: Sequence[int]) -> list[int]:
    numbers = whole_trials.picked(done, wanted, "--trials")
    if len(numbers) > MOST and wanted:
        raise Mistake("OPTION_INVALID", f"--trials: {len(numbers)} trials; {MOST} at most fit beside each other")
    return numbers if wanted else _best(done, numbers)


def _best(done: Recorded, numbers: Sequence[int]) -> list[int]:
    """Of the front the best by each objective, each once."""
    rows = {row["number"]: row for row in done.trials.to_pylist()}
    found = []
    for one in done.study.objectives[:MOST]:
        sign = -1 if one.goal == "max" else 1
        found.append(min(numbers, key=lambda number: sign * rows[number][f"metrics.{one.metric}"]))
    return list(dict.fromkeys(found))


def _architecture(study: Study, options: Mapping[str, Any]) -> dict[str, Any]:
    laws = vocabulary(study.trainer)["options"]
    return {name: options.get(name, laws[name]["default"]) for name in _ARCHITECTURE[study.trainer]}


def _check_alike(study: Study, options: Mapping[int, Mapping[str, Any]]) -> None:
    """Layers are shown beside each other, which networks of several architectures do not allow."""
    first = next(iter(options))
    ours = _architecture(study, options[first])
    for number, drawn in options.items():
        if others := _different(ours, _architecture(study, drawn)):
            raise Mistake(
                "OPTION_INVALID",
                f"--trials: trial {number} has another architecture than trial {first}: {', '.join(others)}; explain "
                "them one after the other, with --out for each",
            )


def _different(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    return [f"{name} {theirs[name]!r} instead of {law!r}" for name, law in ours.items() if theirs[name] != law]


def _prepared(done: Recorded, options: Mapping[str, Any], settings: Settings, screen: Screen) -> tuple[Path, _Baseline]:
    """The folder of the data, and the baseline where the study prepared one of the trials' architecture."""
    from analysis.explain.explaining import Trained  # late, as the store: they take torch along
    from trainables.data.store import Store

    try:
        planned = planned_steps(done.study)
    except TrainableError as error:
        raise Mistake.of(error, done.study.name, "OPTION_INVALID") from error
    wanted = [step for step in planned if step.name in ("data", BASELINE)]
    sets, store = records.sets(done.folder), Store(settings.store)
    digests = {step.name: sets[step.name]["digest"] for step in wanted if step.name in sets}
    if any(not store.has(digest) for digest in digests.values()) or "data" not in digests:
        digests = {name: one.digest for name, one in bring(needed(planned, wanted), settings, screen).items()}
    try:
        folders = {step.name: store.open(digests[step.name]).path for step in wanted}
    except TrainableError as error:
        raise Mistake.of(error, done.study.name, "CACHE_CORRUPT") from error
    if BASELINE not in folders:
        return folders["data"], _Baseline(notes=("the study prepared no baseline: trials are shown beside each other",))
    theirs = next(step.arguments["options"] for step in wanted if step.name == BASELINE)
    ours = _architecture(done.study, options)
    if others := _different(ours, _architecture(done.study, theirs)):
        note = f"the baseline is left out, since it has another architecture: {', '.join(others)}"
        return folders["data"], _Baseline(notes=(note,))
    return folders["data"], _Baseline(nets=(Trained(BASELINE, theirs, folders[BASELINE] / WEIGHTS),))


def _trained(
    done: Recorded, options: Mapping[int, Mapping[str, Any]], settings: Settings, aside: Path
) -> "list[Trained]":
    from analysis.explain.explaining import Trained  # late: it takes torch along

    return [
        Trained(f"trial {number}", drawn, whole_trials.here(done, number, settings, aside))
        for number, drawn in options.items()
    ]


def _written(
    done: Recorded, nets: "list[Trained]", data: Path, asked: "Asked", place: Path, told: Explanation
) -> Explanation:
    """Writes tables, figures and page."""
    from analysis import explain_report
    from analysis.explain.explaining import explain as make

    study = done.study
    said = Told(study.digest, study.name, tuple(told.trials), tuple(told.notes))
    try:
        place.mkdir(parents=True, exist_ok=True)
        tables = make(done.study.trainer, nets, data, asked, said, place)
        drawn = explain_report.write(done.folder, place)
    except TrainableError as error:
        raise Mistake.of(error, done.study.name, "CKPT_CORRUPT") from error
    except OSError as error:
        raise Mistake(
            "RESULTS_UNWRITABLE", f"{place}: the explanation cannot be written ({error}); name another folder by --out"
        ) from error
    return Explanation({**tables, **drawn}, told.trials, told.notes)
