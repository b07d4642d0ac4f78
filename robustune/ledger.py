"""The single writer of `ledger.sqlite`: a fact is on the disk, once and whole, before its method returns."""

import os
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Self

from analysis import ending, records, schema
from analysis.ending import End
from analysis.records import read_study
from robustune import relative
from robustune.checkpoints import newest_whole
from robustune.differences import mismatch
from robustune.errors import Mistake
from robustune.facts import Fact, apply, text_of
from robustune.lease import Lease, Leases, await_silence
from robustune.ledger_file import commits, connected, leave_one_file, make, refuse_orphan, transaction
from robustune.locks import Lock
from robustune.record import Past, Requeued
from robustune.segments import TAKEN_OVER, Segments
from search_spaces.study import Study


def _unsaid(line: str) -> None:
    """Shows nothing."""


class Ledger:
    """Everything that a study has tried. Made by `create` or `open`; holds the study's lock until `close`.

    Each method is one transaction, synced to the disk before it returns. A ledger belongs to the thread that
    opened it.
    """

    def __init__(
        self, folder: Path, lock: Lock, connection: sqlite3.Connection, study: Study, segments: Segments | None
    ) -> None:
        self.folder = folder
        self.study = study
        self._lock = lock
        self._connection = connection
        self._segments = segments
        self._lease: Lease | None = None
        self.session = 0  # the commit that this driver's session began with

    @classmethod
    def create(
        cls,
        folder: Path,
        study: Study,
        versions: Mapping[str, str],
        storage: str | None = None,
        say: Callable[[str], None] = _unsaid,
    ) -> "Ledger":
        """Makes the study's folder and ledger; a ledger of the same content is opened as it is.

        Args:
            folder: of the study, named like it, on a disk of this machine.
            study: frozen into the ledger.
            versions: of the software that runs it.
            storage: where every commit is published before it is acknowledged; None: nowhere.
            say: takes a line for the user where a driver of another machine has to be watched for a while.

        Raises:
            Mistake: RESULTS_UNWRITABLE, STORAGE_UNREACHABLE, STUDY_LOCKED, STATE_CORRUPT, or STUDY_MISMATCH with every
                field that differs, where the folder holds another study; what is there stays unchanged.
        """
        with _writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            lock = Lock(folder / "ledger.lock")
        with _released_on_failure(lock):
            path = folder / schema.LEDGER_FILE
            segments = _segments(folder, storage)
            leases = _awaited(folder, segments, storage, say)
            if not path.exists() and not _rebuilt(path, segments):
                with _writing(folder):
                    make(path, [_study_fact(study, versions)], segments.publish if segments else _unpublished)
            return cls._opened(folder, lock, versions, segments, leases, study)

    @classmethod
    def open(
        cls,
        folder: Path,
        versions: Mapping[str, str] | None = None,
        storage: str | None = None,
        say: Callable[[str], None] = _unsaid,
    ) -> "Ledger":
        """Opens the ledger of a study that was begun, made anew from the storage where the local one is gone.

        The arguments are those of `create`.

        Raises:
            Mistake: STUDY_MISSING, STUDY_LOCKED, STATE_CORRUPT, STORAGE_UNREACHABLE or RESULTS_UNWRITABLE.
        """
        path = folder / schema.LEDGER_FILE
        segments = _segments(folder, storage)
        if not path.exists() and (segments is None or not segments.last()):
            refuse_orphan(path)
            raise Mistake("STUDY_MISSING", f"{folder}: no study was begun here; begin it with `robustune search`")
        with _writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            lock = Lock(folder / "ledger.lock")
        with _released_on_failure(lock):
            leases = _awaited(folder, segments, storage, say)
            if not path.exists():
                _rebuilt(path, segments)
            return cls._opened(folder, lock, versions or {}, segments, leases, None)

    @classmethod
    def rebuild(cls, folder: Path, storage: str) -> Path:
        """Makes the ledger anew from what was published, where the local one is gone, and returns its path.

        Raises:
            Mistake: STUDY_MISSING where nothing was published, STATE_CORRUPT, STUDY_LOCKED or RESULTS_UNWRITABLE.
        """
        cls.open(folder, storage=storage).close()
        return folder / schema.LEDGER_FILE

    @classmethod
    def _opened(
        cls,
        folder: Path,
        lock: Lock,
        versions: Mapping[str, str],
        segments: Segments | None,
        leases: Leases | None,
        expected: Study | None,
    ) -> "Ledger":
        try:
            schema.check(folder)
            study = read_study(folder)
        except schema.LedgerError as error:
            raise Mistake("STATE_CORRUPT", str(error)) from None
        if expected is not None and (other := mismatch(folder, study, expected)):
            raise other
        with _writing(folder):
            ledger = cls(folder, lock, connected(folder / schema.LEDGER_FILE), study, segments)
            try:
                ledger._catch_up()
                ledger.study = read_study(folder)  # what was caught up may have extended it
                ledger._commit("session", pid=os.getpid(), host=socket.gethostname(), versions=dict(versions))
                ledger.session = commits(ledger._connection)
                ledger._lease = None if leases is None else Lease(leases, ledger.session)
            except BaseException:
                ledger._connection.close()
                raise
        return ledger

    def record_set(self, name: str, digest: str, summary: Mapping[str, Any]) -> None:
        """Commits which set stands under a name, and what was measured when it was built."""
        self._commit("set", name=name, digest=digest, summary=dict(summary))

    def teach(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Commits what trials of other studies teach: of each its source, trial, config and metrics. Once, at first."""
        self._commit("taught", rows=[dict(row) for row in rows])

    def extend(self, study: Study) -> None:
        """Commits the study with a larger budget; what has been tried stays."""
        budget = study.content()["budget"]
        self._commit("extended", study=study.to_json(), budget=budget, schema_version=schema.SCHEMA_VERSION)
        self.study = study

    def conclude(self, end: End) -> None:
        """Commits what ended the search, where that is news."""
        if ending.ended(self.folder) != end:
            self._commit("end", key=end.key, words=end.words, schema_version=schema.SCHEMA_VERSION)

    def ask(self, number: int, config: Mapping[str, Any], seed: int, attributes: Mapping[str, Any]) -> None:
        """Commits that a trial begins with this configuration; `attributes` are the sampler's own."""
        self._commit("asked", number=number, config=dict(config), seed=seed, attributes=dict(attributes))

    def report(
        self,
        number: int,
        epoch: int,
        metrics: Mapping[str, float],
        train_seconds: float,
        score_seconds: float,
        checkpoint: Mapping[str, Any] | None = None,
        end: Literal["complete", "stopped"] | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        """Commits an epoch's scores together with its checkpoint and, where `end` is given, the trial's ending.

        An epoch that was acknowledged before keeps its scores: a trial that lost its worker reports some twice.

        Args:
            checkpoint: path, sha256 and bytes of the file that holds the state after this epoch.
            attributes: replaces the sampler's own.

        Raises:
            ValueError: the trial has ended, or an epoch before this one was not reported, or a score is not finite.
        """
        self._commit(
            "reported",
            number=number,
            epoch=epoch,
            metrics=dict(metrics),
            train_seconds=train_seconds,
            score_seconds=score_seconds,
            checkpoint=None if checkpoint is None else dict(checkpoint),
            end=end,
            attributes=None if attributes is None else dict(attributes),
        )

    def fail(self, number: int, code: str, reason: str, attributes: Mapping[str, Any] | None = None) -> None:
        """Commits that a running trial ended as failed."""
        kept = None if attributes is None else dict(attributes)
        self._commit("failed", number=number, code=code, reason=_storable(reason), attributes=kept)

    def retried(self, number: int) -> None:
        """Commits that a running trial lost its worker and goes on from its last whole checkpoint."""
        self._commit("retried", number=number)

    def requeue(self) -> list[Requeued]:
        """Puts every running trial back to its last whole checkpoint, and returns them by number.

        Whole means that the file is there with the SHA-256 that was committed. What a trial reported beyond it is
        dropped in one transaction: it will report that again. Paths not absolute lie below the study's folder.
        """
        rows = self._connection.execute(
            "SELECT number, config, seed, epoch FROM trials WHERE state = 'running' ORDER BY number"
        ).fetchall()
        return [self._put_back(*row) for row in rows]

    def past(self) -> Past:
        """What drivers before this one left, as it stands now."""
        return Past(
            events=records.events(self.folder),
            taught=records.taught(self.folder) or (),
            extended=records.extended(self.folder),
            seconds=records.driver_seconds(self.folder, time.time()),
        )

    def _put_back(self, number: int, config: str, seed: int, reported: int) -> Requeued:
        kept = self._connection.execute(
            "SELECT epoch, path, sha256 FROM checkpoints WHERE trial = ? ORDER BY epoch DESC", (number,)
        ).fetchall()
        epoch, path = newest_whole(kept, self.folder)
        if epoch < reported:
            self._commit("rewound", number=number, epoch=epoch)
        return Requeued(number, schema.plain(config), seed, epoch, path)

    def close(self) -> None:
        """Ends the session, leaves the ledger as one plain file, and lets another driver in."""
        try:
            self._commit("closed")
            with _writing(self.folder):
                leave_one_file(self._connection)
        finally:
            self._connection.close()
            if self._lease is not None:
                self._lease.release()
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _commit(self, kind: str, **values: Any) -> None:
        if self._lease is not None and self._lease.lost:
            raise Mistake("LEASE_LOST", f"{self.folder}: {TAKEN_OVER}")
        fact = schema.plain(text_of({"kind": kind, "at": time.time(), **values}))
        with _writing(self.folder), transaction(self._connection):
            apply(self._connection, fact)
            if self._segments is not None:
                self._segments.publish(commits(self._connection), fact)

    def _catch_up(self) -> None:
        """Takes up what was published and not committed here: the driver died in between."""
        if self._segments is None:
            return
        here, there = commits(self._connection), self._segments.last()
        if there < here:
            raise Mistake(
                "STATE_CORRUPT",
                f"{self.folder}: holds {here} commits, its storage only {there}; give the storage that the study was "
                "begun with, or none",
            )
        for fact in self._segments.after(here):
            with transaction(self._connection):
                apply(self._connection, fact)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Turns what a disk can refuse into one line for the user."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        raise Mistake(
            "RESULTS_UNWRITABLE",
            f"{folder}: cannot be written ({error}); make room or give it write permission, then `robustune resume`",
        ) from error
    except sqlite3.IntegrityError:
        raise  # a fact that does not follow from what is there
    except sqlite3.DatabaseError as error:
        path = folder / schema.LEDGER_FILE
        raise Mistake("STATE_CORRUPT", f"{path}: was damaged while it was open ({error})") from error


@contextmanager
def _released_on_failure(lock: Lock) -> Iterator[None]:
    try:
        yield
    except BaseException:
        lock.release()
        raise


def _segments(folder: Path, storage: str | None) -> Segments | None:
    return None if storage is None else Segments(storage, folder.absolute().name)


def _awaited(folder: Path, segments: Segments | None, storage: str | None, say: Callable[[str], None]) -> Leases | None:
    """The leases of the study, once no driver of another machine is at work on it as far as they tell."""
    if segments is None or storage is None:
        return None
    leases = Leases(storage, segments.study)
    with _writing(folder):
        await_silence(segments, leases, lambda session: _was_here(folder, segments, session), say)
    return leases


def _was_here(folder: Path, segments: Segments, session: int) -> bool:
    """Whether a session was one of this folder, whose lock this process holds: its driver is dead."""
    try:
        known = int(records.facts(folder)["commits"])
    except schema.LedgerError:
        return False  # there is none, or it is damaged, which is told of later
    return session <= known and segments.fact(session).get("host") == socket.gethostname()


def _rebuilt(path: Path, segments: Segments | None) -> bool:
    """Makes the ledger of what was published; False where nothing was."""
    refuse_orphan(path)
    if segments is None or not segments.last():
        return False
    with _writing(path.parent):
        make(path, segments.after(0), _unpublished)
    return True


def _unpublished(number: int, fact: Fact) -> None:
    """Publishes nothing."""


def _study_fact(study: Study, versions: Mapping[str, str]) -> dict[str, Any]:
    return {
        "kind": "study",
        "at": time.time(),
        "schema_version": schema.SCHEMA_VERSION,
        "created": time.time(),
        "name": study.name,
        "study": study.to_json(),
        "source": study.source,
        "digest": study.digest,
        "seed": study.seed,
        "measured": relative.ways(study),
        "versions": dict(versions),
    }


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
