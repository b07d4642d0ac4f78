"""Reads a study's record from its folder, a Parquet file or MLflow; each becomes a folder with a ledger."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from analysis import ledger_copy, records, tracked
from analysis.confirmation.record import FOLDER
from analysis.evaluated import EVALUATION_FILE, OTHER_FILES
from analysis.ledger_copy import EpochCopy, TrialCopy, option
from analysis.schema import LedgerError
from search_spaces.study import Study

_OWN: Final = ("number", "state", "started", "ended", "ended_seq", "retries", "code", "reason", "checkpoint")
"""Columns that a trial is told by, whatever its study."""


def is_tracking(place: str) -> bool:
    """Returns whether a place is a tracking URI of MLflow, as against a path."""
    return place.startswith(("http://", "https://", "sqlite:"))


def told(place: str) -> str:
    """Returns the place as files and pages may say it: without the user and password that an address may hold."""
    if not place.startswith(("http://", "https://")):
        return place
    scheme, _, rest = place.partition("://")
    host, mark, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{mark}{path}"


def home(place: str) -> Path:
    """Returns where figures go by default: a study's folder, that of its Parquet file, else the working directory."""
    if is_tracking(place):
        return Path()
    return Path(place).parent if place.endswith(".parquet") else Path(place)


@contextmanager
def opened(place: str, name: str | None = None) -> Iterator[Path]:
    """Yields a folder whose ledger tells what is recorded at a place; one made for it is gone afterwards.

    From ledger, Parquet and MLflow `analysis.records.tables` then gives the same tables, times to a millisecond. A
    Parquet file of trials without `epochs.parquet` beside it knows the last epoch of each trial alone.

    Args:
        place: a study's folder, a Parquet file of its trials, or the URI of MLflow.
        name: of the study, where MLflow has several.

    Raises:
        LedgerError: there is no such study, or the file is none of its trials.
        Unreachable: MLflow does not answer.
    """
    if not is_tracking(place) and not place.endswith(".parquet"):
        yield Path(place)
        return
    with TemporaryDirectory(prefix="robustune-") as made:
        folder = Path(made) / "study"  # a folder of its own: studies that lie beside it would be other seeds of it
        folder.mkdir()
        if is_tracking(place):
            with records.tracking(place) as client:
                context, trials, parent = tracked.search(client, name, told(place))
                tracked.fetch_tables(client, parent, folder)
        else:
            context, trials = _of_parquet(Path(place))
            _link_tables(Path(place).absolute().parent, folder)
        yield ledger_copy.write(folder, context, trials)


def _of_parquet(path: Path) -> tuple[dict[str, Any], list[TrialCopy]]:
    table = _read(path)
    context = _context_of(table)
    would = "give a trials.parquet that this version wrote; `robustune front STUDY` writes it anew"
    if context is None:
        raise LedgerError(f"{path}: does not tell of a study's trials; {would}", missing=True)
    try:
        study = Study.from_json(json.dumps(context["study"]))
    except ValueError as error:
        raise LedgerError(f"{path}: tells of a study that this version cannot read; {would}") from error
    if lacking := [name for name in _columns(study) if name not in table.column_names]:
        raise LedgerError(f"{path}: lacks the column {lacking[0]}; {would}", missing=True)
    if unfit := _unfit(table, study):
        raise LedgerError(f"{path}: {unfit}; {would}")
    beside = path.parent / "epochs.parquet"
    later = _read(beside) if beside.is_file() else None
    same = later is not None and _context_of(later) == context
    epochs = _by_trial(later, study) if later is not None and same else None
    return context, [_trial(row, study, epochs) for row in table.to_pylist()]


def _context_of(table: pa.Table) -> dict[str, Any] | None:
    try:
        found = json.loads((table.schema.metadata or {}).get(records.CONTEXT_KEY, b"null"))
    except ValueError:
        return None
    return found if isinstance(found, dict) and found.keys() >= {"study", "sets"} else None


def _columns(study: Study) -> tuple[str, ...]:
    """What a trial is made of again."""
    scores = (f"metrics.{name}" for name in study.metrics)
    return (*_OWN, "epochs", "train_seconds", *scores, *(f"options.{name}" for name in study.space))


def _unfit(table: pa.Table, study: Study) -> str | None:
    """What of the columns no trial can be made of, or None."""
    for name in ("number", *(f"metrics.{metric}" for metric in study.metrics)):
        kind = table.schema.field(name).type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind)):
            return f"the column {name} holds no numbers"
    counted = pc.value_counts(table["number"]).to_pylist()
    twice = [told["values"] for told in counted if told["counts"] > 1]
    return f"trial {twice[0]} comes more than once" if twice else None


def _read(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except FileNotFoundError:
        raise LedgerError(f"{path}: there is no such file", missing=True) from None
    except (pa.ArrowInvalid, OSError) as error:
        raise LedgerError(f"{path}: no whole Parquet file ({' '.join(str(error).split())})") from error


def _by_trial(epochs: pa.Table, study: Study) -> dict[int, list[EpochCopy]]:
    found: dict[int, list[EpochCopy]] = {}
    for row in epochs.to_pylist():
        copy = EpochCopy(
            row["epoch"], _scores(row, study), row["train_seconds"], row["score_seconds"], row["recorded"], row["seq"]
        )
        found.setdefault(row["trial"], []).append(copy)
    return found


def _trial(row: dict[str, Any], study: Study, epochs: dict[int, list[EpochCopy]] | None) -> TrialCopy:
    if epochs is not None:
        known = epochs.get(row["number"], [])
    else:
        at = row["ended"] or row["started"]
        last = EpochCopy(row["epochs"], _scores(row, study), row["train_seconds"], 0.0, at)
        known = [last] if row["epochs"] else []
    return TrialCopy(
        **{name: row[name] for name in _OWN},
        config={
            name: option(domain, row[f"options.{name}"])
            for name, domain in study.space.items()
            if row[f"options.{name}"] is not None
        },
        epochs=known,
    )


def _scores(row: dict[str, Any], study: Study) -> dict[str, float]:
    found = {name: row[f"metrics.{name}"] for name in study.metrics}
    return {name: value for name, value in found.items() if value is not None}


def _link_tables(beside: Path, folder: Path) -> None:
    for name in (EVALUATION_FILE, *OTHER_FILES):
        if (beside / name).is_file():
            (folder / name).symlink_to(beside / name)
    if (beside / FOLDER).is_dir():
        (folder / FOLDER).symlink_to(beside / FOLDER)
