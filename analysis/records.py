"""Reads what a study recorded: its ledger as events in the order they happened, and as Arrow tables."""

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from analysis import measuring
from analysis.replacing import replacing
from analysis.schema import LEDGER_FILE, SCHEMA, SCHEMA_VERSION, STATES, LedgerError, check, reading
from search_spaces.domains import Choice, Domain, Subset, Whole
from search_spaces.study import Study

__all__ = [
    "LEDGER_FILE",
    "SCHEMA",
    "SCHEMA_VERSION",
    "STATES",
    "Event",
    "LedgerError",
    "Unreachable",
    "check",
    "checkpoints",
    "context",
    "counts",
    "driver_seconds",
    "epochs",
    "events",
    "export",
    "extended",
    "facts",
    "measured",
    "order",
    "read_study",
    "sets",
    "tables",
    "taught",
    "tracking",
    "trials",
    "versions",
    "write_parquet",
]


CONTEXT_KEY: Final = b"record"
"""Under which a table of trials or epochs keeps its `context` as JSON in its schema's metadata."""


class Unreachable(Exception):
    """MLflow does not answer, or there is no database; the message says where."""


@dataclass(frozen=True)
class Event:
    """One thing that happened to a trial; `seq` grows by the order of happening and is never used twice.

    `config` and `attributes` (the sampler's own) are always the trial's; `epoch`, `metrics` and `seconds` (train,
    score) are those of a reported epoch, for an ending those of the trial's last one; `state`, `code` and `reason`
    belong to an ending. `recorded` is unix time and only for people.
    """

    seq: int
    kind: Literal["asked", "reported", "ended"]
    trial: int
    config: Mapping[str, Any]
    attributes: Mapping[str, Any]
    recorded: float
    seed: int = 0
    epoch: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    seconds: tuple[float, float] = (0.0, 0.0)
    state: str = "running"
    code: str | None = None
    reason: str | None = None


def facts(folder: Path) -> dict[str, Any]:
    """Returns what the ledger says of the study itself: name, digest, seed, created, versions, source and so on."""
    with reading(folder) as connection:
        found: dict[str, Any] = dict(connection.execute("SELECT key, value FROM study"))
    numbers = {
        key: json.loads(found[key]) for key in ("schema_version", "created", "seed", "versions", "seq", "commits")
    }
    return {**found, **numbers, "measured": measuring.read(found.get("measured", "{}"))}


def measured(folder: Path) -> dict[str, list[tuple[int, str]]]:
    """Returns the ways in which each relative metric is measured: the first epoch of the way, and what it is.

    Scores of two epochs that were measured in different ways are not comparable. A metric that is not there is measured
    in one way; a ledger of before there were several says nothing, and every metric is.
    """
    with reading(folder) as connection:
        return _measured(connection)


def read_study(folder: Path) -> Study:
    """Returns the study as it was frozen when its first trial was asked for."""
    with reading(folder) as connection:
        return _study(connection)


def sets(folder: Path) -> dict[str, dict[str, Any]]:
    """Returns the sets that the study uses, by name: `digest` and what was measured when it was built."""
    with reading(folder) as connection:
        rows = connection.execute("SELECT name, digest, summary FROM sets ORDER BY name").fetchall()
    return {name: {**json.loads(summary), "digest": digest} for name, digest, summary in rows}


def context(folder: Path) -> dict[str, Any]:
    """Returns what the tables mean nothing without, JSON-able: `study`, `measured`, `sets`, and its `end`."""
    with reading(folder) as connection:
        return _context(connection)


def order(folder: Path, trial: int) -> tuple[list[int], int, str | None]:
    """Returns when things happened to a trial (asked, each epoch, ended), its retries, and its newest checkpoint."""
    with reading(folder) as connection:
        asked, ended, retries, checkpoint = connection.execute(_ORDER_QUERY, (trial,)).fetchone()
        reported = connection.execute("SELECT seq FROM epochs WHERE trial = ? ORDER BY epoch", (trial,)).fetchall()
    return [asked, *(seq for (seq,) in reported), *([ended] if ended else [])], retries, checkpoint


def checkpoints(folder: Path) -> dict[int, tuple[int, str, str]]:
    """Returns the newest checkpoint of every trial that has one, by trial: its epoch, path and SHA-256."""
    with reading(folder) as connection:
        rows = connection.execute("SELECT trial, epoch, path, sha256 FROM checkpoints ORDER BY trial, epoch").fetchall()
    return {trial: (epoch, path, sha256) for trial, epoch, path, sha256 in rows}


def versions(folder: Path, seq: int) -> dict[str, str]:
    """Returns the versions of the software that the driver ran which committed the event numbered `seq`."""
    with reading(folder) as connection:
        query = "SELECT versions FROM sessions WHERE seq <= ? ORDER BY id DESC LIMIT 1"
        row = connection.execute(query, (seq,)).fetchone()
    return dict(json.loads(row[0])) if row else {}


def driver_seconds(folder: Path, until: float | None = None) -> float:
    """Returns the wall clock that drivers have spent on the study, in seconds, all sessions together.

    A session that was killed lasted until the last thing that it recorded.

    Args:
        folder: of the study.
        until: unix time to which the newest session is counted where it has not ended; None: as one that was killed.
    """
    with reading(folder) as connection:
        sessions = connection.execute("SELECT seq, started, ended FROM sessions ORDER BY id").fetchall()
        recorded = sorted(connection.execute(_TIMES_QUERY).fetchall())
    total = 0.0
    for place, (seq, started, ended) in enumerate(sessions):
        newest = place == len(sessions) - 1
        following = None if newest else sessions[place + 1][0]
        if ended is None:
            within = [at for number, at in recorded if seq < number and (following is None or number < following)]
            ended = until if newest and until is not None else max([started, *within])
        total += max(0.0, ended - started)  # a clock may have been turned back
    return total


def extended(folder: Path) -> int:
    """Returns the event after which the study's budget was last extended; 0 where it never was."""
    with reading(folder) as connection:
        row = connection.execute("SELECT value FROM study WHERE key = 'extended'").fetchone()
    return int(json.loads(row[0])[-1]["seq"]) if row else 0


def taught(folder: Path) -> list[tuple[dict[str, Any], dict[str, float]]] | None:
    """Returns what other studies taught this one, in order: configurations of its space and their last scores.

    None where nothing was taught yet, and [] is never.
    """
    with reading(folder) as connection:
        if connection.execute("SELECT 1 FROM study WHERE key = 'taught'").fetchone() is None:
            return None
        rows = connection.execute("SELECT config, metrics FROM taught ORDER BY number").fetchall()
    return [(json.loads(config), json.loads(metrics)) for config, metrics in rows]


def counts(folder: Path) -> dict[str, int]:
    """Returns how many trials are in each state; every state is there."""
    with reading(folder) as connection:
        found = dict(connection.execute("SELECT state, count(*) FROM trials GROUP BY state"))
    return {state: int(found.get(state, 0)) for state in STATES}


def events(folder: Path, after: int = 0) -> Iterator[Event]:
    """Yields everything that happened past the event numbered `after`, in the order it happened.

    Epochs that a resumed trial took back are not among them; it reports them again, under new numbers.
    """
    configs: dict[int, tuple[Any, Any]] = {}  # of trials in flight; read once, though each of their events has them
    with reading(folder) as connection:
        # The rows come one by one: they are ordered by indices, and whoever takes the first ones pays for no more.
        for row in connection.execute(_EVENTS_QUERY, {"after": after}):
            seq, kind, trial, config, attributes, recorded, seed, epoch, metrics, trained, scored, *ending = row
            if trial not in configs:
                configs[trial] = (json.loads(config), json.loads(attributes))
            own = configs.pop(trial) if kind == "ended" else configs[trial]
            yield Event(
                seq=seq,
                kind=kind,
                trial=trial,
                config=own[0],
                attributes=own[1],
                recorded=recorded,
                seed=seed,
                epoch=epoch or 0,
                metrics=json.loads(metrics or "{}"),
                seconds=(trained or 0.0, scored or 0.0),
                state=ending[0],
                code=ending[1],
                reason=ending[2],
            )


@contextmanager
def tracking(uri: str) -> Iterator[Any]:
    """Yields MLflow's own client of a tracking URI; this alone imports MLflow here.

    Raises:
        Unreachable: also for whatever MLflow says while the client is used.
    """
    if uri.startswith("sqlite:"):
        _check_database(uri)
    # With the server down one call would wait four minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient
    from mlflow.utils.logging_utils import should_suppress_logs_in_thread

    should_suppress_logs_in_thread.set(True)  # type: ignore[no-untyped-call]  # Alembic's lines
    try:
        yield MlflowClient(tracking_uri=uri)
    except MlflowException as error:
        raise Unreachable(f"{uri.rpartition('@')[2]}: MLflow does not answer ({str(error)[:200]})") from error
    finally:
        should_suppress_logs_in_thread.set(False)  # type: ignore[no-untyped-call]


def asked(credentials: Any, address: str, wanted: Mapping[str, Any]) -> Any:
    """Returns the answer of an MLflow server to a GET, asked as its client asks."""
    from mlflow.utils.rest_utils import http_request

    return http_request(credentials, address, "GET", params=wanted)  # type: ignore[no-untyped-call]


def tables(folder: Path) -> tuple[Study, pa.Table, pa.Table]:
    """Returns the study, its trials and its epochs as they were at one moment, also while a search is at work.

    Raises:
        LedgerError: no ledger in the folder, or one that cannot be read.
    """
    with reading(folder) as connection:
        study = _study(connection)
        return study, _trials(connection, study), _epochs(connection, study)


def trials(folder: Path) -> pa.Table:
    """Returns one row per trial, by number, with the scores of its LAST epoch; absent options and scores are null.

    A score is also null where the trial's last epoch was not measured as the study's last epoch is: the reduced mce of
    a trial that was stopped early never stands in a column beside full ones. `epochs` has it, and the ways of measuring
    stand in both schemas' metadata (`analysis.measuring.ways_of`).

    Columns: number, state, epochs, options.NAME, metrics.NAME, train_seconds (sum of its epochs), retries, code,
    reason, checkpoint (path of the newest one), started, ended (unix seconds), ended_seq (order of ending).
    """
    with reading(folder) as connection:
        return _trials(connection, _study(connection))


def epochs(folder: Path) -> pa.Table:
    """Returns one row per recorded epoch, by trial and epoch: metrics.NAME, seconds, time of recording, seq.

    Scores of one epoch are comparable between trials; those of two epochs only where `analysis.measuring` says so.
    """
    with reading(folder) as connection:
        return _epochs(connection, _study(connection))


def option_column(domain: Domain, values: Sequence[Any]) -> pa.Array:
    """Returns one searched option as a column of its domain's type, null where it was not drawn.

    A subset is text, "5+20" ("" where empty), and so is a choice among values of several types.
    """
    if isinstance(domain, Subset):
        return pa.array([None if value is None else "+".join(map(str, value)) for value in values], pa.string())
    if isinstance(domain, Choice):
        kinds = {type(value) for value in domain.values}
    else:
        kinds = {int} if isinstance(domain, Whole) else {float}
    if kinds <= {int, float} and float in kinds:
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds == {int}:
        return pa.array(values, pa.int64())
    return pa.array([None if value is None else str(value) for value in values], pa.string())


def export(folder: Path, to: Path | None = None) -> dict[str, Path]:
    """Writes `trials.parquet` and `epochs.parquet` into the study's folder, or into `to`, and returns their paths."""
    target = Path(to or folder)
    tables = {"trials.parquet": trials(folder), "epochs.parquet": epochs(folder)}
    return {name: write_parquet(table, target / name) for name, table in tables.items()}


def write_parquet(table: pa.Table, path: Path) -> Path:
    """Writes the table aside and renames it, so a reader never sees half of one."""
    with replacing(path) as aside:
        pq.write_table(table, aside, compression="zstd")
    return path


def _check_database(uri: str) -> None:
    """MLflow would make a database where there is none, and its tables in one that is not its own."""
    path = Path(uri.removeprefix("sqlite:///").partition("?")[0]).absolute()
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'experiments'").fetchone()
    except sqlite3.DatabaseError as error:
        raise Unreachable(f"{uri}: no database of MLflow that could be read ({error})") from error
    if known is None:
        raise Unreachable(f"{uri}: a database, but not one of MLflow")


def _study(connection: sqlite3.Connection) -> Study:
    (text,) = connection.execute("SELECT value FROM study WHERE key = 'study'").fetchone()
    return Study.from_json(text)


def _measured(connection: sqlite3.Connection) -> dict[str, list[tuple[int, str]]]:
    row = connection.execute("SELECT value FROM study WHERE key = 'measured'").fetchone()
    return measuring.read(row[0] if row else "{}")


def _context(connection: sqlite3.Connection) -> dict[str, Any]:
    (study,) = connection.execute("SELECT value FROM study WHERE key = 'study'").fetchone()
    rows = connection.execute("SELECT name, digest, summary FROM sets ORDER BY name").fetchall()
    end = connection.execute("SELECT value FROM study WHERE key = 'end'").fetchone()
    return {
        "study": json.loads(study),
        "measured": _measured(connection),
        "end": json.loads(end[0]) if end else None,
        "sets": {name: {**json.loads(summary), "digest": digest} for name, digest, summary in rows},
    }


def _carrying(columns: Mapping[str, pa.Array], connection: sqlite3.Connection) -> pa.Table:
    metadata = {CONTEXT_KEY: json.dumps(_context(connection))}
    if ways := _measured(connection):
        metadata[measuring.KEY] = measuring.text_of(ways)
    return pa.table(dict(columns), metadata=metadata)


def _trials(connection: sqlite3.Connection, study: Study) -> pa.Table:
    rows = connection.execute(_TRIALS_QUERY).fetchall()
    columns: dict[str, pa.Array] = {
        "number": pa.array([row[0] for row in rows], pa.int64()),
        "state": pa.array([row[1] for row in rows], pa.string()),
        "epochs": pa.array([row[2] for row in rows], pa.int64()),
    }
    configs = [json.loads(row[3]) for row in rows]
    for name, domain in study.space.items():
        columns[f"options.{name}"] = option_column(domain, [config.get(name) for config in configs])
    scores = [json.loads(row[4] or "{}") for row in rows]
    ways, last = _measured(connection), study.budget.epochs
    for name in study.metrics:
        alike = [measuring.measured_alike(ways, name, row[2], last) for row in rows]
        values = [score.get(name) if same else None for score, same in zip(scores, alike, strict=True)]
        columns[f"metrics.{name}"] = pa.array(values, pa.float64())
    rest = (
        ("train_seconds", pa.float64()),
        ("retries", pa.int64()),
        ("code", pa.string()),
        ("reason", pa.string()),
        ("checkpoint", pa.string()),
        ("started", pa.float64()),
        ("ended", pa.float64()),
        ("ended_seq", pa.int64()),
    )
    for place, (name, kind) in enumerate(rest, start=5):
        columns[name] = pa.array([row[place] for row in rows], kind)
    return _carrying(columns, connection)


def _epochs(connection: sqlite3.Connection, study: Study) -> pa.Table:
    rows = connection.execute(
        "SELECT trial, epoch, metrics, train_seconds, score_seconds, recorded, seq FROM epochs ORDER BY trial, epoch"
    ).fetchall()
    scores = [json.loads(row[2]) for row in rows]
    return _carrying(
        {
            "trial": pa.array([row[0] for row in rows], pa.int64()),
            "epoch": pa.array([row[1] for row in rows], pa.int64()),
            **{f"metrics.{name}": pa.array([s.get(name) for s in scores], pa.float64()) for name in study.metrics},
            "train_seconds": pa.array([row[3] for row in rows], pa.float64()),
            "score_seconds": pa.array([row[4] for row in rows], pa.float64()),
            "recorded": pa.array([row[5] for row in rows], pa.float64()),
            "seq": pa.array([row[6] for row in rows], pa.int64()),
        },
        connection,
    )


_ORDER_QUERY = """
SELECT asked_seq, ended_seq, retries, (SELECT path FROM checkpoints WHERE trial = number ORDER BY epoch DESC LIMIT 1)
FROM trials WHERE number = ?
"""

_TIMES_QUERY = """
SELECT seq, recorded FROM epochs UNION ALL SELECT asked_seq, started FROM trials
UNION ALL SELECT ended_seq, ended FROM trials WHERE ended_seq IS NOT NULL
"""

_TRIALS_QUERY = """
SELECT number, state, trials.epoch, config,
       (SELECT metrics FROM epochs WHERE trial = number ORDER BY epoch DESC LIMIT 1),
       coalesce((SELECT sum(train_seconds) FROM epochs WHERE trial = number), 0.0), retries, code, reason,
       (SELECT path FROM checkpoints WHERE trial = number ORDER BY epoch DESC LIMIT 1),
       started, ended, ended_seq
FROM trials ORDER BY number
"""

_EVENTS_QUERY = """
SELECT asked_seq AS happened, 'asked', number, config, attributes, started, seed,
       0, NULL, NULL, NULL, 'running', NULL, NULL
FROM trials WHERE asked_seq > :after
UNION ALL
SELECT seq, 'reported', number, config, attributes, recorded, seed, epochs.epoch, metrics, train_seconds, score_seconds,
       'running', NULL, NULL
FROM epochs JOIN trials ON trials.number = epochs.trial WHERE seq > :after
UNION ALL
SELECT ended_seq, 'ended', number, config, attributes, ended, seed, trials.epoch, metrics, train_seconds, score_seconds,
       state, code, reason
FROM trials LEFT JOIN epochs ON epochs.trial = trials.number AND epochs.epoch = trials.epoch
WHERE ended_seq > :after
ORDER BY happened
"""
