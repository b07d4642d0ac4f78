"""Exports one trial's network: a folder that needs PyTorch and this package alone."""

import contextlib
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from analysis import records
from robustune import whole_trials
from robustune.aside import own_folder
from robustune.checks import unwritable
from robustune.errors import Mistake
from robustune.settings import Settings
from robustune.whole_trials import Recorded
from trainables.errors import TrainableError
from trainables.registry import has_network, vocabulary

CHOICE: Final = "choice.json"
"""What is written last: it says which trial of which study was chosen and why, and that the rest is whole."""
ASIDE: Final = ".robustune-export"
"""Folder in an export that is being written."""


def export(done: Recorded, number: int, told: Mapping[str, Any], settings: Settings, place: Path) -> dict[str, Path]:
    """Writes a whole trial's checkpoint, options, examples and a program that uses them; returns the paths by name.

    Args:
        done: whose trial.
        number: of the trial.
        told: goes into `choice.json` with what the ledger says of the trial.
        settings: where checkpoints and store are.
        place: a folder that is new, empty, or an earlier export.

    Raises:
        Mistake: FILES_EXIST, RESULTS_UNWRITABLE, CKPT_MISSING, CKPT_CORRUPT; CACHE_MISSING for data that the store
            lacks.
    """
    from trainables import exported  # late: it takes torch along

    _check_place(place)
    trainer = done.study.trainer
    data = whole_trials.data_of(done, settings) if has_network(trainer) else None
    drawn, laws = whole_trials.options_of(done, number), vocabulary(trainer)["options"]
    options = {name: drawn.get(name, law["default"]) for name, law in laws.items()}
    with own_folder("choose") as fetched:
        checkpoint = whole_trials.here(done, number, settings, fetched)
        try:
            with _whole(place) as aside:
                names = exported.export(trainer, options, data, checkpoint, aside)
                (aside / CHOICE).write_text(json.dumps({**_record(done, number), **told}, indent=2) + "\n")
        except TrainableError as error:
            raise Mistake.of(error, f"trial {number} of {done.study.name}", "CKPT_CORRUPT") from error
        except OSError as error:
            raise Mistake(
                "RESULTS_UNWRITABLE", f"{place}: the export cannot be written ({error}); name another folder by --out"
            ) from error
    return {name: place / name for name in (*names, CHOICE)}


@contextlib.contextmanager
def _whole(place: Path) -> Iterator[Path]:
    """Yields where to write; what is there at the end goes into `place`, `choice.json` last. After an error nothing.

    An earlier export loses its `choice.json` first: whoever finds one finds the rest of the same export.
    """
    aside = place / ASIDE
    shutil.rmtree(aside, ignore_errors=True)  # of an export that was killed
    aside.mkdir(parents=True)
    try:
        yield aside
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    (place / CHOICE).unlink(missing_ok=True)
    for path in sorted(aside.iterdir(), key=lambda path: path.name == CHOICE):
        path.replace(place / path.name)
    aside.rmdir()


def _check_place(place: Path) -> None:
    """A folder of other files is left alone: one of them may be called `example.py` too."""
    if place.exists() and not place.is_dir():
        raise Mistake("FILES_EXIST", f"--out {place}: is a file; name a folder")
    if found := unwritable(place, "--out"):
        raise Mistake("RESULTS_UNWRITABLE", found[0])
    ours = (place / CHOICE).is_file() or (place / ASIDE).is_dir()
    if place.is_dir() and not ours and any(place.iterdir()):
        raise Mistake("FILES_EXIST", f"--out {place}: holds files that are no export; name another folder")


def _record(done: Recorded, number: int) -> dict[str, Any]:
    row = next(row for row in done.trials.to_pylist() if row["number"] == number)
    return {
        "study": done.study.name,
        "study_digest": done.study.digest,
        "trial": number,
        "searched_scores": {metric: row[f"metrics.{metric}"] for metric in done.study.metrics},
        "checkpoint_sha256": whole_trials.checkpoint_of(done, number)[1],
        "data": done.study.data,
        "sets": {name: one["digest"] for name, one in records.sets(done.folder).items()},
        "versions": records.facts(done.folder)["versions"],
    }
