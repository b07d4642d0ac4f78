"""Which of the committed checkpoints are still whole."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from pyarrow import fs as pafs


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
