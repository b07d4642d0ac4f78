"""Entries on storage that several machines reach through `pyarrow.fs`."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Final

import pyarrow.fs as pafs

from trainables.data import manifest
from trainables.data.manifest import Entry, corrupt
from trainables.errors import TrainableError

_CHUNK_BYTES: Final = 1 << 22


class RemoteRoot:
    """Holds entries as `<base>/<digest>/manifest.json` and `<base>/<digest>/<seal>/<file>`.

    Object stores have no rename. So the files lie under their manifest's seal, which their content decides: builders
    that come together never mix their files, and whichever manifest is written last names files that are whole.
    A torn manifest is none, since its seal does not fit.
    """

    def __init__(self, filesystem: Any, base: str) -> None:
        self._fs = filesystem
        self._base = base.rstrip("/")

    def has(self, digest: str) -> bool:
        """Whether a sound manifest is published.

        Raises:
            TrainableError: CACHE_UNREADABLE where the storage does not answer.
        """
        try:
            self._manifest(digest)
        except (FileNotFoundError, ValueError):
            return False
        return True

    def fetch(self, digest: str, into: Path) -> dict[str, Any]:
        """Copies an entry's files into an empty folder and holds them against the manifest.

        Returns:
            What the builder said of the entry.

        Raises:
            TrainableError: CACHE_MISSING, CACHE_CORRUPT, or CACHE_UNREADABLE where the storage does not answer.
        """
        where = self._folder(digest)
        try:
            content = self._manifest(digest)
            for name in content["files"]:
                target = into / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as sink:
                    for chunk in self._chunks(f"{where}/{content['seal']}/{name}"):
                        sink.write(chunk)
            manifest.check_digests(into, content)
        except FileNotFoundError as error:
            raise TrainableError(
                "CACHE_MISSING", f"{where}: nothing whole is there; start again to build it"
            ) from error
        except ValueError as error:
            raise corrupt(where, str(error), "delete that folder and start again to build it anew") from error
        return dict(content["describe"])

    def upload(self, entry: Entry) -> None:
        """Copies a sound local entry here, its manifest last.

        Raises:
            TrainableError: CACHE_UNWRITABLE.
        """
        folder = self._folder(entry.digest)
        try:
            for name in entry.manifest["files"]:
                self._write(entry.path / name, f"{folder}/{entry.manifest['seal']}/{name}")
            self._write(entry.path / manifest.NAME, f"{folder}/{manifest.NAME}")
        except OSError as error:
            raise TrainableError(
                "CACHE_UNWRITABLE", f"{folder}: {error}; check its address, its space and your rights there"
            ) from error

    def discard(self, digest: str) -> None:
        """Takes an entry away, its manifest first.

        Raises:
            TrainableError: CACHE_UNWRITABLE.
        """
        folder = self._folder(digest)
        try:
            if self._fs.get_file_info(f"{folder}/{manifest.NAME}").type != pafs.FileType.NotFound:
                self._fs.delete_file(f"{folder}/{manifest.NAME}")
            self._fs.delete_dir_contents(folder, missing_dir_ok=True)
        except OSError as error:
            raise TrainableError("CACHE_UNWRITABLE", f"{folder}: {error}; check your rights there") from error

    def _folder(self, digest: str) -> str:
        return f"{self._base}/{manifest.checked_digest(digest)}"

    def _manifest(self, digest: str) -> dict[str, Any]:
        return manifest.parse(b"".join(self._chunks(f"{self._folder(digest)}/{manifest.NAME}")), digest)

    def _chunks(self, path: str) -> Iterator[bytes]:
        # Errors are named here and not around the caller's loop, where the local disk's would look like the storage's.
        try:
            with self._fs.open_input_stream(path, compression=None) as stream:
                chunk = stream.read(_CHUNK_BYTES)
                while chunk:
                    yield chunk
                    chunk = stream.read(_CHUNK_BYTES)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise TrainableError("CACHE_UNREADABLE", f"{path}: {error}; check its address and your rights") from error

    def _write(self, source: Path, path: str) -> None:
        self._fs.create_dir(str(PurePosixPath(path).parent), recursive=True)
        with source.open("rb") as stream, self._fs.open_output_stream(path, compression=None) as sink:
            while chunk := stream.read(_CHUNK_BYTES):
                sink.write(chunk)
