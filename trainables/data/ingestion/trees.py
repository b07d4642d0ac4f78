"""What a data set is read from: a folder or an archive, both looked at as folders and files by relative names."""

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Protocol

from trainables.errors import TrainableError

LARGEST_FILE: Final = 1 << 30
"""Bytes of the largest file that is read, since one file is held in memory; CIFAR's have 184 MB at most."""
LARGEST_NOTE: Final = 1 << 26
"""Bytes of the largest list of names or classes that is read."""

_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe would keep whoever opens it waiting


class Unreadable(Exception):
    """Says in a few words why one file cannot be read."""


class Tree(Protocol):
    """Files below one root; names are relative, with `/` between their parts, and `""` is the root itself.

    What begins with a dot, and what macOS puts beside files in archives, is not there. `read` may be called from
    several threads.
    """

    @property
    def where(self) -> str:
        """The root's path, for messages."""

    def folders(self, at: str) -> list[str]:
        """Names of the folders in a folder, sorted; empty where there is no such folder."""

    def files(self, at: str) -> list[str]:
        """Names of the files in a folder, sorted; empty where there is no such folder."""

    def read(self, name: str) -> bytes:
        """The content of one file.

        Raises:
            Unreadable: it is missing, damaged, too large, or no plain file.
        """


def joined(at: str, name: str) -> str:
    """The name of what lies in a folder."""
    return f"{at}/{name}" if at else name


def rooted(tree: Tree, landmarks: Iterable[str]) -> str:
    """The folder that holds one of the landmarks, looked for downwards through folders that stand alone.

    Archives have one folder at their top as a rule, and users point at the folder above theirs.
    """
    wanted, at = set(landmarks), ""
    while not wanted & {*tree.folders(at), *tree.files(at)}:
        inside = tree.folders(at)
        if len(inside) != 1:
            return ""
        at = joined(at, inside[0])
    return at


def lines(tree: Tree, name: str) -> list[str]:
    """The lines of a text file without the empty ones.

    Raises:
        TrainableError: DATA_INVALID: it cannot be read, is no UTF-8, or is far too large.
    """
    try:
        content = tree.read(name)
        if len(content) > LARGEST_NOTE:
            raise Unreadable(f"has {len(content)} bytes, more than {LARGEST_NOTE}")
        return [line for line in content.decode("utf-8").splitlines() if line.strip()]
    except (Unreadable, UnicodeDecodeError) as error:
        raise TrainableError("DATA_INVALID", f"{tree.where}: {name}: {error}; put the official file there") from error


def visible(name: str) -> bool:
    """Whether a name counts: not what systems hide or put beside files."""
    return name[:1] != "." and name != "__MACOSX"


class Folder:
    """A folder of this machine. Links are followed, and nothing but plain files is read."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._prefix = f"{root}/"
        self._last: tuple[str, list[str], list[str]] = ("\0", [], [])  # folders and files are asked for in turn

    @property
    def where(self) -> str:
        """The folder's path."""
        return str(self.root)

    def folders(self, at: str) -> list[str]:
        """See `Tree`."""
        return self._listed(at)[1]

    def files(self, at: str) -> list[str]:
        """See `Tree`; devices, pipes and links that lead nowhere are among them, and `read` refuses them by name."""
        return self._listed(at)[2]

    def read(self, name: str) -> bytes:
        """See `Tree`."""
        try:
            handle = os.open(self._prefix + name, _READ)
            try:
                status = os.fstat(handle)
                if not stat.S_ISREG(status.st_mode):
                    raise Unreadable("is no plain file")
                if status.st_size > LARGEST_FILE:
                    raise Unreadable(f"has {status.st_size} bytes, more than {LARGEST_FILE}")
                return _whole(handle, status.st_size)
            finally:
                os.close(handle)
        except (OSError, ValueError) as error:
            raise Unreadable(getattr(error, "strerror", None) or str(error)) from error

    def _listed(self, at: str) -> tuple[str, list[str], list[str]]:
        if self._last[0] != at:
            folders: list[str] = []
            files: list[str] = []
            try:
                with os.scandir(f"{self.root}/{at}") as entries:
                    for entry in entries:
                        if visible(entry.name):
                            (folders if _is_folder(entry) else files).append(entry.name)
            except (FileNotFoundError, NotADirectoryError):
                pass
            except OSError as error:
                raise TrainableError(
                    "DATA_INVALID", f"{self.root}/{at}: {error.strerror}; make it readable or leave it out"
                ) from error
            self._last = at, sorted(folders), sorted(files)
        return self._last


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # links that lead to each other
        return False


def _whole(handle: int, size: int) -> bytes:
    content = os.read(handle, size)
    while len(content) < size and (more := os.read(handle, size - len(content))):  # a network's disk may give less
        content += more
    return content


class Grove:
    """A tree in whose root other trees stand as folders."""

    def __init__(self, tree: Tree, inside: Mapping[str, Tree]) -> None:
        self._tree = tree
        self._inside = inside

    @property
    def where(self) -> str:
        """The root's path."""
        return self._tree.where

    def folders(self, at: str) -> list[str]:
        """See `Tree`."""
        tree, below = self._of(at)
        return sorted([*tree.folders(below), *(() if at else self._inside)])

    def files(self, at: str) -> list[str]:
        """See `Tree`."""
        tree, below = self._of(at)
        return [name for name in tree.files(below) if at or name not in self._inside]

    def read(self, name: str) -> bytes:
        """See `Tree`."""
        tree, below = self._of(name)
        return tree.read(below)

    def _of(self, name: str) -> tuple[Tree, str]:
        first, _, below = name.partition("/")
        return (self._inside[first], below) if first in self._inside else (self._tree, name)


class Member(Protocol):
    """One file of an archive, as the archive's index tells of it."""

    def read(self, handle: int) -> bytes:
        """Its content, read at its own place of the open archive; `Unreadable` where it is damaged."""


class Archive:
    """The files of an open archive; nothing is ever extracted to the disk.

    Args:
        where: the archive's path.
        handle: an open file, read at positions alone, so that threads share it; it stays its owner's to close.
        members: by their checked names.
    """

    def __init__(self, where: str, handle: int, members: Mapping[str, Member]) -> None:
        self.where = where
        self._handle = handle
        self._members = members
        self._folders: dict[str, set[str]] = {"": set()}
        self._files: dict[str, list[str]] = {}
        for name in members:
            self._place(name)

    def folders(self, at: str) -> list[str]:
        """See `Tree`."""
        return sorted(self._folders.get(at, ()))

    def files(self, at: str) -> list[str]:
        """See `Tree`."""
        return sorted(self._files.get(at, ()))

    def read(self, name: str) -> bytes:
        """See `Tree`."""
        if name not in self._members:
            raise Unreadable("is not in the archive")
        try:
            return self._members[name].read(self._handle)
        except OSError as error:
            raise Unreadable(error.strerror or str(error)) from error

    def _place(self, name: str) -> None:
        *folders, file = name.split("/")
        if not all(map(visible, (*folders, file))):
            return
        at = ""
        for folder in folders:
            self._folders.setdefault(at, set()).add(folder)
            at = joined(at, folder)
        self._files.setdefault(at, []).append(file)
