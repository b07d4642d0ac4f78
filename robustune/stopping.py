"""A request to end a search in order, as a file that its driver and its trials look for."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pyarrow import fs as pafs

from analysis import records
from analysis.ending import STOPPED
from robustune import lease
from robustune.errors import Mistake, readable
from robustune.lease import Leases, Watch, driver_of, open_session
from robustune.locks import held
from robustune.segments import Segments
from robustune.settings import Settings
from robustune.standing import standing
from trainables.errors import TrainableError
from trainables.storage import below, is_uri, opened

LOOK_SECONDS: Final = 5.0
"""Between two looks into a storage; a look at a local disk takes microseconds and has no pause."""
WAIT_SECONDS: Final = 0.2


class StopRequest:
    """One place of the request: `STUDY/stop` below the results folder or the storage.

    It says up to which commit whoever asked had read the ledger. One from before the driver's session began was meant
    for another driver, and is none.

    Args:
        root: of results, or of the storage.
        study: the name of its folder there.
    """

    def __init__(self, root: str, study: str) -> None:
        self.path = below(root, study, "stop")
        self._pause = LOOK_SECONDS if is_uri(root) else 0.0
        try:
            self._filesystem, self._place = opened(self.path, "OPTION_INVALID")
        except TrainableError as error:
            raise Mistake(error.code, f"--storage {error}") from error
        self._due = 0.0

    def write(self, commits: int) -> None:
        """Asks the driver to end; whatever was asked before is replaced.

        Raises:
            Mistake: RESULTS_UNWRITABLE.
        """
        try:
            self._filesystem.create_dir(self._place.rpartition("/")[0], recursive=True)
            with self._filesystem.open_output_stream(self._place, compression=None) as stream:
                stream.write(json.dumps({"commits": commits}).encode())
        except OSError as error:
            raise Mistake("RESULTS_UNWRITABLE", f"{self.path}: cannot be written ({error})") from error

    def asked(self, session: int) -> bool:
        """Whether somebody asks the driver to end whose session began with that commit; a torn request is none yet."""
        if time.monotonic() < self._due:
            return False
        self._due = time.monotonic() + self._pause
        try:
            if self._filesystem.get_file_info(self._place).type != pafs.FileType.File:
                return False
            with self._filesystem.open_input_stream(self._place, compression=None) as stream:
                return int(json.loads(bytes(stream.read()))["commits"]) >= session
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def clear(self) -> None:
        """Takes the request away, if there is one."""
        try:
            self._filesystem.delete_file(self._place)
        except OSError:
            return  # there is none, or it cannot be taken away: it is not for the next driver anyhow


class Stop:
    """What a driver looks at: whether it was asked to end, in the results folder or in the storage.

    Args:
        folder: of the study.
        settings: how it is run.
        session: the commit that the driver's session began with.
    """

    def __init__(self, folder: Path, settings: Settings, session: int) -> None:
        self._here = StopRequest(str(folder.parent), folder.name)
        self._shared = None if settings.segments is None else StopRequest(settings.segments, folder.name)
        self._session = session
        self.asked = False

    @property
    def path(self) -> str:
        """Where trials, on whatever node, look for a request."""
        return (self._shared or self._here).path

    def __call__(self) -> bool:
        """Whether an end was asked for; once it was, it stays so. Trials on other nodes learn it too."""
        if not self.asked:
            here = self._here.asked(self._session)
            self.asked = here or (self._shared is not None and self._shared.asked(self._session))
            if here and self._shared is not None:
                self._shared.write(self._session)
        return self.asked

    def clear(self) -> None:
        """Takes the requests away: they were heeded, or meant for another driver."""
        for request in (self._here, self._shared):
            if request is not None:
                request.clear()


def stop(study: str, settings: Settings, say: Callable[[str], None]) -> Path:
    """Asks the driver of a study to end, waits until it has, and returns the study's folder.

    Raises:
        Mistake: STUDY_MISSING, STUDY_IDLE where no driver is at work on it, STORAGE_UNREACHABLE.
    """
    from robustune.checks import has_ledger, stored

    folder = stored(study, settings)
    segments = None if settings.segments is None else Segments(settings.segments, folder.name)
    at_work = _at_work_here(folder) if has_ledger(folder) else False
    if not at_work and (segments is None or _killed_here(folder, segments) or not open_session(segments)):
        raise Mistake(
            "STUDY_IDLE",
            f"{folder}: no driver is at work on the study, so there is nothing to stop; where one is, on another "
            "machine, stop it there or name the --storage of its search",
        )
    say("asked the driver to end; trials that run finish their epoch first (Ctrl-C: do not wait for that)")
    request = StopRequest(str(folder.parent) if at_work else settings.shared, folder.name)
    try:
        if at_work:
            _wait(lambda: _at_work_here(folder), lambda: request.write(_commits(folder)))
        elif segments is not None:
            watch = Watch(Leases(settings.shared, folder.name))
            _wait(lambda: _lives(segments, watch), lambda: request.write(segments.last()))
    except Mistake:
        request.clear()
        raise
    request.clear()
    return folder


def told(folder: Path) -> str:
    """One line on where a study stands that was stopped, and how it goes on."""
    now = standing(folder)
    name = folder.name
    if now.end is not None and now.end.key != STOPPED:
        return f"{name} had ended by itself: {now.end.words}"
    return (
        f"{name} was stopped: {now.ended} of {now.trials} trials have ended, {now.counts['running']} in flight are "
        f"kept; go on with `robustune resume {name}`"
    )


def _wait(at_work: Callable[[], bool], ask: Callable[[], None]) -> None:
    # Asked again and again: a driver that had just begun took the first request for one to its forerunner.
    while at_work():
        ask()
        time.sleep(WAIT_SECONDS)


def _at_work_here(folder: Path) -> bool:
    return held(folder / "ledger.lock")


def _lives(segments: Segments, watch: Watch) -> bool:
    """Whether the driver of the open session lives; one of before there were leases is thought to.

    Raises:
        Mistake: STUDY_IDLE where it shows no sign of life any more.
    """
    if not open_session(segments):
        return False
    if watch.silent() >= lease.GRACE_SECONDS and watch.leased:
        name = segments.study
        raise Mistake(
            "STUDY_IDLE",
            f"{name}: its driver ({driver_of(segments, watch.session)}) has shown no sign of life for "
            f"{lease.GRACE_SECONDS:g} s: it was killed, or its machine or network is lost, so there is nothing to "
            f"stop; `robustune resume {name} --storage ...` goes on with the study",
        )
    return True


def _killed_here(folder: Path, segments: Segments) -> bool:
    """Whether the newest session of the storage is one of this folder's, where nobody holds the lock."""
    from robustune.checks import has_ledger

    return has_ledger(folder) and all(fact["kind"] != "session" for fact in segments.after(_commits(folder)))


def _commits(folder: Path) -> int:
    with readable():
        return int(records.facts(folder)["commits"])
