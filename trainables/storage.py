"""Places that are named by a path of this machine or by a URI that `pyarrow.fs` understands."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pyarrow as pa
import pyarrow.fs as pafs

from trainables.errors import TrainableError


class _Secret(Exception):
    """A password stands in an address."""


def is_uri(root: str) -> bool:
    """Whether a root is a URI, and no path."""
    return "://" in root


def opened(root: str, code: str) -> tuple[Any, str]:
    """The file system of a root, and the root's path in it.

    Args:
        root: a path, made absolute, or a URI.
        code: of the error.

    Raises:
        TrainableError: with that code, where no file system understands the URI or a password stands in it: addresses
            are written into records and reports.
    """
    if not is_uri(root):
        return pafs.LocalFileSystem(), str(Path(root).absolute())
    try:
        if urlsplit(root).password:
            raise _Secret
        filesystem, base = pafs.FileSystem.from_uri(root)
        if not base:
            raise OSError("it names no bucket or folder")
    except _Secret:
        raise TrainableError(
            code,
            f"{_without_login(root)}: a password stands in the address, and addresses are recorded; leave it out and "
            "put it where the storage's client looks for it, such as AWS_SECRET_ACCESS_KEY",
        ) from None
    except (pa.ArrowException, OSError, ValueError) as error:
        raise TrainableError(code, f"{root}: {error}; give a folder or a URI that pyarrow.fs understands") from error
    return filesystem, base


def below(root: str, *names: str) -> str:
    """The root of what lies under those names; a URI's parameters stay behind its path."""
    path, mark, parameters = root.partition("?") if is_uri(root) else (root, "", "")
    return "/".join((path.rstrip("/"), *names)) + mark + parameters


def _without_login(uri: str) -> str:
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))
