"""What the trials of a finished search are worth on images that it never saw: five sets, and corruptions."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc
from rich.box import SIMPLE_HEAD
from rich.table import Table

from analysis import front as fronts
from analysis import records
from analysis.evaluated import ERRORS_FILE, EVALUATION_FILE
from robustune import checks, corruption_evaluation
from robustune.building import bring
from robustune.checkpoints import whole_copy
from robustune.corruption_evaluation import under_corruptions
from robustune.errors import Mistake, readable
from robustune.ledger import Ledger
from robustune.preparation import Prepared, missing, standing
from robustune.running import write_report
from robustune.screen import Screen
from robustune.sets import CORRUPTED, KIND, with_hold_out
from robustune.settings import Settings
from robustune.standing import trials_left
from search_spaces import Study
from trainables.classification.planner import evaluation_step
from trainables.preparation import Step
from trainables.storage import is_uri

FIGURES: Final = ("evaluation", "corruption-errors", "corruption-ratios")
SHOWN: Final = (*(f"{name}.{kind}" for name in FIGURES for kind in ("png", "svg")), "report.html")
HEADS: Final = {
    "original": "original",
    "perturbed_training": "perturbed training",
    "perturbed_validation": "perturbed validation",
    "hold_out": "hold-out",
    "out_of_distribution": "out of distribution",
    "test": "clean test",
}


@dataclass(frozen=True)
class Evaluation:
    """What the evaluation of each trial says, by the trial's number, and the files that show it."""

    folder: Path
    told: Mapping[int, Mapping[str, Any]]
    paths: Mapping[str, Path]


@dataclass(frozen=True)
class Finished:
    """A finished study: its folder, its table of trials, and the newest checkpoint of each by its number."""

    study: Study
    folder: Path
    trials: pa.Table
    checkpoints: Mapping[int, tuple[int, str, str]]


def evaluate(study: str, wanted: Sequence[int] | Literal["all"], settings: Settings, screen: Screen) -> Evaluation:
    """Scores trials of a finished study on the five sets and the clean test images, each once: the store keeps it.

    Where a metric of the study is relative to the baseline's errors, corrupted test images come with them.

    Args:
        study: name, study file or folder of a study that was begun.
        wanted: numbers of trials, or all that spent their full epochs; none means those of the front.
        settings: where results and store are, and the cluster.
        screen: shows how it goes.

    Raises:
        Mistake: STUDY_MISSING, STUDY_UNFINISHED, NO_FRONT, OPTION_INVALID for a trial without its full epochs,
            CKPT_MISSING, CKPT_CORRUPT, RESULTS_UNWRITABLE, and what building says.
    """
    folder = checks.stored(study, settings)
    settings = replace(settings, results=str(folder.parent))
    with readable():
        done = _finished(folder, settings)
    numbers = _chosen(done, wanted)
    planned = with_hold_out(done.study, settings)
    steps = {number: _step(done, number, planned) for number in numbers}
    built = bring([*planned, *_with_files(done, planned, steps, settings).values()], settings, screen)
    told = {number: built[step.name].summary for number, step in steps.items()}
    paths = _write(done, told, built, planned)
    written = write_report(folder, settings.tracking)  # whose page shows what was evaluated
    shown = {name: path for name, path in written.items() if name in SHOWN}
    return Evaluation(folder, told, {**paths, **shown})


def table(told: Mapping[int, Mapping[str, Any]]) -> Table:
    """The scores, a line for each trial, under the number of images in each set."""
    shown = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))  # fits 80 columns
    shown.add_column("trial", justify="right", vertical="bottom")
    counts = next(iter(told.values()))["images"]
    for name, head in HEADS.items():
        words = "\n".join([*head.rsplit(" ", 1), f"{counts[name]:,}"])
        shown.add_column(words, justify="right", vertical="bottom")
    for number, one in told.items():
        shown.add_row(str(number), *(f"{one['accuracy'][name]:.4f}" for name in HEADS))
    return shown


def notes(told: Mapping[int, Mapping[str, Any]]) -> list[str]:
    """What must be known to read the scores: the attacks, and who picked the trials."""
    attacks: Mapping[str, str] = next(iter(told.values()))["attacks"]
    names = {
        attack: ", ".join(head for name, head in HEADS.items() if attacks.get(name) == attack)
        for attack in dict.fromkeys(attacks[name] for name in HEADS if name in attacks)
    }
    return [
        f"attacks, made for the baseline: {'; '.join(f'{attack} ({sets})' for attack, sets in names.items())}",
        "The search picked these trials by validation scores, which flatter them; hold-out, out-of-distribution and "
        "clean test images had no part in that. Each is one seed: intervals over seeds come with confirmation.",
    ]


def _finished(folder: Path, settings: Settings) -> Finished:
    if not checks.has_ledger(folder) and settings.segments is not None:
        Ledger.rebuild(folder, settings.segments)
    study = records.read_study(folder)
    if left := trials_left(folder):
        raise Mistake(
            "STUDY_UNFINISHED",
            f"{folder}: {left} of its trials are still to run, and what is evaluated is no longer searched; "
            f"go on with it first: `robustune resume {study.name}`",
        )
    return Finished(study, folder, records.trials(folder), records.checkpoints(folder))


def _chosen(done: Finished, wanted: Sequence[int] | Literal["all"]) -> list[int]:
    if not wanted:
        numbers: list[int] = fronts.front(done.trials, done.study)["number"].to_pylist()
        if not numbers:
            raise Mistake("NO_FRONT", f"{done.folder}: no trial of it spent its full epochs within the constraints")
        return numbers
    rows = {row["number"]: row for row in done.trials.select(["number", "state", "epochs"]).to_pylist()}
    complete = [number for number, row in rows.items() if row["state"] == "complete"]
    if wanted == "all":
        if not complete:
            raise Mistake("NO_FRONT", f"{done.folder}: no trial of it spent its full epochs")
        return complete
    complaints = [_complaint(number, rows.get(number), done) for number in dict.fromkeys(wanted)]
    if found := [text for text in complaints if text]:
        listed = ", ".join(map(str, complete)) or "none"
        raise Mistake("OPTION_INVALID", f"{'; '.join(found)}; trials with their full epochs: {listed}")
    return list(dict.fromkeys(wanted))


def _complaint(number: int, row: Mapping[str, Any] | None, done: Finished) -> str:
    if row is None:
        return f"--trial {number}: there is none of that number"
    if row["state"] != "complete":
        ended = {"stopped": "was stopped", "failed": "failed"}[row["state"]]
        return f"--trial {number}: it {ended} after {row['epochs']} of {done.study.budget.epochs} epochs"
    return ""


def _step(done: Finished, number: int, planned: Sequence[Step]) -> Step:
    epoch, path, sha256 = done.checkpoints.get(number, (0, "", ""))
    if epoch != done.study.budget.epochs:
        raise Mistake("CKPT_MISSING", f"{done.folder}: trial {number} left no checkpoint of its last epoch")
    drawn = next(one.config for one in records.events(done.folder) if one.kind == "asked" and one.trial == number)
    return evaluation_step(f"evaluation/{number:05d}", {**done.study.options, **drawn}, path, sha256, planned)


def _with_files(
    done: Finished, planned: Sequence[Step], steps: Mapping[int, Step], settings: Settings
) -> dict[int, Step]:
    """The steps, each that is not built yet with a whole checkpoint to read."""
    everything = [*planned, *steps.values()]
    waiting = {step.name for step in missing(everything, standing(everything, settings.store))}
    return {
        number: _with_file(step, done, number, settings) if step.name in waiting else step
        for number, step in steps.items()
    }


def _with_file(step: Step, done: Finished, number: int, settings: Settings) -> Step:
    _, path, sha256 = done.checkpoints[number]
    root = settings.checkpoints(done.study.name)
    found = whole_copy(path, sha256, done.folder, root, number, f"trial {number} of {done.study.name}")
    # Storage that is a path is there on every node; the results folder, and what is fetched, may be the driver's own.
    here = settings.storage is None or is_uri(found)
    return replace(step, places={"checkpoint": found}, here=here)


def _write(
    done: Finished, told: Mapping[int, Mapping[str, Any]], built: Mapping[str, Prepared], planned: Sequence[Step]
) -> dict[str, Path]:
    """Writes a line for each trial: what was drawn, what the search saw, and the scores with their counts.

    Where trials were scored under corruptions, every error rate is written too, a line each.
    """
    sets = {step.name: built[step.name].digest for step in planned if step.kind in (KIND, *CORRUPTED)}
    attacks = next(iter(told.values()))["attacks"]
    said = {"study": done.study.digest, "sets": json.dumps(sets), "attacks": json.dumps(attacks)}
    tables = {EVALUATION_FILE: _rows(done, told)}
    if corrupted := under_corruptions(told):
        said["corruption"] = json.dumps(corruption_evaluation.said(corrupted))
        for name, column in corruption_evaluation.columns(corrupted).items():
            tables[EVALUATION_FILE] = tables[EVALUATION_FILE].append_column(name, column)
        tables[ERRORS_FILE] = corruption_evaluation.errors(corrupted)
    try:
        (done.folder / ERRORS_FILE).unlink(missing_ok=True)  # may be of a study that was in this folder before
        return {
            name: records.write_parquet(rows.replace_schema_metadata(said), done.folder / name)
            for name, rows in tables.items()
        }
    except OSError as error:
        raise Mistake(
            "RESULTS_UNWRITABLE",
            f"{done.folder}: the evaluation cannot be written ({error}); make room or give it write permission",
        ) from error


def _rows(done: Finished, told: Mapping[int, Mapping[str, Any]]) -> pa.Table:
    names = ["number", *(name for name in done.trials.column_names if name.startswith(("options.", "metrics.")))]
    order = pa.array(list(told), pa.int64())
    rows = done.trials.select(names).take(pc.index_in(order, done.trials["number"].combine_chunks()))
    for part, kind in (("accuracy", pa.float64()), ("clean", pa.float64()), ("images", pa.int64())):
        there = {name for one in told.values() for name in one[part]}
        for name in (name for name in HEADS if name in there):
            rows = rows.append_column(f"{part}.{name}", pa.array([one[part].get(name) for one in told.values()], kind))
    return rows
