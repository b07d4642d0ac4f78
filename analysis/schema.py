"""The tables of `ledger.sqlite`, how to open it for reading, and the seals that show a changed byte."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

LEDGER_FILE: Final = "ledger.sqlite"
SCHEMA_VERSION: Final = 3
STATES: Final = ("running", "complete", "stopped", "failed")
STUDY_SEAL: Final = -1
# The low byte of an error code names its kind, the rest the cause.
_UNREACHABLE: Final = (sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)

# `seq` is one global counter over asks, epochs and endings; it is kept in `study`, so a number is never used twice,
# also where a resumed trial's epochs were dropped. Times are for people: no clock can turn `seq` back.
SCHEMA: Final = """
CREATE TABLE study (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE trials (
    number INTEGER PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('running', 'complete', 'stopped', 'failed')),
    config TEXT NOT NULL,
    seed INTEGER NOT NULL,
    attributes TEXT NOT NULL,
    asked_seq INTEGER NOT NULL UNIQUE,
    started REAL NOT NULL,
    ended_seq INTEGER UNIQUE,
    ended REAL,
    epoch INTEGER NOT NULL DEFAULT 0,
    code TEXT,
    reason TEXT,
    retries INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE epochs (
    trial INTEGER NOT NULL REFERENCES trials (number),
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL UNIQUE,
    recorded REAL NOT NULL,
    train_seconds REAL NOT NULL,
    score_seconds REAL NOT NULL,
    metrics TEXT NOT NULL,
    PRIMARY KEY (trial, epoch)
) STRICT;
CREATE TABLE checkpoints (
    trial INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    path TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (trial, epoch),
    FOREIGN KEY (trial, epoch) REFERENCES epochs (trial, epoch)
) STRICT;
CREATE TABLE sets (name TEXT PRIMARY KEY, digest TEXT NOT NULL, summary TEXT NOT NULL) STRICT;
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL,
    pid INTEGER NOT NULL,
    host TEXT NOT NULL,
    started REAL NOT NULL,
    ended REAL,
    versions TEXT NOT NULL
) STRICT;
CREATE TABLE seals (trial INTEGER PRIMARY KEY, digest TEXT NOT NULL) STRICT;
"""

# Only in ledgers of studies with `warm_start_from`; sealed as a whole under the study's key `taught`.
TAUGHT_TABLE: Final = """
CREATE TABLE taught (
    number INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    trial INTEGER NOT NULL,
    config TEXT NOT NULL,
    metrics TEXT NOT NULL
) STRICT
"""

_SEALED_BY_TRIAL = (
    "SELECT * FROM trials WHERE number = ?",
    "SELECT * FROM epochs WHERE trial = ? ORDER BY epoch",
    "SELECT * FROM checkpoints WHERE trial = ? ORDER BY epoch",
)
_SEALED_WITH_STUDY = ("SELECT * FROM study ORDER BY key", "SELECT * FROM sets ORDER BY name", "SELECT * FROM sessions")


class LedgerError(Exception):
    """The ledger is not there (`missing`), is damaged, or was written by a newer program; the message says which."""

    def __init__(self, message: str, missing: bool = False) -> None:
        super().__init__(message)
        self.missing = missing


@contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """Yields a read-only connection that sees one unchanging state, also while a writer is at work.

    Raises:
        LedgerError: no ledger there, a damaged one, or one of a newer schema.
    """
    path = Path(folder) / LEDGER_FILE
    if not path.is_file():
        raise LedgerError(
            f"{folder}: holds no {LEDGER_FILE}; give the folder of a study, such as results/quickstart", missing=True
        )
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
            connection.isolation_level = None
            connection.execute("BEGIN")
            _check_version(connection, path)
            yield connection
    except sqlite3.DatabaseError as error:
        raise LedgerError(f"{path}: {unusable(error)}") from error


def unusable(error: sqlite3.DatabaseError) -> str:
    """Returns what stands in the way of reading a ledger: its content, or that it cannot be reached at all."""
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in _UNREACHABLE:
        return f"it cannot be read ({error}); look after its permissions, its disk and who else has it open"
    return f"not a whole ledger ({error}); it was left as it is: put a good copy in its place, or move it away"


def seal(connection: sqlite3.Connection, trial: int) -> str:
    """Returns the SHA-256 of everything that the ledger says of one trial, or of the study for `STUDY_SEAL`."""
    if trial == STUDY_SEAL:
        rows = [connection.execute(query).fetchall() for query in _SEALED_WITH_STUDY]
    else:
        rows = [connection.execute(query, (trial,)).fetchall() for query in _SEALED_BY_TRIAL]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def taught_seal(connection: sqlite3.Connection) -> str:
    """Returns the SHA-256 of everything that other studies taught this one; hashed once, not at every commit."""
    rows = connection.execute("SELECT * FROM taught ORDER BY number").fetchall()
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def plain(text: str) -> dict[str, Any]:
    """Returns the mapping that a JSON column holds."""
    found: dict[str, Any] = json.loads(text)
    return found


def check(folder: Path) -> None:
    """Raises `LedgerError` where a page, a row or a single byte of the ledger is not what was written."""
    with reading(folder) as connection:
        found = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
        if found != ["ok"]:
            raise sqlite3.DatabaseError("; ".join(str(line) for line in found))
        if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
            raise sqlite3.DatabaseError("a row lacks the row that it belongs to")
        sealed = dict(connection.execute("SELECT trial, digest FROM seals"))
        numbers = {row[0] for row in connection.execute("SELECT number FROM trials")} | {STUDY_SEAL}
        row = connection.execute("SELECT value FROM study WHERE key = 'taught'").fetchone()
        if row is not None and row[0] != taught_seal(connection):
            raise sqlite3.DatabaseError("what other studies taught it is not what was written")
        for number in sorted(numbers | sealed.keys()):
            if sealed.get(number) != seal(connection, number):
                what = "the study" if number == STUDY_SEAL else f"trial {number}"
                raise sqlite3.DatabaseError(f"what it says of {what} is not what was written")


def _check_version(connection: sqlite3.Connection, path: Path) -> None:
    row = connection.execute("SELECT value FROM study WHERE key = 'schema_version'").fetchone()
    if row is None:
        raise sqlite3.DatabaseError("no schema version")
    if not row[0].isdigit():
        raise sqlite3.DatabaseError(f"schema version {row[0]!r}")
    if int(row[0]) > SCHEMA_VERSION:
        raise LedgerError(
            f"{path}: written by a newer robustune (schema {row[0]}; this one reads up to {SCHEMA_VERSION}); "
            "update robustune: pip install --upgrade robustune"
        )
