"""One driver per study on this machine: a lock that dies with its owner and says who holds it."""

import fcntl
import json
import os
import socket
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from robustune.errors import Mistake

TRIES: Final = 10
TRY_SECONDS: Final = 0.01
"""Between two tries for a lock: who asks whether it is held holds it for microseconds."""


class Lock:
    """Holds `path` from its making until `release`, or until this process dies, however it dies."""

    def __init__(self, path: Path) -> None:
        """Takes the lock at once.

        Raises:
            Mistake: STUDY_LOCKED with the pid, host and start of the holder.
        """
        self._path = path
        self._descriptor = self._taken()
        owner = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.time()}
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, json.dumps(owner).encode(), 0)

    def release(self) -> None:
        """Lets another driver in and removes the file; a second call does nothing."""
        if self._descriptor >= 0:
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = -1

    def _taken(self) -> int:
        tries = 0
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                told = os.pread(descriptor, 4096, 0)
                os.close(descriptor)
                tries += 1
                if tries < TRIES:
                    time.sleep(TRY_SECONDS)
                    continue
                raise Mistake(
                    "STUDY_LOCKED", f"{self._path.parent}: {_holder(told)}; wait for it to end, or end it"
                ) from None
            if self._is_still(descriptor):
                return descriptor
            os.close(descriptor)  # the last holder removed the file between our opening and our locking it

    def _is_still(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except FileNotFoundError:
            return False


def held(path: Path) -> bool:
    """Whether a process of this machine holds the lock at `path`; makes nothing, and keeps no driver out."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _holder(told: bytes) -> str:
    try:
        owner = json.loads(told)
        since = datetime.fromtimestamp(float(owner["since"]), UTC).isoformat(timespec="seconds")
        return f"in use by another driver (pid {int(owner['pid'])} on {str(owner['host'])[:80]!r} since {since})"
    except (ValueError, KeyError, TypeError, OverflowError):
        return "in use by another driver that is just starting"
