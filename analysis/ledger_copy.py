"""A ledger made again from what was told elsewhere, so that whatever reads a study's folder reads a copy alike.

It is for reading: what only a driver needs (the sampler's attributes, checkpoints' digests, sessions) is not in it.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from analysis import measuring
from analysis.schema import LEDGER_FILE, SCHEMA, SCHEMA_VERSION, STUDY_SEAL, seal
from search_spaces.domains import Choice, Domain, Subset, Whole
from search_spaces.study import Study


@dataclass(frozen=True)
class EpochCopy:
    """One recorded epoch of a trial; `seq` is None where its place in the order is not known."""

    epoch: int
    metrics: Mapping[str, float]
    train_seconds: float
    score_seconds: float
    recorded: float
    seq: int | None = None


@dataclass(frozen=True)
class TrialCopy:
    """One trial, with the epochs that are known of it; times are unix seconds."""

    number: int
    state: str
    config: Mapping[str, Any]
    epochs: Sequence[EpochCopy]
    started: float
    ended: float | None = None
    asked_seq: int | None = None
    ended_seq: int | None = None
    seed: int = 0
    retries: int = 0
    code: str | None = None
    reason: str | None = None
    checkpoint: str | None = None


def write(folder: Path, context: Mapping[str, Any], trials: Sequence[TrialCopy]) -> Path:
    """Writes `ledger.sqlite` into an empty folder, which `analysis.records` then reads, and returns the folder.

    Args:
        folder: that gets it.
        context: as `analysis.records.context` gives it.
        trials: in any order. An event whose place in the order is not known gets a number that no other has.
    """
    study = Study.from_json(json.dumps(context["study"]))
    with closing(sqlite3.connect(folder / LEDGER_FILE)) as connection, connection:
        connection.executescript(SCHEMA)
        connection.executemany("INSERT INTO study VALUES (?, ?)", _facts(study, context, trials).items())
        for name, told in context["sets"].items():
            summary = json.dumps({key: value for key, value in told.items() if key != "digest"})
            connection.execute("INSERT INTO sets VALUES (?, ?, ?)", (name, told["digest"], summary))
        free = _unused(trials)
        for trial in sorted(trials, key=lambda one: one.number):
            _insert(connection, trial, free)
        for number in (STUDY_SEAL, *(trial.number for trial in trials)):
            connection.execute("INSERT INTO seals VALUES (?, ?)", (number, seal(connection, number)))
    return folder


def option(domain: Domain, told: Any) -> Any:
    """Returns the value of a searched option from how a table or MLflow tells it: "5+20" is (5, 20), "0.1" 0.1."""
    if isinstance(domain, Subset):
        by_text: dict[Any, Any] = {_told(one): one for one in domain.values}
        return [by_text[part] for part in told.split("+")] if told else []
    if isinstance(domain, Choice):
        return next(one for one in domain.values if told in (one, str(one), _told(one)))
    return int(told) if isinstance(domain, Whole) else float(told)


def _told(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _facts(study: Study, context: Mapping[str, Any], trials: Sequence[TrialCopy]) -> dict[str, str]:
    created = min((trial.started for trial in trials), default=0.0)
    return {
        **{"schema_version": str(SCHEMA_VERSION), "name": study.name, "study": study.to_json()},
        **{"source": study.source, "digest": study.digest, "seed": str(study.seed), "created": json.dumps(created)},
        **{"measured": measuring.text_of(context["measured"]), "versions": "{}", "seq": str(_last(trials))},
        **{"commits": "0", **({"end": json.dumps(context["end"])} if context.get("end") else {})},
    }


def _known(trials: Sequence[TrialCopy]) -> set[int]:
    found = {number for trial in trials for number in (trial.asked_seq, trial.ended_seq) if number}
    return found | {epoch.seq for trial in trials for epoch in trial.epochs if epoch.seq}


def _last(trials: Sequence[TrialCopy]) -> int:
    events = sum(2 + len(trial.epochs) for trial in trials)
    return max(_known(trials), default=0) + events


def _unused(trials: Sequence[TrialCopy]) -> Iterator[int]:
    known = _known(trials)
    return (number for number in count(1) if number not in known)


def _insert(connection: sqlite3.Connection, trial: TrialCopy, free: Iterator[int]) -> None:
    ended = trial.state != "running"
    epochs = sorted(trial.epochs, key=lambda one: one.epoch)
    row = (
        *(trial.number, trial.state, json.dumps(dict(trial.config)), trial.seed, "{}"),
        *(trial.asked_seq or next(free), trial.started),
        *((trial.ended_seq or next(free), trial.ended) if ended else (None, None)),
        *(epochs[-1].epoch if epochs else 0, trial.code, trial.reason, trial.retries),
    )
    connection.execute(f"INSERT INTO trials VALUES ({', '.join('?' * len(row))})", row)
    for one in epochs:
        scores = (one.train_seconds, one.score_seconds, json.dumps(dict(one.metrics)))
        place = (trial.number, one.epoch, one.seq or next(free), one.recorded)
        connection.execute("INSERT INTO epochs VALUES (?, ?, ?, ?, ?, ?, ?)", (*place, *scores))
    if trial.checkpoint and epochs:
        row = (trial.number, epochs[-1].epoch, trial.checkpoint, "", 0)
        connection.execute("INSERT INTO checkpoints VALUES (?, ?, ?, ?, ?)", row)
