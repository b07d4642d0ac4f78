"""What makes a folder an entry of the store: a manifest that names every file by size and SHA-256, written last."""

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from trainables.errors import TrainableError

NAME: Final = "manifest.json"
_FORMAT: Final = 1
_DIGEST: Final = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Entry:
    """A published folder whose files have been held against its manifest."""

    digest: str
    path: Path
    manifest: dict[str, Any]


def canonical(content: Mapping[str, Any]) -> bytes:
    """The one JSON text of plain data: sorted keys, no spaces, ASCII, finite numbers.

    Raises:
        ValueError: a number is not finite.
        TypeError: the content is not plain data.
    """
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def address(kind: str, arguments: Mapping[str, Any], inputs: Sequence[str] = ()) -> str:
    """Where a set stands in any store: SHA-256 over all that decides its content.

    Args:
        kind: what builds it.
        arguments: plain data, the version of the building code among them.
        inputs: the addresses of what it is built from, in the builder's order.

    Returns:
        64 lower-case hexadecimal digits; the order of the arguments' keys plays no part.

    Raises:
        ValueError, TypeError: the arguments are not plain data with finite numbers.
    """
    return hashlib.sha256(canonical({"kind": kind, "arguments": dict(arguments), "inputs": list(inputs)})).hexdigest()


def is_digest(name: str) -> bool:
    """Whether a name is a SHA-256 in lower-case hexadecimal."""
    return _DIGEST.fullmatch(name) is not None


def checked_digest(digest: str) -> str:
    """The digest itself, if it is one and so safe as a folder's name.

    Raises:
        ValueError: it is not 64 lower-case hexadecimal digits.
    """
    if not is_digest(digest):
        raise ValueError(f"{digest!r} is no SHA-256 in lower-case hexadecimal")
    return digest


def corrupt(where: str, reason: str, remedy: str) -> TrainableError:
    """The CACHE_CORRUPT that names the place, what is wrong with it, and what to do."""
    return TrainableError("CACHE_CORRUPT", f"{where}: {reason}; {remedy}")


def seal(folder: Path, digest: str, describe: Mapping[str, Any]) -> dict[str, Any]:
    """Writes the manifest of every file in the folder, all of them flushed to the disk before it.

    Args:
        folder: mutated: gains the manifest.
        digest: the entry's address.
        describe: plain data kept beside the files.

    Raises:
        OSError: the disk refuses.
        ValueError: the folder holds something else than plain files and folders.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    for path in paths:
        if path.is_symlink() or not path.is_file():
            raise ValueError(f"{path}: only plain files can be published")
    files = {path.relative_to(folder).as_posix(): _measured(path) for path in paths}
    content = {"format": _FORMAT, "digest": digest, "describe": dict(describe), "files": files}
    manifest = {**content, "seal": hashlib.sha256(canonical(content)).hexdigest()}
    with (folder / NAME).open("wb") as stream:
        stream.write(canonical(manifest))
        stream.flush()
        os.fsync(stream.fileno())
    for inner in [path for path in folder.rglob("*") if path.is_dir()]:
        sync_folder(inner)
    sync_folder(folder)
    return json.loads(canonical(manifest))  # type: ignore[no-any-return]


def parse(text: bytes, digest: str) -> dict[str, Any]:
    """Reads a manifest back.

    Raises:
        ValueError: it is torn, altered, of another entry, of another format, or names a file outside its folder.
    """
    try:
        manifest = json.loads(text)
        content = {key: value for key, value in manifest.items() if key != "seal"}
        sound = manifest["seal"] == hashlib.sha256(canonical(content)).hexdigest()
        names = [(name, file["sha256"], file["bytes"] + 0) for name, file in manifest["files"].items()]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"its manifest cannot be read ({type(error).__name__})") from error
    if not sound:
        raise ValueError("its manifest was altered")
    if manifest.get("digest") != digest or manifest.get("format") != _FORMAT:
        raise ValueError("its manifest is of another set or another format")
    if any(PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts for name, _, _ in names):
        raise ValueError("its manifest names a file outside its folder")
    return dict(manifest)


def tell_digest(path: Path, digest: str) -> None:
    """Saves `seal` the reading of a file whose SHA-256 its writer knows; void once the file changes."""
    _TOLD[str(path), _identity(path.stat())] = digest


def move(path: Path, target: Path) -> None:
    """Renames a file whose writer may have told its SHA-256, which `seal` then knows under the new name as well.

    Raises:
        OSError: the disk refuses.
    """
    told = _TOLD.pop((str(path), _identity(path.stat())), None)
    path.rename(target)
    if told is not None:
        tell_digest(target, told)


def check_sizes(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Holds every file's size against the manifest, without reading any.

    Raises:
        ValueError: a file is missing or has another size.
    """
    for name, law in manifest["files"].items():
        path = folder / name
        if not path.is_file():
            raise ValueError(f"its file {name} is missing")
        if path.stat().st_size != law["bytes"]:
            raise ValueError(f"its file {name} has {path.stat().st_size} bytes where {law['bytes']} were published")


def check_digests(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Holds every file's content against the manifest; a file that stayed the same is read once per process.

    Raises:
        ValueError: a file is missing or differs.
        OSError: a file cannot be read.
    """
    check_sizes(folder, manifest)
    for name, law in manifest["files"].items():
        if _digest(folder / name) != law["sha256"]:
            raise ValueError(f"its file {name} is not what was published")


def sync_folder(folder: Path) -> None:
    """Flushes a folder's own entries to the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _measured(path: Path) -> dict[str, Any]:
    with path.open("rb") as stream:
        status = os.fstat(stream.fileno())
        told = _TOLD.pop((str(path), _identity(status)), None)
        digest = told or hashlib.file_digest(stream, "sha256").hexdigest()
        os.fsync(stream.fileno())
    _remember(status, digest)
    return {"sha256": digest, "bytes": status.st_size}


_TOLD: Final[dict[tuple[str, tuple[int, ...]], str]] = {}
# Kept per process: every trial of a reused actor opens the same sets, and who has sealed one need not read it again.
# The identity notices a file written anew, and keeps one that is renamed.
_KNOWN: Final[dict[tuple[int, ...], str]] = {}
_MOST_KNOWN: Final = 4096


def _digest(path: Path) -> str:
    status = path.stat()
    known = _KNOWN.get(_identity(status))
    if known is None:
        with path.open("rb") as stream:
            known = hashlib.file_digest(stream, "sha256").hexdigest()
        _remember(status, known)
    return known


def _remember(status: os.stat_result, digest: str) -> None:
    if len(_KNOWN) >= _MOST_KNOWN:
        _KNOWN.clear()
    _KNOWN[_identity(status)] = digest


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
