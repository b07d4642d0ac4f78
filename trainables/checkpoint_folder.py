"""Where the checkpoints of one trial lie, on a disk or on an object store, and which of them are whole."""

import hashlib
import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final, Protocol

import pyarrow.fs as pafs

from trainables.errors import TrainableError
from trainables.storage import below, opened

_RESULT: Final = re.compile(r"epoch-(\d{5})\.json")


class Restorable(Protocol):
    """Anything whose state is one file."""

    epoch: int

    def save(self, path: Path) -> None:
        """Writes the state."""

    def load(self, path: Path) -> None:
        """Takes the state up again; a refused file (CKPT_CORRUPT) changes nothing."""


class CheckpointFolder:
    """Holds `epoch-00003.safetensors` with `epoch-00003.json` beside it; the latter, published last, makes it whole.

    The JSON file holds the epoch's result, with the file's SHA-256: a checkpoint without it, with another digest, or
    under another epoch's name is never taken up.

    Args:
        root: a local path or any URI that `pyarrow.fs` knows.
        filesystem: a `pyarrow.fs.FileSystem` in which `root` is a path, for storage that no URI describes.

    Raises:
        TrainableError: CKPT_UNREADABLE where no file system understands the root.
    """

    def __init__(self, root: str, filesystem: Any = None) -> None:
        self._root = root
        self._fs, self._base = opened(root, "CKPT_UNREADABLE") if filesystem is None else (filesystem, root)

    def keep(self, trainer: Restorable, result: dict[str, Any]) -> dict[str, Any]:
        """Writes the trainer's state and returns the result with `checkpoint` = path, sha256 and bytes in it.

        Raises:
            TrainableError: CKPT_UNWRITABLE where the storage refuses.
        """
        name = f"epoch-{trainer.epoch:05d}"
        try:
            content = _state_of(trainer)
            described = {
                "path": below(self._root, f"{name}.safetensors"),
                "sha256": hashlib.sha256(content).hexdigest(),
                "bytes": len(content),
            }
            whole = {**result, "checkpoint": described}
            self._fs.create_dir(self._base, recursive=True)
            self._write(f"{name}.safetensors", content)
            self._write(f"{name}.json", json.dumps(whole).encode())
        except OSError as error:
            raise TrainableError(
                "CKPT_UNWRITABLE", f"{self._base}/{name}: {error}; free space there or make it writable, then resume"
            ) from error
        return whole

    def take_up(self, trainer: Restorable, up_to: int | None) -> dict[str, Any] | None:
        """Loads the newest whole checkpoint, not beyond epoch `up_to`, and returns its result; None where none is.

        A checkpoint that is not whole, or that the trainer refuses, is passed over for the one before it.

        Raises:
            TrainableError: CKPT_UNREADABLE where the storage does not answer; CKPT_CORRUPT where a whole file holds
                another epoch than its name says.
        """
        for epoch in self._epochs():
            if up_to is not None and epoch > up_to:
                continue
            found = self._whole(epoch)
            if found is not None and _loaded(trainer, found.content, epoch):
                return found.result
        return None

    def keep_error(self, text: str) -> None:
        """Keeps a traceback beside the checkpoints, for who mends the trainer.

        Raises:
            OSError: the storage refuses.
        """
        self._fs.create_dir(self._base, recursive=True)
        self._write("error.txt", text.encode(errors="backslashreplace"))

    def _epochs(self) -> list[int]:
        try:
            files = self._fs.get_file_info(pafs.FileSelector(self._base, allow_not_found=True))
        except OSError as error:
            raise TrainableError("CKPT_UNREADABLE", f"{self._base}: {error}; make it readable, then resume") from error
        names = (_RESULT.fullmatch(PurePosixPath(file.path).name) for file in files)
        return sorted((int(name[1]) for name in names if name), reverse=True)

    def _whole(self, epoch: int) -> "_Whole | None":
        name = f"epoch-{epoch:05d}"
        try:
            result = json.loads(self._read(f"{name}.json"))
            content = self._read(f"{name}.safetensors")
            sound = result["checkpoint"]["sha256"] == hashlib.sha256(content).hexdigest()
            return _Whole(result, content) if sound and result["epoch"] == epoch else None
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def _read(self, name: str) -> bytes:
        with self._fs.open_input_stream(f"{self._base}/{name}", compression=None) as stream:
            return bytes(stream.read())

    def _write(self, name: str, content: bytes) -> None:
        path = f"{self._base}/{name}"
        if not isinstance(self._fs, pafs.LocalFileSystem):
            with self._fs.open_output_stream(path, compression=None) as stream:  # an object appears whole or not at all
                stream.write(content)
            return
        aside = Path(f"{path}.aside")
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # the ledger that will name it is synced too
        aside.replace(path)


@dataclass(frozen=True)
class _Whole:
    result: dict[str, Any]
    content: bytes


def _state_of(trainer: Restorable) -> bytes:
    with tempfile.TemporaryDirectory() as aside:
        file = Path(aside) / "state.safetensors"
        trainer.save(file)
        return file.read_bytes()


def _loaded(trainer: Restorable, content: bytes, epoch: int) -> bool:
    """Whether the trainer took the state up."""
    with tempfile.TemporaryDirectory() as aside:
        file = Path(aside) / "state.safetensors"
        file.write_bytes(content)
        try:
            trainer.load(file)
        except TrainableError as error:
            if error.code != "CKPT_CORRUPT":
                raise
            return False
    if trainer.epoch != epoch:  # training on from here would skip epochs or do them twice
        raise TrainableError("CKPT_CORRUPT", f"the checkpoint of epoch {epoch} holds the state of {trainer.epoch}")
    return True
