"""A driver's sign of life in a storage that other machines reach: a number that grows while the driver lives.

`<storage>/<study>/leases/000000000042.json` belongs to the session that commit 42 began. Its driver writes a greater
number into it every few seconds. Whoever wants to know whether that driver lives watches the file on a clock of its
own: no clock of one machine is compared with another's. A lease keeps a second driver out and tells `robustune stop`
whom not to wait for; that no two drivers write is the law of the segments, whose numbers are written once.
"""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pyarrow import fs as pafs

from robustune.errors import Mistake
from robustune.segments import Segments, folder_of, reached

BEAT_SECONDS: Final = 2.0
"""Between two signs of life."""
GRACE_SECONDS: Final = 30.0
"""Without one for so long, a driver is taken for dead, and another may take over."""
LOOK_SECONDS: Final = 0.5


class Leases:
    """The leases of one study; sessions are named by the number of the commit that began them.

    Args:
        storage: a path or URI that every driver of the study reaches.
        study: the name of its folder there.

    Raises:
        Mistake: OPTION_INVALID.
    """

    def __init__(self, storage: str, study: str) -> None:
        self._filesystem, self.folder = folder_of(storage, study, "leases")

    def newest(self) -> int:
        """The session of the newest lease; 0 where there is none."""
        return max(self._sessions(), default=0)

    def show(self, session: int, beat: int) -> None:
        """Writes a sign of life.

        Raises:
            OSError: the storage cannot be written.
        """
        self._filesystem.create_dir(self.folder, recursive=True)
        with self._filesystem.open_output_stream(self._path(session), compression=None) as stream:
            stream.write(json.dumps({"beat": beat}).encode())

    def sign(self) -> tuple[int, bytes] | None:
        """The newest lease as it stands: another one, or another content, is a sign of life; None without any.

        Raises:
            OSError: the storage cannot be read.
        """
        session = self.newest()
        if session == 0:
            return None
        try:
            with self._filesystem.open_input_stream(self._path(session), compression=None) as stream:
                return session, bytes(stream.read())
        except FileNotFoundError:
            return session, b""  # released since it was listed

    def drop(self, session: int) -> None:
        """Takes away the lease of a session, if there is one."""
        with contextlib.suppress(OSError):
            self._filesystem.delete_file(self._path(session))

    def drop_before(self, session: int) -> None:
        """Takes away the leases of earlier sessions: their drivers are dead, or have lost their place."""
        for earlier in self._sessions():
            if earlier < session:
                self.drop(earlier)

    def _sessions(self) -> list[int]:
        infos = self._filesystem.get_file_info(pafs.FileSelector(self.folder, allow_not_found=True))
        stems = (info.base_name.removesuffix(".json") for info in infos)
        return [int(stem) for stem in stems if stem.isdecimal()]

    def _path(self, session: int) -> str:
        return f"{self.folder}/{session:012d}.json"


class Lease:
    """Shows from a thread of its own that the driver of a session lives, until `release` or until the process ends.

    Args:
        leases: of the study.
        session: the number of the commit that began it.
    """

    def __init__(self, leases: Leases, session: int) -> None:
        self._leases = leases
        self._session = session
        self._released = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="robustune-lease", daemon=True)
        leases.show(session, 0)
        leases.drop_before(session)
        self._thread.start()

    @property
    def lost(self) -> bool:
        """Whether a later session was seen: another driver took this one for dead, and its place."""
        return self._lost.is_set()

    def release(self) -> None:
        """Ends the signs and takes the lease away; a second call does nothing."""
        self._released.set()
        self._thread.join(BEAT_SECONDS)
        self._leases.drop(self._session)

    def _beat(self) -> None:
        beat = 0
        while not self._released.wait(BEAT_SECONDS):
            # A storage that fails is not for this thread to tell of: the next commit meets it too.
            with contextlib.suppress(OSError):
                if self._leases.newest() > self._session:
                    self._lost.set()
                    return
                beat += 1
                self._leases.show(self._session, beat)


class Watch:
    """Tells for how long the driver with the newest lease has shown no sign of life, on the watcher's own clock.

    Args:
        leases: of the study.
        clock: seconds from any moment on.

    Raises:
        Mistake: STORAGE_UNREACHABLE.
    """

    def __init__(self, leases: Leases, clock: Callable[[], float] = time.monotonic) -> None:
        self._leases = leases
        self._clock = clock
        with reached(leases.folder):
            self._sign = leases.sign()
        self._since = clock()
        self.alive = False
        """Whether a sign of life was seen."""

    @property
    def leased(self) -> bool:
        """Whether there is a lease: drivers of before there were leases show none."""
        return self._sign is not None

    @property
    def session(self) -> int:
        """Whose lease it is; 0 where there is none."""
        return 0 if self._sign is None else self._sign[0]

    def silent(self) -> float:
        """Looks, and returns the seconds since the last sign of life, or since the watch began where it saw none."""
        with contextlib.suppress(OSError):  # a storage that cannot be read just now shows none
            sign = self._leases.sign()
            if sign != self._sign:
                self._sign, self._since, self.alive = sign, self._clock(), True
        return self._clock() - self._since


def open_session(segments: Segments) -> bool:
    """Whether a session is open; that of a killed driver is until the study is resumed."""
    last = segments.last()
    return last > 0 and segments.fact(last)["kind"] != "closed"


def await_silence(segments: Segments, leases: Leases, own: Callable[[int], bool], say: Callable[[str], None]) -> None:
    """Returns once no driver is at work on a study of the storage, as far as its lease tells.

    Args:
        segments: of the study.
        leases: of the study.
        own: whether the driver of a session is known to be dead, since this process holds its lock.
        say: takes a line for the user, where it has to be waited.

    Raises:
        Mistake: STUDY_LOCKED, with the driver that shows a sign of life within GRACE_SECONDS; STORAGE_UNREACHABLE.
    """
    with reached(leases.folder):
        session = leases.newest()
    if session == 0 or not open_session(segments) or own(session):
        return
    watch = Watch(leases)
    told = driver_of(segments, session)
    say(f"a driver may still be at work on the study ({told}): watching its lease for up to {GRACE_SECONDS:g} s")
    while watch.silent() < GRACE_SECONDS:
        if watch.alive:
            if not open_session(segments):
                return
            raise Mistake(
                "STUDY_LOCKED",
                f"{segments.study}: in use by another driver ({told}) that shows signs of life in the storage; wait "
                f"for it to end, or end it with `robustune stop {segments.study} --storage ...`",
            )
        time.sleep(LOOK_SECONDS)


def driver_of(segments: Segments, session: int) -> str:
    """The process, host and begin of the driver whose session a commit began; what is not known is left out."""
    fact: Mapping[str, Any] = segments.fact(session) if session <= segments.last() else {}
    if fact.get("kind") != "session":
        return "it has hardly begun"
    since = datetime.fromtimestamp(float(fact["at"]), UTC).isoformat(timespec="seconds")
    return f"pid {int(fact['pid'])} on {str(fact['host'])[:80]!r} since {since}"
