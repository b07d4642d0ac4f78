"""Trials that spent their full epochs: picked by number, with what was drawn and the checkpoint that they left."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from analysis import front as fronts
from analysis import records
from robustune import checks
from robustune.checkpoints import fetched, whole_copy
from robustune.errors import Mistake
from robustune.ledger import Ledger
from robustune.settings import Settings
from robustune.standing import trials_left
from search_spaces import Study
from trainables.errors import TrainableError
from trainables.storage import is_uri


@dataclass(frozen=True)
class Recorded:
    """What a study recorded: its folder, its table of trials, and the newest checkpoint of each by its number."""

    study: Study
    folder: Path
    trials: pa.Table
    checkpoints: Mapping[int, tuple[int, str, str]]


def recorded(folder: Path) -> Recorded:
    """Returns what the ledger in a folder says.

    Raises:
        LedgerError: there is none, or it cannot be read.
    """
    return Recorded(records.read_study(folder), folder, records.trials(folder), records.checkpoints(folder))


def finished(folder: Path, settings: Settings, load: Callable[[str], Any], why: str) -> Recorded:
    """Returns what a search recorded that has ended, its ledger made anew from the storage where it is gone.

    Args:
        folder: of the study.
        settings: where its commits are published.
        load: raises a TrainableError where the study's trainer cannot do what is wanted.
        why: a search that goes on is refused, as a clause.

    Raises:
        Mistake: OPTION_INVALID; STUDY_UNFINISHED.
        LedgerError: there is no whole ledger.
    """
    if not checks.has_ledger(folder) and settings.segments is not None:
        Ledger.rebuild(folder, settings.segments)
    study = records.read_study(folder)
    try:
        load(study.trainer)
    except TrainableError as error:
        raise Mistake.of(error, study.name, "OPTION_INVALID") from error
    if left := trials_left(folder):
        raise Mistake(
            "STUDY_UNFINISHED",
            f"{folder}: {left} of its trials are still to run, and {why}; go on with it first: "
            f"`robustune resume {study.name}`",
        )
    return recorded(folder)


def picked(done: Recorded, wanted: Sequence[int] | Literal["all"], option: str) -> list[int]:
    """Returns the numbers of whole trials: those wanted, all of them, or of the front where none is wanted.

    Args:
        done: whose trials.
        wanted: numbers, each counted once.
        option: that names them on the command line.

    Raises:
        Mistake: NO_FRONT where there is none; OPTION_INVALID, naming every number that is no whole trial's.
    """
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
    complaints = [_complaint(number, rows.get(number), done, option) for number in dict.fromkeys(wanted)]
    if found := [text for text in complaints if text]:
        listed = ", ".join(map(str, complete)) or "none"
        raise Mistake("OPTION_INVALID", f"{'; '.join(found)}; trials with their full epochs: {listed}")
    return list(dict.fromkeys(wanted))


def checkpoint_of(done: Recorded, number: int) -> tuple[str, str]:
    """Returns path and SHA-256 of the checkpoint of a trial's last epoch, as committed.

    Raises:
        Mistake: CKPT_MISSING.
    """
    epoch, path, sha256 = done.checkpoints.get(number, (0, "", ""))
    if epoch != done.study.budget.epochs:
        raise Mistake("CKPT_MISSING", f"{done.folder}: trial {number} left no checkpoint of its last epoch")
    return path, sha256


def whole_file(done: Recorded, number: int, settings: Settings) -> str:
    """Returns where that checkpoint lies now, a path or a URI: whole by its SHA-256.

    Raises:
        Mistake: CKPT_MISSING, CKPT_CORRUPT.
    """
    path, sha256 = checkpoint_of(done, number)
    root = settings.checkpoints(done.study.name)
    return whole_copy(path, sha256, done.folder, root, number, f"trial {number} of {done.study.name}")


def here(done: Recorded, number: int, settings: Settings, aside: Path) -> Path:
    """Returns that checkpoint as a file of this machine, copied into the folder `aside` where it lies elsewhere.

    Raises:
        Mistake: CKPT_MISSING, CKPT_CORRUPT.
    """
    found = whole_file(done, number, settings)
    return fetched(found, f"trial-{number:05d}.safetensors", aside) if is_uri(found) else Path(found)


def data_of(done: Recorded, settings: Settings) -> Path:
    """Returns the folder of the images that the study's trials were trained on, as the store holds them.

    Raises:
        Mistake: CACHE_MISSING, CACHE_CORRUPT.
    """
    from trainables.data.store import Store  # late: it takes torch along

    digest = str(records.sets(done.folder).get("data", {}).get("digest", ""))
    try:
        return Store(settings.store).open(digest).path
    except TrainableError as error:
        raise Mistake.of(error, done.study.name, "CACHE_MISSING") from error


def options_of(done: Recorded, number: int) -> dict[str, Any]:
    """Returns a trial's options, drawn and held."""
    drawn = next(one.config for one in records.events(done.folder) if one.kind == "asked" and one.trial == number)
    return {**done.study.options, **drawn}


def _complaint(number: int, row: Mapping[str, Any] | None, done: Recorded, option: str) -> str:
    if row is None:
        return f"{option} {number}: there is none of that number"
    if row["state"] == "running":
        return f"{option} {number}: it is running, after {row['epochs']} of {done.study.budget.epochs} epochs"
    if row["state"] != "complete":
        ended = {"stopped": "was stopped", "failed": "failed"}[row["state"]]
        return f"{option} {number}: it {ended} after {row['epochs']} of {done.study.budget.epochs} epochs"
    return ""
