"""Entries in a folder of this machine: built aside under a lock that dies with its owner, published by one rename."""

import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from trainables.data import manifest
from trainables.data.manifest import Entry, corrupt
from trainables.errors import TrainableError

# What a builder's OSError must be to be the disk's fault, and not that of a file which the builder reads.
_DISK_REFUSES: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class LocalRoot:
    """Holds entries as `<root>/<digest>/`; whatever else lies there counts for nothing.

    A builder holds a kernel lock on `<digest>.lock` while it writes `<digest>.aside`. The kernel drops the lock of a
    killed builder, so whoever can take the lock may clear what stands aside, without asking process numbers or clocks.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def has(self, digest: str) -> bool:
        """Whether an entry with a sound manifest and files of the right sizes is published; reads no file of it.

        Raises:
            TrainableError: CACHE_UNREADABLE.
        """
        try:
            self._checked(digest, manifest.check_sizes)
        except TrainableError as error:
            if error.code == "CACHE_UNREADABLE":
                raise
            return False
        return True

    def open(self, digest: str) -> Entry:
        """Opens an entry after holding every file against its manifest.

        Raises:
            TrainableError: CACHE_MISSING, CACHE_CORRUPT, or CACHE_UNREADABLE where the system refuses to read it.
        """
        return self._checked(digest, manifest.check_digests)

    def publish(self, digest: str, write: Callable[[Path], None], describe: Mapping[str, Any]) -> Entry:
        """Builds an entry unless a sound one is there; of builders that come together one builds and the others wait.

        Args:
            digest: the entry's address.
            write: fills an empty folder; not called where the entry is there.
            describe: plain data for the manifest.

        Raises:
            TrainableError: CACHE_UNWRITABLE, or what `write` raises.
        """
        found = self._sound(digest)
        if found is None:
            with _refusal_named(self.root):
                self.root.mkdir(parents=True, exist_ok=True)
            self.sweep()
            with self._alone(digest):
                found = self._sound(digest) or self._build(digest, write, describe)
        return found

    def discard(self, digest: str) -> None:
        """Takes an entry away, first of all from sight; who has mapped its files keeps them.

        Raises:
            TrainableError: CACHE_UNWRITABLE.
        """
        if self._folder(digest).exists():
            with self._alone(digest), _refusal_named(self.root):
                self._clear(digest)

    @contextmanager
    def aside(self) -> Iterator[Path]:
        """An empty folder on the store's disk, for files whose digest is not known yet; it goes at the end.

        Where its owner is killed, the next `sweep` takes it away.

        Raises:
            TrainableError: CACHE_UNWRITABLE, where it cannot be made.
        """
        with _refusal_named(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
        self.sweep()
        own = secrets.token_hex(32)
        with self._alone(own):
            try:
                with _refusal_named(self.root):
                    self._aside(own).mkdir()
                yield self._aside(own)
            finally:
                shutil.rmtree(self._aside(own), ignore_errors=True)

    def sweep(self) -> None:
        """Removes what killed builders left; a living builder's lock keeps its own."""
        for lock in self.root.glob("*.lock"):
            if not manifest.is_digest(lock.stem):  # somebody else's
                continue
            with suppress(BlockingIOError, TrainableError), self._alone(lock.stem, wait=False):
                shutil.rmtree(self._aside(lock.stem), ignore_errors=True)

    def _build(self, digest: str, write: Callable[[Path], None], describe: Mapping[str, Any]) -> Entry:
        aside = self._aside(digest)
        try:
            with _refusal_named(self.root):
                self._clear(digest)
                aside.mkdir()
            with _refusal_named(self.root, _DISK_REFUSES):
                write(aside)
            with _refusal_named(self.root):
                manifest.seal(aside, digest, describe)
                aside.rename(self._folder(digest))
                manifest.sync_folder(self.root)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        return self.open(digest)

    def _clear(self, digest: str) -> None:
        if self._aside(digest).exists():
            shutil.rmtree(self._aside(digest))
        if self._folder(digest).exists():
            self._folder(digest).rename(self._aside(digest))
            shutil.rmtree(self._aside(digest))

    def _sound(self, digest: str) -> Entry | None:
        try:
            return self.open(digest)
        except TrainableError as error:
            if error.code not in ("CACHE_MISSING", "CACHE_CORRUPT"):
                raise
            return None

    def _checked(self, digest: str, check: Callable[[Path, Mapping[str, Any]], None]) -> Entry:
        folder = self._folder(digest)
        try:
            content = manifest.parse((folder / manifest.NAME).read_bytes(), digest)
            check(folder, content)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise TrainableError(
                "CACHE_MISSING", f"{folder}: nothing is published there; start the search again to build it"
            ) from error
        except ValueError as error:
            raise corrupt(str(folder), str(error), "delete that folder and start again to build it anew") from error
        except OSError as error:
            raise TrainableError(
                "CACHE_UNREADABLE", f"{folder}: {error.strerror}; make it readable or choose another folder"
            ) from error
        return Entry(digest, folder, content)

    def _folder(self, digest: str) -> Path:
        return self.root / manifest.checked_digest(digest)

    def _aside(self, digest: str) -> Path:
        return self.root / f"{digest}.aside"

    @contextmanager
    def _alone(self, digest: str, wait: bool = True) -> Iterator[None]:
        path = self.root / f"{digest}.lock"
        with _refusal_named(self.root):
            handle = _locked(path, wait)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            os.close(handle)


def _locked(path: Path, wait: bool) -> int:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            # The last holder removes the file: a lock on a removed file excludes nobody who comes later.
            with suppress(FileNotFoundError):  # a second holder may be removing its own right now
                if os.path.samestat(os.fstat(handle), path.stat()):
                    return handle
        except OSError:
            os.close(handle)
            raise
        os.close(handle)


@contextmanager
def _refusal_named(root: Path, refusals: tuple[int, ...] | None = None) -> Iterator[None]:
    try:
        yield
    except BlockingIOError:
        raise
    except OSError as error:
        if refusals is not None and error.errno not in refusals:
            raise
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise TrainableError(
            "CACHE_UNWRITABLE", f"{root}: {reason}; free space there, make it writable or choose another folder"
        ) from error
