"""Which of the committed checkpoints are still whole, and where."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from pyarrow import ArrowInvalid
from pyarrow import fs as pafs

from robustune.errors import Mistake
from trainables.storage import below, is_uri


def whole_copy(path: str, sha256: str, folder: Path, root: str, trial: int, whose: str) -> str:
    """Returns where a committed checkpoint lies now, absolute: where it was written, or where its study was moved to.

    Args:
        path: as committed.
        sha256: as committed; nothing else is taken for the checkpoint.
        folder: of the study.
        root: of the study's checkpoints, as the settings have it.
        trial: its number.
        whose: begins the message.

    Raises:
        Mistake: CKPT_MISSING, or CKPT_CORRUPT where only a file with another digest is there.
    """
    inside = (f"{trial:05d}", (path.partition("?")[0] if is_uri(path) else path).rpartition("/")[2])
    written = path if is_uri(path) else str((folder / path).absolute())
    places = dict.fromkeys([written, str(folder.absolute().joinpath("checkpoints", *inside)), below(root, *inside)])
    digests = {place: digest_of(place, folder) for place in places}
    whole = next((place for place, digest in digests.items() if digest == sha256), None)
    if whole is not None:
        return whole
    damaged = next((place for place, digest in digests.items() if digest is not None), None)
    if damaged is not None:
        raise Mistake("CKPT_CORRUPT", f"{whose}: {damaged}: is not what was written; put a good copy in its place")
    raise Mistake("CKPT_MISSING", f"{whose}: {written}: the checkpoint is gone, or cannot be read; put it back")


def newest_whole(kept: Iterable[tuple[int, str, str]], folder: Path) -> tuple[int, str | None]:
    """Returns the first (epoch, path) of (epoch, path, sha256) whose file has that digest; (0, None) where none has.

    Args:
        kept: newest first; a path is a URI that `pyarrow.fs` knows, or a local one, below `folder` if not absolute.
        folder: of the study.
    """
    for epoch, path, sha256 in kept:
        if digest_of(path, folder) == sha256:
            return epoch, path
    return 0, None


def fetched(uri: str, name: str, folder: Path) -> Path:
    """Copies what lies at a URI into a folder of this machine, under that name, and returns where it is.

    Raises:
        Mistake: CKPT_MISSING where it cannot be read.
    """
    path = folder / name
    try:
        filesystem, inside = pafs.FileSystem.from_uri(uri)
        pafs.copy_files(inside, str(path), source_filesystem=filesystem, destination_filesystem=pafs.LocalFileSystem())
    except (OSError, ArrowInvalid) as error:
        raise Mistake("CKPT_MISSING", f"{uri}: cannot be read ({error}); put it back") from error
    return path


def digest_of(path: str, folder: Path) -> str | None:
    """Returns the SHA-256 of a file's bytes, or None where it cannot be read."""
    found = hashlib.sha256()
    try:
        filesystem, inside = (
            pafs.FileSystem.from_uri(path) if "://" in path else (pafs.LocalFileSystem(), str(folder / path))
        )
        with filesystem.open_input_stream(inside, compression=None) as stream:
            while block := stream.read(1 << 20):
                found.update(block)
    except OSError:
        return None
    return found.hexdigest()
