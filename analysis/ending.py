"""What ended a search, as its ledger has it, and which trials were stopped after which epoch."""

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from analysis.schema import reading

STOPPED: Final = "stopped"
"""The key of an end that a user asked for: the search may go on, where one that a bound ended has to be extended."""


@dataclass(frozen=True)
class End:
    """What ended a search, by its key in the study file (or STOPPED), and in words."""

    key: str
    words: str


def ended(folder: Path) -> End | None:
    """Returns what ended the search; None where it has not ended, or its ledger does not say.

    An end is one until something happens to a trial or the study is extended; one that a user asked for, until the next
    session of a driver begins. Ledgers of before schema 3 do not say.

    Raises:
        LedgerError: there is no whole ledger.
    """
    with reading(folder) as connection:
        row = connection.execute("SELECT value FROM study WHERE key = 'end'").fetchone()
        if row is None:
            return None
        told = json.loads(row[0])
        later = _newest(connection, sessions=told["key"] == STOPPED) > told["seq"]
    return None if later else End(told["key"], told["words"])


def stopped_after(trials: pa.Table) -> dict[int, list[int]]:
    """Returns the numbers of the trials that early stopping ended, by the epoch after which it did, both ascending."""
    found: dict[int, list[int]] = {}
    columns = (trials[name].to_pylist() for name in ("epochs", "number", "state"))
    for epoch, number, state in sorted(zip(*columns, strict=True)):
        if state == "stopped":
            found.setdefault(epoch, []).append(number)
    return found


def _newest(connection: sqlite3.Connection, sessions: bool) -> int:
    """The number of the last thing that happened to a trial, or of the last extension."""
    queries = [
        "SELECT max(asked_seq) FROM trials",
        "SELECT max(ended_seq) FROM trials",
        "SELECT max(seq) FROM epochs",
        *(["SELECT max(seq) FROM sessions"] if sessions else []),
    ]
    numbers = [connection.execute(query).fetchone()[0] or 0 for query in queries]
    row = connection.execute("SELECT value FROM study WHERE key = 'extended'").fetchone()
    return max([*numbers, int(json.loads(row[0])[-1]["seq"]) if row else 0])
