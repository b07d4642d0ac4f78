"""The thread between the ledger and MLflow: the driver only ever sets a flag, and never waits for a server."""

import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from analysis.records import LedgerError
from robustune.surroundings import IMPORTING
from robustune.tracking import environment
from robustune.tracking.cursor import Cursor
from robustune.tracking.destination import printable, redacted

if TYPE_CHECKING:
    from robustune.tracking.sender import Sender

# What happens to one trial within this time travels together: a trial of one epoch takes three calls, not nine.
GATHER_SECONDS: Final = 0.3
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0
LAST_TRIES_SECONDS: Final = 10.0
LAST_PAUSE_SECONDS: Final = 1.0
LAST_WORD_SECONDS: Final = 5.0
BEAT_SECONDS: Final = 10.0
"""As often as the machine is looked at while nothing happens."""


class Tracking:
    """Keeps MLflow up with a study's ledger.

    The ledger on disk is the spool: what could not be sent stays there, and is sent once the server answers or by the
    next run of the same study. MLflow is imported by the thread alone.

    Args:
        folder: the study's folder, with its `ledger.sqlite`.
        uri: MLflow tracking URI.
        warn: takes one line for the user, from the thread; called once where MLflow cannot be reached.
    """

    def __init__(self, folder: Path, uri: str, warn: Callable[[str], None] | None = None) -> None:
        self._folder = Path(folder)
        self._uri = uri
        self._warn = warn or (lambda line: None)
        self._warned = False
        self._woken = threading.Event()
        self._hurried = threading.Event()
        self._left = threading.Event()
        self._settled = threading.Event()
        self._closing: bool | None = None
        self._finished_since = float("inf")
        self._complete = False
        self._sender: Sender | None = None
        self._thread = threading.Thread(target=self._work, name="robustune-tracking", daemon=True)
        self.trouble: str | None = None
        self.compare_fragment: str | None = None

    def start(self) -> None:
        """Begins to send, first what an earlier run left unsent."""
        self._woken.set()
        self._thread.start()

    def wake(self) -> None:
        """Says that the ledger has something new; takes microseconds."""
        self._woken.set()

    def settle(self, timeout_s: float) -> bool:
        """Waits until MLflow has what the ledger had when this was called; False where it takes longer, or is down."""
        self._settled.clear()
        self._hurried.set()
        self._woken.set()
        until = time.monotonic() + timeout_s
        while self._thread.is_alive() and self.trouble is None and time.monotonic() < until:
            if self._settled.wait(0.05):
                return True
        return False

    def finish(self, timeout_s: float, interrupted: bool = False) -> bool:
        """Sends the rest, ends the runs, and returns whether MLflow has everything that the ledger has.

        Args:
            timeout_s: seconds to wait at most; a server that is down is given up after ten.
            interrupted: the search ends before its budget.
        """
        if self._left.is_set() or not self._thread.is_alive():
            return self._complete
        if self._closing is None:
            self._finished_since = time.monotonic()
            self._closing = interrupted
        self._hurried.set()
        self._woken.set()
        self._thread.join(timeout_s)
        self._left.set()
        if self._thread.is_alive():
            self._say_unsent(f"did not answer within {timeout_s:g} s")
            return False
        return self._complete

    def close(self) -> None:
        """Ends the thread; a search that was not finished is marked as interrupted where MLflow answers at once."""
        self.finish(LAST_WORD_SECONDS, interrupted=True)

    def abandon(self) -> None:
        """Ends the thread at once and leaves every run as it is: another driver sends what the ledger has."""
        self._left.set()
        self._hurried.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(LAST_WORD_SECONDS)

    def _work(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        cursor: Cursor | None = None
        try:
            while not self._left.is_set():
                self._woken.wait(BEAT_SECONDS)
                self._woken.clear()
                try:
                    cursor = cursor or Cursor(self._folder, redacted(self._uri))
                    ended = self._step(cursor)
                except _failures() as error:
                    self._sender = None
                    if not self._goes_on_after(error):
                        return
                    pause = self._rested(pause)
                    self._woken.set()
                    continue
                pause = FIRST_PAUSE_SECONDS
                if ended:
                    return
                self._hurried.wait(GATHER_SECONDS)
        finally:
            if cursor is not None:
                cursor.close()

    def _rested(self, pause: float) -> float:
        """Waits before another try, less patiently once the search has ended, and returns the next wait."""
        if self._hurried.is_set():
            self._left.wait(min(pause, LAST_PAUSE_SECONDS))
        elif self._hurried.wait(pause):
            return FIRST_PAUSE_SECONDS
        return min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _step(self, cursor: Cursor) -> bool:
        """Sends until nothing is left, closes where the search has ended, and returns whether it did."""
        if self._sender is None:
            self._sender = self._connected(cursor)
        closing = self._closing
        asked = not self._settled.is_set()
        while self._sender.send():
            if self._left.is_set():
                return False
        self.trouble = None
        if asked:
            self._settled.set()
        if closing is None:
            return False
        self._sender.close(closing)
        self.compare_fragment = self._sender.compare_fragment
        self._complete = not self._sender.refused
        return True

    def _connected(self, cursor: Cursor) -> "Sender":
        environment.settle()
        with IMPORTING:
            from robustune.tracking.sender import Sender

            environment.silence_this_thread()
        return Sender(self._folder, self._uri, cursor, self._warn)

    def _goes_on_after(self, error: BaseException) -> bool:
        self.trouble = printable(str(_root(error)))
        self._say_unsent(f"cannot be reached ({self.trouble})")
        return time.monotonic() - self._finished_since < LAST_TRIES_SECONDS

    def _say_unsent(self, trouble: str) -> None:
        if not self._warned:
            self._warned = True
            self._warn(
                f"MLflow at {printable(redacted(self._uri))} {trouble}; nothing is lost: all of it is in the ledger, "
                "and is sent when MLflow answers, or by the next run of this study"
            )


def _root(error: BaseException) -> BaseException:
    """Returns where an error came from: MLflow wraps "connection refused" in 300 letters, and a password in them."""
    while error.__context__ is not None:
        error = error.__context__
    return error


def _failures() -> tuple[type[Exception], ...]:
    """Errors after which another try makes sense; known only once MLflow is imported."""
    known: tuple[type[Exception], ...] = (OSError, ImportError, sqlite3.Error, LedgerError)
    try:
        with IMPORTING:
            from mlflow.exceptions import MlflowException
            from sqlalchemy.exc import SQLAlchemyError
    except ImportError:
        return known
    return (*known, MlflowException, SQLAlchemyError)
