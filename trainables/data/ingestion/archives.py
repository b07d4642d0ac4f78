"""Zip and tar archives as trees: every member is checked before any is read, and none is written to the disk."""

import bz2
import gzip
import lzma
import os
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from trainables.data.ingestion.trees import LARGEST_FILE, Archive, Folder, Grove, Member, Tree, Unreadable
from trainables.errors import TrainableError

MOST_MEMBERS: Final = 6_000_000
"""ImageNet's training images are 1.3 million, and all that ImageNet-C publishes is 4.75 million."""
SUFFIXES: Final = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
"""Ends of names, in lower case, of archives that are looked for in a folder."""
LARGEST_RATIO: Final = 200
"""Of unpacked to packed bytes; JPEG reaches 2, bitmaps of one colour 100, and a bomb thousands."""
FREE_OF_RATIO: Final = 1 << 28
"""Unpacked bytes that need no ratio: small archives of plain images pack well."""
LONGEST_NAME: Final = 1024

_ENCRYPTED: Final = 1
_LOCAL_HEADER: Final = struct.Struct("<4s22xHH")
_CHUNK_BYTES: Final = 1 << 20
_NOT_WHOLE: Final = (
    zipfile.BadZipFile,
    tarfile.TarError,
    struct.error,
    EOFError,
    ValueError,
    OverflowError,
    NotImplementedError,
    RecursionError,  # tarfile reads a header of long names inside the one before it
)
_PACKERS: Final[tuple[tuple[bytes, Callable[[IO[bytes]], Any]], ...]] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\x00", lzma.open),
)


@contextmanager
def opened(path: Path, spool: Path) -> Iterator[Tree]:
    """Opens a folder, a zip, or a tar that may be packed with gzip, bzip2 or xz.

    Args:
        path: what the user named.
        spool: a folder whose disk takes a packed tar as one unpacked stream, in a file without a name.

    Raises:
        TrainableError: DATA_INVALID: there is nothing, or no whole archive; ARCHIVE_UNSAFE: a member would lie
            outside the root, is a link or a device, or the whole unpacks to far more than an archive of images does.
        OSError: the spool's disk refuses.
    """
    try:
        if path.is_dir():
            yield Folder(path)
            return
        if not path.is_file():
            raise TrainableError("DATA_INVALID", f"{path}: there is no folder and no archive; name one")
        stream = path.open("rb")
    except OSError as error:
        raise TrainableError("DATA_INVALID", f"{path}: {error.strerror}; make it readable, or name another") from error
    with stream, tempfile.TemporaryFile(dir=spool) as unnamed:
        members, read = _indexed(path, stream, unnamed)
        yield Archive(str(path), read.fileno(), members)


@contextmanager
def opened_with_archives(path: Path, spool: Path) -> Iterator[Tree]:
    """Opens what `opened` opens; the archives that lie in a folder are folders of it, called as their files.

    Raises:
        TrainableError, OSError: as `opened`.
    """
    with ExitStack() as stack:
        tree = stack.enter_context(opened(path, spool))
        names = [name for name in tree.files("") if name.lower().endswith(SUFFIXES)] if path.is_dir() else []
        inside = {name: stack.enter_context(opened(path / name, spool)) for name in names}
        yield Grove(tree, inside) if inside else tree


@dataclass(frozen=True)
class _Packed:
    """A member of a zip archive, stored or deflated."""

    header: int
    packed: int
    size: int
    crc: int
    deflated: bool

    def read(self, handle: int) -> bytes:
        start = os.pread(handle, _LOCAL_HEADER.size, self.header)
        if len(start) < _LOCAL_HEADER.size or not start.startswith(b"PK\x03\x04"):
            raise Unreadable("the archive is damaged there")
        _, name, extra = _LOCAL_HEADER.unpack(start)
        content = os.pread(handle, self.packed, self.header + _LOCAL_HEADER.size + name + extra)
        if self.deflated:
            try:
                content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, self.size + 1)
            except zlib.error as error:
                raise Unreadable("the archive is damaged there") from error
        if len(content) != self.size or zlib.crc32(content) != self.crc:
            raise Unreadable("the archive is damaged there")
        return content


@dataclass(frozen=True)
class _Stretch:
    """A member of a tar archive: a stretch of it."""

    start: int
    size: int

    def read(self, handle: int) -> bytes:
        content = os.pread(handle, self.size, self.start)
        if len(content) != self.size:
            raise Unreadable("the archive ends before it")
        return content


@dataclass
class _Index:
    """The members so far, each held against what an archive of images can hold."""

    path: Path
    packed: int
    unpacked: int = 0
    members: dict[str, Member] = field(default_factory=dict)

    def checked(self, name: str) -> str:
        """The member's name without empty parts, where it stays below the root."""
        parts = name.replace("\\", "/").split("/")
        if "\0" in name or len(name) > LONGEST_NAME:
            raise self.unsafe(name[:80], "has a name that no file can have")
        if parts[0] == "" or parts[0][1:2] == ":" or ".." in parts:
            raise self.unsafe(name, "lies outside the archive's root")
        return "/".join(part for part in name.split("/") if part not in ("", "."))

    def add(self, name: str, size: int, member: Member) -> None:
        if name in self.members:
            raise self.unsafe(name, "stands there twice")
        if size > LARGEST_FILE:
            raise self.unsafe(name, f"unpacks to {size} bytes, {LARGEST_FILE} at most are read")
        if len(self.members) >= MOST_MEMBERS:
            raise self.unsafe(name, f"is one member more than {MOST_MEMBERS}")
        self.unpacked += size
        if self.unpacked > self.most_unpacked:
            raise self.unsafe(name, f"brings {self.packed} packed bytes to {self.unpacked} and more")
        self.members[name] = member

    @property
    def most_unpacked(self) -> int:
        return max(FREE_OF_RATIO, LARGEST_RATIO * self.packed)

    def unsafe(self, name: str, reason: str) -> TrainableError:
        return TrainableError(
            "ARCHIVE_UNSAFE", f"{self.path}: member {name!r} {reason}; nothing was unpacked: get it from its publisher"
        )

    def broken(self, reason: object) -> TrainableError:
        said = " ".join(str(reason).split()) or type(reason).__name__
        return TrainableError(
            "DATA_INVALID", f"{self.path}: no whole zip or tar archive ({said}); download it again, or name a folder"
        )


def _indexed(path: Path, stream: IO[bytes], unnamed: IO[bytes]) -> tuple[dict[str, Member], IO[bytes]]:
    """The members, and the file that they lie in: the archive itself, or what it was unpacked into."""
    index = _Index(path, os.fstat(stream.fileno()).st_size)
    start = os.pread(stream.fileno(), 8, 0)
    try:
        if start.startswith(b"PK"):
            _index_zip(index, stream)
            return index.members, stream
        for magic, unpack in _PACKERS:
            if start.startswith(magic):
                stream = _spooled(index, unpack(stream), unnamed)
        _index_tar(index, stream)
    except _NOT_WHOLE as error:
        raise index.broken(error) from error
    return index.members, stream


def _index_zip(index: _Index, stream: IO[bytes]) -> None:
    with zipfile.ZipFile(stream) as archive:
        for member in archive.infolist():
            name = index.checked(member.orig_filename)  # `filename` was cut at a NUL
            kind = member.external_attr >> 16 & 0o170000
            if kind not in (0, 0o100000, 0o040000):
                raise index.unsafe(name, "is a link or a device")
            if member.is_dir():
                continue
            if member.flag_bits & _ENCRYPTED or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise index.broken(f"{name} is encrypted, or neither stored nor deflated")
            if member.compress_size > index.packed:
                raise index.unsafe(name, "is larger than the whole archive")
            if not 0 <= member.header_offset < index.packed:
                raise index.unsafe(name, "lies outside the archive")
            deflated = member.compress_type == zipfile.ZIP_DEFLATED
            packed = _Packed(member.header_offset, member.compress_size, member.file_size, member.CRC, deflated)
            index.add(name, member.file_size, packed)


def _index_tar(index: _Index, stream: IO[bytes]) -> None:
    stream.seek(0)
    with tarfile.open(fileobj=stream, mode="r:") as archive:
        while (member := archive.next()) is not None:
            vars(archive)["members"].clear()  # or a million of them fill the memory
            name = index.checked(member.name)
            if member.isdir():
                continue
            if not member.isreg() or member.issparse() or member.size < 0:
                raise index.unsafe(name, "is a link, a device or a sparse file")
            index.add(name, member.size, _Stretch(member.offset_data, member.size))
        # tarfile takes a damaged header for the end, and a cut between two members as well.
        if os.pread(stream.fileno(), tarfile.BLOCKSIZE, archive.offset) != bytes(tarfile.BLOCKSIZE):
            raise index.broken(f"damaged or cut at byte {archive.offset}, after {len(index.members)} members")


def _spooled(index: _Index, packed: Any, spool: IO[bytes]) -> IO[bytes]:
    written = 0
    while chunk := _unpacked(index, packed):
        written += len(chunk)
        if written > index.most_unpacked:
            raise index.unsafe("the packed stream", f"unpacks {index.packed} bytes to {written} and more")
        spool.write(chunk)
    spool.flush()
    return spool


def _unpacked(index: _Index, packed: Any) -> bytes:
    try:
        chunk: bytes = packed.read(_CHUNK_BYTES)
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
        raise index.broken(error) from error
    return chunk
