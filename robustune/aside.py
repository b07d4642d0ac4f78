"""Temporary folders of this process; the next driver removes those of drivers that were killed."""

import atexit
import contextlib
import functools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PREFIX: Final = "robustune"


@contextlib.contextmanager
def own_folder(purpose: str) -> Iterator[Path]:
    """Makes a folder named after its purpose and this process, and removes it at the end."""
    folder = make_folder(purpose)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_folder(purpose: str) -> Path:
    """Makes a folder that only this user can read; it goes with this process at the latest."""
    _remove_at_exit()
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}-{purpose}-{os.getpid()}-", dir=_place()))


def remove_left_over() -> None:
    """Removes the folders of this user whose processes are gone."""
    for left in _place().glob(f"{PREFIX}-*-*-*"):
        owner = left.name.split("-")[2]
        with contextlib.suppress(FileNotFoundError):  # another driver may be at the same
            if owner.isdigit() and not _alive(int(owner)) and left.lstat().st_uid == os.getuid():
                shutil.rmtree(left, ignore_errors=True)


@functools.cache
def _remove_at_exit() -> None:
    # Made before Ray is imported, so it runs after Ray's own: a second Ctrl-C may leave Ray's processes until then.
    atexit.register(_remove_own, os.getpid())


def _remove_own(pid: int) -> None:
    if pid == os.getpid():  # not in a fork
        for left in _place().glob(f"{PREFIX}-*-{pid}-*"):
            shutil.rmtree(left, ignore_errors=True)


def _place() -> Path:
    # Ray puts Unix sockets below its folder, and their paths end at 107 bytes; macOS's own TMPDIR is too long already.
    short = Path("/tmp")
    return short if short.is_dir() and os.access(short, os.W_OK) else Path(tempfile.gettempdir())


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
