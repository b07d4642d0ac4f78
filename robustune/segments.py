"""Every commit, published once more beside the checkpoints: the machine of the driver may be lost, and its disk.

`<storage>/<study>/segments/000000000042.json` is the fact of commit 42. A number is never written twice, so a driver
whose place another one took learns it at its next commit. On disks that is one atomic step, and on object stores under
an `fsspec+` address one conditional write. `pyarrow.fs` itself knows none; there the number is looked up before it is
written and read back after.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from pyarrow import fs as pafs

from robustune.errors import Mistake
from robustune.facts import Fact, text_of
from robustune.ledger_file import sync_folder
from trainables.errors import TrainableError
from trainables.storage import opened

TAKEN_OVER: Final = "another driver has taken over, and this one ends; nothing of the other's was changed"


def folder_of(storage: str, study: str, name: str) -> tuple[pafs.FileSystem, str]:
    """Returns a folder of a study in a storage, and the file system that it is on.

    Args:
        storage: a path or URI that every driver of the study reaches.
        study: the name of its folder there.
        name: of the folder in that.

    Raises:
        Mistake: OPTION_INVALID.
    """
    try:
        filesystem, base = opened(storage, "OPTION_INVALID")
    except TrainableError as error:
        raise Mistake(error.code, f"--storage {error}") from error
    return filesystem, f"{base.rstrip('/')}/{study}/{name}"


class Segments:
    """The published facts of one study, numbered from 1 without a gap.

    Args:
        storage: a path or URI that every driver of the study reaches.
        study: the name of its folder there.

    Raises:
        Mistake: OPTION_INVALID.
    """

    def __init__(self, storage: str, study: str) -> None:
        self._filesystem, self._folder = folder_of(storage, study, "segments")
        self.study = study

    def publish(self, number: int, fact: Fact) -> None:
        """Writes the fact under its number; the same fact may be there already.

        Raises:
            Mistake: LEASE_LOST where another driver wrote another fact under this number; STUDY_LOCKED where the fact
                would have begun a session.
            OSError: the storage cannot be written.
        """
        text = text_of(fact)
        content = json.dumps({"number": number, "sha256": _digest(text), "fact": text}).encode()
        path = self._path(number)
        self._filesystem.create_dir(self._folder, recursive=True)
        if isinstance(self._filesystem, pafs.LocalFileSystem):
            _link(Path(path), content)
        elif (handler := _fsspec(self._filesystem)) is not None:
            with contextlib.suppress(FileExistsError):
                handler.pipe_file(path, content, mode="create")
        elif self._filesystem.get_file_info(path).type == pafs.FileType.NotFound:
            with self._filesystem.open_output_stream(path, compression=None) as stream:
                stream.write(content)
        if self._content(path) != content:
            code = "STUDY_LOCKED" if fact["kind"] == "session" else "LEASE_LOST"
            raise Mistake(code, f"{path}: {TAKEN_OVER}")

    def last(self) -> int:
        """Returns the highest number, 0 where nothing was published.

        Raises:
            Mistake: STATE_CORRUPT where a number below it is missing, STORAGE_UNREACHABLE.
        """
        with reached(self._folder):
            infos = self._filesystem.get_file_info(pafs.FileSelector(self._folder, allow_not_found=True))
        names = sorted(info.base_name for info in infos if info.base_name.endswith(".json"))
        for number, name in enumerate(names, start=1):
            if name != f"{number:012d}.json":
                raise Mistake("STATE_CORRUPT", f"{self._path(number)}: is missing; put it back")
        return len(names)

    def after(self, number: int) -> Iterator[dict[str, Any]]:
        """Yields the facts past a number, in order.

        Raises:
            Mistake: STATE_CORRUPT where one is missing or is not what was written, STORAGE_UNREACHABLE.
        """
        for following in range(number + 1, self.last() + 1):
            yield self.fact(following)

    def fact(self, number: int) -> dict[str, Any]:
        """Returns the fact under a number.

        Raises:
            Mistake: STATE_CORRUPT where it is not what was written, STORAGE_UNREACHABLE.
        """
        path = self._path(number)
        with reached(path):
            content = self._content(path)
        try:
            told = json.loads(content)
            whole = told["number"] == number and told["sha256"] == _digest(told["fact"])
            fact: dict[str, Any] = json.loads(told["fact"])
        except (ValueError, KeyError, TypeError, AttributeError):
            whole = False
        if not whole:
            raise Mistake(
                "STATE_CORRUPT", f"{path}: is not what was written; it was left as it is: put a good copy back"
            )
        return fact

    def _path(self, number: int) -> str:
        return f"{self._folder}/{number:012d}.json"

    def _content(self, path: str) -> bytes:
        with self._filesystem.open_input_stream(path, compression=None) as stream:
            return bytes(stream.read())


@contextmanager
def reached(path: str) -> Iterator[None]:
    """Turns a storage that cannot be read into one line for the user.

    Raises:
        Mistake: STORAGE_UNREACHABLE.
    """
    try:
        yield
    except OSError as error:
        raise Mistake(
            "STORAGE_UNREACHABLE",
            f"{path}: cannot be read ({error}); see that the storage answers and its address is right, then try again",
        ) from error


def _fsspec(filesystem: Any) -> Any:
    """The fsspec file system behind an address as `fsspec+s3://`, which writes only where nothing is; None: another."""
    handler = getattr(filesystem, "handler", None)
    return handler.fs if isinstance(handler, pafs.FSSpecHandler) else None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _link(path: Path, content: bytes) -> None:
    """Makes the file appear whole and synced, unless its name is taken."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.aside")
    with aside.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    try:
        os.link(aside, path)
    except FileExistsError:
        return
    finally:
        aside.unlink()
    sync_folder(path.parent)
