"""Files that a study names: where they lie, and what tells their content in an address. Torch-free."""

import functools
import hashlib
import time
from importlib.metadata import version
from pathlib import Path
from typing import Final

from trainables.errors import TrainableError
from trainables.storage import is_uri

_SETTLED_NS: Final = 10**10


def absolute(named: str) -> str:
    """The path for a builder that runs in another directory; a URI and an empty name stay as they are."""
    # What lies at a URI is fetched before its builder runs.
    return named if is_uri(named) or not named else str(Path(named).absolute())


def content(path: str) -> dict[str, str]:
    """What tells a file of weights: its SHA-256, or else where it comes from; an empty path means torchvision's own."""
    told = {"sha256": sha256_of(path)}
    if told["sha256"]:
        return told
    if path:
        return {**told, "unread": path}
    # Which file torchvision means is known by its release, and its content by its name, which the builder checks.
    return {**told, "published_with": f"torchvision {version('torchvision').partition('+')[0]}"}


def sha256_of(path: str) -> str:
    """Of a file that this machine has and may read, in hexadecimal; empty where there is none."""
    if not path or not Path(path).is_file():
        return ""
    found = Path(path).stat()
    # Clocks of file systems are coarse: what was written just now may be written again at the same time.
    settled = time.time_ns() - found.st_mtime_ns > _SETTLED_NS
    read = _remembered if settled else _remembered.__wrapped__
    try:
        return read(path, found.st_size, found.st_mtime_ns)
    except OSError:
        return ""


def check_unchanged(path: Path, sha256: str) -> None:
    """Lets a file pass that is still what it was when the step was planned.

    Raises:
        TrainableError: CKPT_MISSING, CKPT_CORRUPT.
    """
    if not path.is_file():
        raise TrainableError("CKPT_MISSING", f"{path}: there is no such checkpoint")
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            raise TrainableError(
                "CKPT_CORRUPT",
                f"{path}: its SHA-256 is not {sha256[:12]}... as planned; put it back or start again",
            )


@functools.lru_cache(maxsize=65_536)
def _remembered(path: str, size: int, changed_ns: int) -> str:
    """Planning asks several times for the same files, and a folder of styles may hold thousands."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
