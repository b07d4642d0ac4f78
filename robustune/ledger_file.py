"""The ledger as a file: made whole or not at all, opened for writing, and left as one plain file."""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from analysis import schema
from robustune.errors import Mistake
from robustune.facts import Fact, apply


def make(path: Path, facts: Iterable[Fact], publish: Callable[[int, Fact], None]) -> None:
    """Writes a ledger of the facts aside and renames it: a driver killed here leaves nothing that counts.

    Args:
        path: of the ledger, where none is yet.
        facts: the first one is of kind "study".
        publish: told each fact with its number, before it is committed.
    """
    aside = path.with_name(f".{path.name}.aside")
    for leftover in path.parent.glob(f"{aside.name}*"):
        leftover.unlink()
    with closing(sqlite3.connect(aside, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.executescript(f"BEGIN; {schema.SCHEMA} COMMIT;")
        with transaction(connection):
            for fact in facts:
                apply(connection, fact)
                publish(commits(connection), fact)
    aside.replace(path)
    sync_folder(path.parent)


def connected(path: Path) -> sqlite3.Connection:
    """Opens the ledger for writing; a commit is on the disk before it returns."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commits what its body did, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def commits(connection: sqlite3.Connection) -> int:
    """Returns how many facts the ledger holds, this transaction's included."""
    return int(connection.execute("SELECT value FROM study WHERE key = 'commits'").fetchone()[0])


def leave_one_file(connection: sqlite3.Connection) -> None:
    """Plays the write-ahead log into the ledger and drops it, unless somebody reads just now."""
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError:
        return  # a reader holds it: the log stays beside the ledger, and is as good


def refuse_orphan(path: Path) -> None:
    """Raises STATE_CORRUPT where a log is left without its ledger: it would be played into a new one."""
    log = path.with_name(f"{path.name}-wal")
    if log.exists():
        raise Mistake(
            "STATE_CORRUPT", f"{path}: is gone, but {log.name} is still there; put the ledger back, or move both away"
        )


def sync_folder(folder: Path) -> None:
    """Returns when the names in the folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
