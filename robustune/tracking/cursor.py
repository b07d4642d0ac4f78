"""How far MLflow has been told: `tracking.sqlite`, which may be lost without losing anything but time."""

import json
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from analysis.records import Event

CURSOR_FILE: Final = "tracking.sqlite"
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS destinations (
    uri TEXT PRIMARY KEY, seq INTEGER NOT NULL, parent TEXT, experiment TEXT, finished INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS runs (
    uri TEXT NOT NULL, trial INTEGER NOT NULL, run TEXT NOT NULL, PRIMARY KEY (uri, trial)
) STRICT;
CREATE TABLE IF NOT EXISTS points (
    trial INTEGER NOT NULL, epoch INTEGER NOT NULL, recorded REAL NOT NULL,
    metrics TEXT NOT NULL, seconds TEXT NOT NULL,
    PRIMARY KEY (trial, epoch)
) STRICT;
"""


class Cursor:
    """Remembers per destination what was sent; every change is committed before the method returns.

    It belongs to the thread that made it. A damaged file is set aside and begun anew: MLflow is then asked what it has.

    Args:
        folder: the study's folder.
        uri: name of the destination, without passwords.
    """

    def __init__(self, folder: Path, uri: str) -> None:
        self._uri = uri
        self._file = _opened(folder / CURSOR_FILE)
        with self._file:
            self._file.execute("INSERT OR IGNORE INTO destinations VALUES (?, 0, NULL, NULL, 0)", (uri,))

    @property
    def seq(self) -> int:
        """Number of the last event that MLflow is known to have."""
        return int(self._fact("seq"))

    @property
    def finished(self) -> int:
        """Finished trials whose hypervolume MLflow is known to have."""
        return int(self._fact("finished"))

    @property
    def parent(self) -> str | None:
        """Run of the search itself."""
        found: str | None = self._fact("parent")
        return found

    @property
    def runs(self) -> dict[int, str]:
        """Run of every trial that has one."""
        return dict(self._file.execute("SELECT trial, run FROM runs WHERE uri = ? ORDER BY trial", (self._uri,)))

    def settle(self, experiment: str, parent: str) -> None:
        """Names where the search is recorded; with another parent run than before, everything is to be sent again."""
        with self._file:
            if self.parent not in (None, parent):
                self._file.execute("DELETE FROM runs WHERE uri = ?", (self._uri,))
                self._set("seq", 0)
                self._set("finished", 0)
            self._set("experiment", experiment)
            self._set("parent", parent)

    def adopt(self, trial: int, run: str) -> None:
        """Remembers the run of a trial."""
        with self._file:
            self._file.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?)", (self._uri, trial, run))

    def promise(self, events: Iterable[Event]) -> dict[tuple[int, int], Event]:
        """Fixes the points to send BEFORE they are sent, so that sending them again sends the same ones.

        An epoch that a resumed trial repeats with the same scores keeps the time and the seconds of its first record:
        MLflow knows a point by value, step and time, and cannot take one back.

        Returns:
            The event to send by (trial, epoch).
        """
        with self._file:
            return {(event.trial, event.epoch): self._promised(event) for event in events if event.kind == "reported"}

    def advance(self, seq: int) -> None:
        """Remembers that MLflow has everything up to the event numbered `seq`."""
        with self._file:
            self._set("seq", seq)

    def advance_hypervolume(self, finished: int) -> None:
        """Remembers that MLflow has the hypervolume over the first `finished` trials."""
        with self._file:
            self._set("finished", finished)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _promised(self, event: Event) -> Event:
        place, scores = (event.trial, event.epoch), json.dumps(dict(event.metrics), sort_keys=True)
        row = self._file.execute(
            "SELECT recorded, metrics, seconds FROM points WHERE trial = ? AND epoch = ?", place
        ).fetchone()
        if row is not None and row[1] == scores:
            trained, scored = json.loads(row[2])
            return replace(event, recorded=row[0], seconds=(trained, scored))
        self._file.execute(
            "INSERT OR REPLACE INTO points VALUES (?, ?, ?, ?, ?)",
            (*place, event.recorded, scores, json.dumps(event.seconds)),
        )
        return event

    def _fact(self, name: str) -> Any:
        return self._file.execute(f"SELECT {name} FROM destinations WHERE uri = ?", (self._uri,)).fetchone()[0]

    def _set(self, name: str, value: object) -> None:
        self._file.execute(f"UPDATE destinations SET {name} = ? WHERE uri = ?", (value, self._uri))


def _opened(path: Path) -> sqlite3.Connection:
    try:
        return _prepared(path)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                path.with_name(f"{path.name}{suffix}").replace(path.with_name(f"{path.name}.damaged{suffix}"))
        return _prepared(path)


def _prepared(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=10)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_SCHEMA)
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection
