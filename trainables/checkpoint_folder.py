"""Where the checkpoints of one trial lie, on a disk or on an object store, and which of them are whole."""

import hashlib
import json
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import pyarrow.fs as pafs

from trainables.errors import TrainableError


class Restorable(Protocol):
    """Anything whose state is one file."""

    epoch: int

    def save(self, path: Path) -> None:
        """Writes the state."""

    def load(self, path: Path) -> None:
        """Takes the state up again."""


class CheckpointFolder:
    """Holds `epoch-00003.safetensors` with `epoch-00003.json` beside it; the latter, published last, makes it whole.

    The JSON file holds the epoch's result, with the file's SHA-256: a checkpoint without it, or with another digest,
    is never taken up. Paths are a local path or any URI that `pyarrow.fs` knows.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._fs, self._base = _filesystem(root)

    def keep(self, trainer: Restorable, result: dict[str, Any]) -> dict[str, Any]:
        """Writes the trainer's state and returns the result with `checkpoint` = path, sha256 and bytes in it."""
        self._fs.create_dir(self._base, recursive=True)
        name = f"epoch-{trainer.epoch:05d}"
        with tempfile.TemporaryDirectory() as aside:
            file = Path(aside) / "state.safetensors"
            trainer.save(file)
            content = file.read_bytes()
        described = {
            "path": f"{self._root}/{name}.safetensors",
            "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content),
        }
        whole = {**result, "checkpoint": described}
        self._write(f"{name}.safetensors", content)
        self._write(f"{name}.json", json.dumps(whole).encode())
        return whole

    def take_up(self, trainer: Restorable, up_to: int | None) -> dict[str, Any] | None:
        """Loads the newest whole checkpoint, not beyond epoch `up_to`, and returns its result; None where none is.

        A checkpoint that is not whole, or that the trainer refuses, is passed over for the one before it.
        """
        for name in self._names():
            result = self._whole(name)
            if result is None or (up_to is not None and result["epoch"] > up_to):
                continue
            with tempfile.TemporaryDirectory() as aside:
                file = Path(aside) / "state.safetensors"
                file.write_bytes(self._read(f"{name}.safetensors"))
                try:
                    trainer.load(file)
                except TrainableError as error:
                    if error.code != "CKPT_CORRUPT":
                        raise
                    continue
            return result
        return None

    def keep_error(self, text: str) -> None:
        """Keeps a traceback beside the checkpoints, for who mends the trainer."""
        self._fs.create_dir(self._base, recursive=True)
        self._write("error.txt", text.encode())

    def _names(self) -> list[str]:
        files = self._fs.get_file_info(pafs.FileSelector(self._base, allow_not_found=True))
        stems = [PurePosixPath(file.path).stem for file in files if file.path.endswith(".json")]
        return sorted(stems, reverse=True)

    def _whole(self, name: str) -> dict[str, Any] | None:
        try:
            result: dict[str, Any] = json.loads(self._read(f"{name}.json"))
            digest = hashlib.sha256(self._read(f"{name}.safetensors")).hexdigest()
            return result if digest == result["checkpoint"]["sha256"] else None
        except (OSError, ValueError, KeyError, TypeError):
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
        aside = f"{path}.aside"
        with self._fs.open_output_stream(aside, compression=None) as stream:
            stream.write(content)
        Path(aside).replace(path)


def _filesystem(root: str) -> tuple[Any, str]:
    if "://" in root:
        fs, base = pafs.FileSystem.from_uri(root)
        return fs, base
    return pafs.LocalFileSystem(), str(Path(root).absolute())
