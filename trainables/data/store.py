"""Sets by content address: built once, published whole or not at all, checked before they are mapped."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from trainables.data.images import ImageSet, read_images, write_images
from trainables.data.local import LocalRoot
from trainables.data.manifest import Entry, address
from trainables.data.remote import RemoteRoot
from trainables.errors import TrainableError
from trainables.storage import is_uri, opened

__all__ = ["Entry", "ImageSet", "Store", "address", "read_images", "write_images"]


class Store:
    """Keeps entries under a folder of this machine, or on shared storage with a node-local cache before it.

    Args:
        root: a path or a `file://` URI; any other URI that `pyarrow.fs` understands (`s3://...`) is shared storage.
        cache: the node-local folder for entries of shared storage; `~/.cache/robustune/sets` where None.
        filesystem: a `pyarrow.fs.FileSystem` in which `root` is a path, for storage that no URI describes.

    Raises:
        TrainableError: CACHE_UNREADABLE where no file system understands the root, or a password stands in it.
    """

    def __init__(self, root: str, cache: Path | None = None, filesystem: Any = None) -> None:
        self._remote = _remote(root, filesystem)
        shared = cache or Path.home() / ".cache" / "robustune" / "sets"
        self._local = LocalRoot(shared if self._remote else _local_path(root))

    def has(self, digest: str) -> bool:
        """Whether an entry is published, by its manifest and, on this machine, its files' sizes."""
        return self._remote.has(digest) if self._remote else self._local.has(digest)

    def open(self, digest: str) -> Entry:
        """Opens an entry on this machine, fetched where need be, with every file's SHA-256 held against its manifest.

        Files are read for that once per process. Map them with `read_images`, which validates what Arrow reads.

        Raises:
            TrainableError: CACHE_MISSING, CACHE_CORRUPT (`publish` builds it anew), CACHE_UNREADABLE; CACHE_UNWRITABLE
                where the node-local cache refuses.
        """
        if self._remote is None or self._local.has(digest):
            try:
                return self._local.open(digest)
            except TrainableError as error:
                if self._remote is None or error.code != "CACHE_CORRUPT":
                    raise
        return self._fetch(self._remote, digest)

    def publish(self, digest: str, write: Callable[[Path], None], describe: Mapping[str, Any]) -> Entry:
        """Opens the entry, or has it built where it is missing or corrupt: whole or not at all, by one of its builders.

        Args:
            digest: see `address`.
            write: fills an empty folder; equal calls should write equal bytes.
            describe: plain data for the manifest's `describe`.

        Raises:
            TrainableError: CACHE_UNWRITABLE, CACHE_UNREADABLE, or what `write` raises.
        """
        if self._remote is None:
            return self._local.publish(digest, write, describe)
        if self._remote.has(digest):
            try:
                return self.open(digest)
            except TrainableError as error:
                if error.code not in ("CACHE_MISSING", "CACHE_CORRUPT"):
                    raise
        entry = self._local.publish(digest, write, describe)
        self._remote.upload(entry)
        return entry

    def discard(self, digest: str) -> None:
        """Takes an entry away, also from the node-local cache; nothing happens where there is none.

        Raises:
            TrainableError: CACHE_UNWRITABLE.
        """
        if self._remote is not None:
            self._remote.discard(digest)
        self._local.discard(digest)

    def sweep(self) -> None:
        """Removes what killed builders left on this machine; every build does it too."""
        self._local.sweep()

    def _fetch(self, remote: RemoteRoot, digest: str) -> Entry:
        if not remote.has(digest):
            raise TrainableError("CACHE_MISSING", f"{digest}: nothing is published under it; start the search again")
        described: dict[str, Any] = {}  # what the remote manifest says is known once the files are fetched
        return self._local.publish(digest, lambda folder: described.update(remote.fetch(digest, folder)), described)


def _remote(root: str, filesystem: Any) -> RemoteRoot | None:
    if filesystem is not None:
        return RemoteRoot(filesystem, root)
    if not is_uri(root) or root.startswith("file://"):
        return None
    return RemoteRoot(*opened(root, "CACHE_UNREADABLE"))


def _local_path(root: str) -> Path:
    return Path(unquote(urlsplit(root).path)) if root.startswith("file://") else Path(root)
