"""Pictures in a user's folder: which there are, what tells them, and their pixels. Torch comes with these alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from trainables.errors import TrainableError

if TYPE_CHECKING:
    from torch import Tensor

MOST: Final = 4096
"""Pictures of one folder that are taken; more would hold gigabytes of memory and show hardly another texture."""


def picture_paths(folder: Path, where: str, most: int = MOST) -> list[Path]:
    """The pictures in a folder and below, by their paths, without hidden ones; of too many, evenly spaced ones.

    Args:
        folder: of this machine.
        where: the option that names it.
        most: at least 1.

    Raises:
        TrainableError: OPTION_INVALID: there is no such folder, or no picture in it.
    """
    # A machine that only trains may lack the libraries that decode.
    from trainables.data.ingestion.decoding import SUFFIXES
    from trainables.data.ingestion.trees import visible

    if not folder.is_dir():
        raise TrainableError("OPTION_INVALID", f"{where}: {folder}: there is no such folder; name one with pictures")
    paths = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and all(map(visible, path.relative_to(folder).parts)) and path.is_file()
    )
    if not paths:
        raise TrainableError(
            "OPTION_INVALID", f"{where}: {folder}: no picture is in it; put some there ({', '.join(SUFFIXES)})"
        )
    kept = min(len(paths), most)
    return [paths[place * len(paths) // kept] for place in range(kept)]


def digest_of(sha256s: Sequence[str]) -> str:
    """Tells pictures by the SHA-256 of each, in the order in which they are numbered; where they lie is no part."""
    return hashlib.sha256("\n".join(sha256s).encode("ascii")).hexdigest()


def read_pictures(paths: Sequence[Path], side: int, where: str) -> tuple[Tensor, str]:
    """The middle of every picture, (n, 3, side, side) uint8, and `digest_of` what was read.

    Args:
        paths: of files.
        side: in pixels.
        where: the option that names them.

    Raises:
        TrainableError: OPTION_INVALID: one cannot be read, or all together take more memory than there is.
    """
    import torch

    from trainables.data.ingestion.decoding import decoded, fitted
    from trainables.data.ingestion.trees import Unreadable

    try:
        found = torch.empty(len(paths), 3, side, side, dtype=torch.uint8)
    except RuntimeError as error:  # torch's word for no memory
        gigabytes = len(paths) * 3 * side**2 / 1e9
        raise TrainableError(
            "OPTION_INVALID",
            f"{where}: {len(paths)} pictures of side {side} take {gigabytes:.0f} GB; take fewer or smaller ones",
        ) from error
    sha256s = []
    for place, path in enumerate(paths):
        try:
            content = path.read_bytes()
            found[place] = torch.from_numpy(fitted(decoded(content), side).copy()).permute(2, 0, 1)
        except (OSError, Unreadable) as error:
            raise TrainableError(
                "OPTION_INVALID", f"{where}: {path}: no picture can be read from it ({error}); mend it or take it away"
            ) from error
        sha256s.append(hashlib.sha256(content).hexdigest())
    return found, digest_of(sha256s)
