"""What one commit does to the ledger's tables: the same fact on the same tables always gives the same rows.

A fact is plain JSON data with the time it was known, so what a ledger holds can be made anew from its facts.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, Final

from analysis.schema import STUDY_SEAL, TAUGHT_TABLE, seal, taught_seal

Fact = Mapping[str, Any]


def text_of(value: Any) -> str:
    """Returns the value as JSON.

    Raises:
        ValueError: a number in it is not finite.
    """
    return json.dumps(value, allow_nan=False, ensure_ascii=False)


def apply(connection: sqlite3.Connection, fact: Fact) -> None:
    """Carries the fact out inside the open transaction, counts it and seals what it changed.

    Raises:
        ValueError: the fact does not follow from what is there, as an epoch of a trial that has ended.
    """
    changed = _RULES[fact["kind"]](connection, fact)
    connection.execute("UPDATE study SET value = CAST(value AS INTEGER) + 1 WHERE key = 'commits'")
    for trial in {changed, STUDY_SEAL}:
        connection.execute(
            "INSERT INTO seals VALUES (?, ?) ON CONFLICT (trial) DO UPDATE SET digest = excluded.digest",
            (trial, seal(connection, trial)),
        )


def _study(connection: sqlite3.Connection, fact: Fact) -> int:
    plain = {name: fact[name] for name in ("name", "study", "source", "digest")}
    numbers = {name: text_of(fact[name]) for name in ("schema_version", "created", "seed", "versions")}
    # An older fact tells none, and gives the rows that it always gave.
    ways = {"measured": text_of(fact["measured"])} if "measured" in fact else {}
    rows = {**plain, **numbers, **ways, "seq": "0", "commits": "0"}
    connection.executemany("INSERT INTO study VALUES (?, ?)", rows.items())
    return STUDY_SEAL


def _session(connection: sqlite3.Connection, fact: Fact) -> int:
    connection.execute(
        "INSERT INTO sessions (seq, pid, host, started, versions) VALUES (?, ?, ?, ?, ?)",
        (_next_seq(connection), fact["pid"], fact["host"], fact["at"], text_of(fact["versions"])),
    )
    return STUDY_SEAL


def _closed(connection: sqlite3.Connection, fact: Fact) -> int:
    connection.execute("UPDATE sessions SET ended = ? WHERE id = (SELECT max(id) FROM sessions)", (fact["at"],))
    return STUDY_SEAL


def _set(connection: sqlite3.Connection, fact: Fact) -> int:
    connection.execute(
        "INSERT INTO sets VALUES (?, ?, ?) "
        "ON CONFLICT (name) DO UPDATE SET digest = excluded.digest, summary = excluded.summary",
        (fact["name"], fact["digest"], text_of(fact["summary"])),
    )
    return STUDY_SEAL


def _extended(connection: sqlite3.Connection, fact: Fact) -> int:
    """The frozen study gets its new budget; `digest` stays that of the study as it was begun."""
    row = connection.execute("SELECT value FROM study WHERE key = 'extended'").fetchone()
    before = json.loads(row[0]) if row else []
    told = {"seq": _next_seq(connection), "at": fact["at"], "budget": fact["budget"]}
    for key, value in (("extended", text_of([*before, told])), ("study", fact["study"])):
        _set_study(connection, key, value)
    _set_study(connection, "schema_version", text_of(fact["schema_version"]))
    return STUDY_SEAL


def _end_of_search(connection: sqlite3.Connection, fact: Fact) -> int:
    told = {"seq": _next_seq(connection), "at": fact["at"], "key": fact["key"], "words": fact["words"]}
    _set_study(connection, "end", text_of(told))
    _set_study(connection, "schema_version", text_of(fact["schema_version"]))
    return STUDY_SEAL


def _taught(connection: sqlite3.Connection, fact: Fact) -> int:
    # Made here: ledgers that learn nothing, those of before there was such a table among them, have none.
    connection.execute(TAUGHT_TABLE)
    rows = [
        (number, row["source"], row["trial"], text_of(row["config"]), text_of(row["metrics"]))
        for number, row in enumerate(fact["rows"])
    ]
    connection.executemany("INSERT INTO taught VALUES (?, ?, ?, ?, ?)", rows)
    _set_study(connection, "taught", taught_seal(connection))
    return STUDY_SEAL


def _set_study(connection: sqlite3.Connection, key: str, value: str) -> None:
    connection.execute(
        "INSERT INTO study VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value)
    )


def _asked(connection: sqlite3.Connection, fact: Fact) -> int:
    connection.execute(
        "INSERT INTO trials (number, state, config, seed, attributes, asked_seq, started) "
        "VALUES (?, 'running', ?, ?, ?, ?, ?)",
        (
            fact["number"],
            text_of(fact["config"]),
            fact["seed"],
            text_of(fact["attributes"]),
            _next_seq(connection),
            fact["at"],
        ),
    )
    return int(fact["number"])


def _reported(connection: sqlite3.Connection, fact: Fact) -> int:
    number, epoch = fact["number"], fact["epoch"]
    last = _running_epoch(connection, number)
    if epoch > last + 1:
        raise ValueError(f"trial {number} reported epoch {epoch} after epoch {last}")
    if epoch == last + 1:
        connection.execute("INSERT INTO epochs VALUES (?, ?, ?, ?, ?, ?, ?)", _epoch_row(connection, fact))
        connection.execute("UPDATE trials SET epoch = ? WHERE number = ?", (epoch, number))
    if fact["checkpoint"] is not None:
        # A trial that lost its worker writes the file again, on a GPU not always with the same bytes.
        connection.execute(
            "INSERT INTO checkpoints VALUES (?, ?, ?, ?, ?) ON CONFLICT (trial, epoch) DO UPDATE "
            "SET path = excluded.path, sha256 = excluded.sha256, bytes = excluded.bytes",
            (number, epoch, *(fact["checkpoint"][key] for key in ("path", "sha256", "bytes"))),
        )
    _remember(connection, fact)
    if fact["end"] is not None:
        _end(connection, fact, fact["end"])
    return int(number)


def _epoch_row(connection: sqlite3.Connection, fact: Fact) -> tuple[Any, ...]:
    seconds = (fact["train_seconds"], fact["score_seconds"])
    return (fact["number"], fact["epoch"], _next_seq(connection), fact["at"], *seconds, text_of(fact["metrics"]))


def _failed(connection: sqlite3.Connection, fact: Fact) -> int:
    _running_epoch(connection, fact["number"])
    _remember(connection, fact)
    _end(connection, fact, "failed", fact["code"], fact["reason"])
    return int(fact["number"])


def _retried(connection: sqlite3.Connection, fact: Fact) -> int:
    _running_epoch(connection, fact["number"])
    connection.execute("UPDATE trials SET retries = retries + 1 WHERE number = ?", (fact["number"],))
    return int(fact["number"])


def _rewound(connection: sqlite3.Connection, fact: Fact) -> int:
    number, epoch = fact["number"], fact["epoch"]
    _running_epoch(connection, number)
    connection.execute("DELETE FROM checkpoints WHERE trial = ? AND epoch > ?", (number, epoch))
    connection.execute("DELETE FROM epochs WHERE trial = ? AND epoch > ?", (number, epoch))
    connection.execute("UPDATE trials SET epoch = ? WHERE number = ?", (epoch, number))
    return int(number)


_RULES: Final[Mapping[str, Callable[[sqlite3.Connection, Fact], int]]] = {
    "study": _study,
    "session": _session,
    "closed": _closed,
    "set": _set,
    "extended": _extended,
    "end": _end_of_search,
    "taught": _taught,
    "asked": _asked,
    "reported": _reported,
    "failed": _failed,
    "retried": _retried,
    "rewound": _rewound,
}


def _next_seq(connection: sqlite3.Connection) -> int:
    row = connection.execute(
        "UPDATE study SET value = CAST(value AS INTEGER) + 1 WHERE key = 'seq' RETURNING CAST(value AS INTEGER)"
    ).fetchone()
    return int(row[0])


def _running_epoch(connection: sqlite3.Connection, number: int) -> int:
    row = connection.execute("SELECT state, epoch FROM trials WHERE number = ?", (number,)).fetchone()
    if row is None:
        raise ValueError(f"trial {number} was never asked for")
    if row[0] != "running":
        raise ValueError(f"trial {number} has ended: {row[0]}")
    return int(row[1])


def _remember(connection: sqlite3.Connection, fact: Fact) -> None:
    if fact["attributes"] is not None:
        connection.execute(
            "UPDATE trials SET attributes = ? WHERE number = ?", (text_of(fact["attributes"]), fact["number"])
        )


def _end(
    connection: sqlite3.Connection, fact: Fact, state: str, code: str | None = None, reason: str | None = None
) -> None:
    connection.execute(
        "UPDATE trials SET state = ?, ended = ?, ended_seq = ?, code = ?, reason = ? WHERE number = ?",
        (state, fact["at"], _next_seq(connection), code, reason, fact["number"]),
    )
