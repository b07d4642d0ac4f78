"""What the trials of a finished search are worth on images that it never saw."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

from analysis import records
from analysis.evaluated import EVALUATION_FILE, OTHER_FILES
from analysis.figure_files import figure_files
from robustune import checks, classification_evaluation, segmentation_evaluation, whole_trials
from robustune.building import bring
from robustune.errors import Mistake, readable
from robustune.evaluation_reports import Report, Shown, Told
from robustune.preparation import Prepared, missing, needed, standing
from robustune.preparation import steps as planned_steps
from robustune.running import write_report
from robustune.screen import Screen
from robustune.sets import CORRUPTED, KIND
from robustune.settings import Settings
from robustune.tracking.attaching import attach
from robustune.tracking.closing import EVALUATION_FIGURES
from robustune.whole_trials import Recorded
from trainables.errors import TrainableError
from trainables.preparation import Step
from trainables.registry import load_evaluation
from trainables.storage import is_uri

REPORTS: Final[Mapping[str, Report]] = {
    "classification": classification_evaluation.REPORT,
    "segmentation": segmentation_evaluation.REPORT,
}
SHOWN: Final = (*figure_files(*EVALUATION_FIGURES), "report.html")


@dataclass(frozen=True)
class Evaluation:
    """What the evaluation of each trial says, by the trial's number, what to show of it, and the files that do."""

    folder: Path
    told: Told
    shown: Sequence[Shown]
    paths: Mapping[str, Path]


def evaluate(
    study: str,
    wanted: Sequence[int] | Literal["all"],
    settings: Settings,
    screen: Screen,
    noise_scales: Sequence[float] = (),
) -> Evaluation:
    """Scores trials of a finished study on images that its search never saw, each once: the store keeps it.

    What is scored and left is the trainer's own: sets of perturbed images and corruptions in classification, noise of
    several scales in segmentation.

    Args:
        study: name, study file or folder of a study that was begun.
        wanted: numbers of trials, or all that spent their full epochs; none means those of the front.
        settings: where results, store and MLflow are, and the cluster.
        screen: shows how it goes.
        noise_scales: of the curve over inference noise, where the trainer has one; none means its own.

    Raises:
        Mistake: STUDY_MISSING, STUDY_UNFINISHED, NO_FRONT, OPTION_INVALID for a trial without its full epochs or a
            trainer without evaluation, CKPT_MISSING, CKPT_CORRUPT, RESULTS_UNWRITABLE, and what building says.
    """
    folder = checks.stored(study, settings)
    settings = replace(settings, results=str(folder.parent))
    with readable():
        done = whole_trials.finished(folder, settings, load_evaluation, "what is evaluated is no longer searched")
    report = REPORTS[done.study.trainer]
    numbers = whole_trials.picked(done, wanted, "--trial")
    checks.check_building(done.study, settings)
    whole = planned_steps(done.study, hold_out=True)
    steps = {number: _step(done, number, whole, noise_scales) for number in numbers}
    planned = _read_by(whole, steps)
    built = bring([*planned, *_with_files(done, planned, steps, settings).values()], settings, screen)
    told = {number: built[step.name].summary for number, step in steps.items()}
    folder_of = _folder_of({number: built[step.name].digest for number, step in steps.items()}, settings)
    paths = _write(done, report, told, folder_of, built, planned)
    drawn = write_report(folder, settings.tracking)  # whose page shows what was evaluated
    pictures = {name: path for name, path in drawn.items() if name in SHOWN}
    written = {**paths, **pictures}
    attach(folder, settings.tracking, written.values(), "the evaluation", screen.say)
    return Evaluation(folder, told, report.shown(told), written)


def _step(done: Recorded, number: int, planned: Sequence[Step], noise_scales: Sequence[float]) -> Step:
    path, sha256 = whole_trials.checkpoint_of(done, number)
    options = whole_trials.options_of(done, number)
    make = load_evaluation(done.study.trainer)
    try:
        return make(f"evaluation/{number:05d}", options, path, sha256, planned, tuple(noise_scales))
    except TrainableError as error:
        raise Mistake.of(error, done.study.name, "OPTION_INVALID") from error


def _read_by(planned: Sequence[Step], steps: Mapping[int, Step]) -> list[Step]:
    """The sets, and what they and the evaluations read; weights that trials started from are not made again."""
    sets = [step for step in planned if step.kind in (KIND, *CORRUPTED)]
    return needed(planned, [*sets, *steps.values()])


def _folder_of(digests: Mapping[int, str], settings: Settings) -> Callable[[int], Path]:
    def folder(number: int) -> Path:
        from trainables.data.store import Store  # late: it takes torch along

        return Store(settings.store).open(digests[number]).path

    return folder


def _with_files(
    done: Recorded, planned: Sequence[Step], steps: Mapping[int, Step], settings: Settings
) -> dict[int, Step]:
    """The steps, each that is not built yet with a whole checkpoint to read."""
    everything = [*planned, *steps.values()]
    waiting = {step.name for step in missing(everything, standing(everything, settings.store))}
    return {
        number: _with_file(step, done, number, settings) if step.name in waiting else step
        for number, step in steps.items()
    }


def _with_file(step: Step, done: Recorded, number: int, settings: Settings) -> Step:
    found = whole_trials.whole_file(done, number, settings)
    # Storage that is a path is there on every node; the results folder, and what is fetched, may be the driver's own.
    here = settings.storage is None or is_uri(found)
    return replace(step, places={"checkpoint": found}, here=here)


def _write(
    done: Recorded,
    report: Report,
    told: Told,
    folder_of: Callable[[int], Path],
    built: Mapping[str, Prepared],
    planned: Sequence[Step],
) -> dict[str, Path]:
    """Writes a line for each trial (what was drawn, what the search saw, the scores) and the trainer's own files."""
    sets = {step.name: built[step.name].digest for step in planned if step.kind in (KIND, *CORRUPTED)}
    said = {"study": done.study.digest, "sets": json.dumps(sets), **report.said(told)}
    tables = {EVALUATION_FILE: _rows(done, report, told), **report.files(told, folder_of)}
    try:
        for name in OTHER_FILES:
            (done.folder / name).unlink(missing_ok=True)  # may be of a study that was in this folder before
        return {
            name: records.write_parquet(rows.replace_schema_metadata(said), done.folder / name)
            for name, rows in tables.items()
        }
    except OSError as error:
        raise Mistake(
            "RESULTS_UNWRITABLE",
            f"{done.folder}: the evaluation cannot be written ({error}); make room or give it write permission",
        ) from error


def _rows(done: Recorded, report: Report, told: Told) -> pa.Table:
    names = ["number", *(name for name in done.trials.column_names if name.startswith(("options.", "metrics.")))]
    order = pa.array(list(told), pa.int64())
    rows = done.trials.select(names).take(pc.index_in(order, done.trials["number"].combine_chunks()))
    for name, column in report.columns(told).items():
        rows = rows.append_column(name, column)
    return rows
