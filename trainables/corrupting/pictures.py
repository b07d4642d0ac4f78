"""Which pictures there are, and whether each can be corrupted: looked at whole before anything is written."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from trainables.corrupting.recipe import Recipe
from trainables.corruption_facts import LARGEST_SIDE, SMALLEST_SIDE
from trainables.data.ingestion.class_names import some
from trainables.data.ingestion.decoding import SUFFIXES, Pixels, decoded, fitted
from trainables.data.ingestion.trees import Folder, Tree, Unreadable, joined
from trainables.errors import TrainableError

_MOST_AHEAD = 4
"""Pictures that wait for each worker."""


@dataclass(frozen=True)
class Pictures:
    """Image files below one folder.

    Attributes:
        tree: that holds them.
        names: their relative paths with `/` between the parts, sorted folder by folder.
        others: how many files there are no images.
    """

    tree: Tree
    names: Sequence[str]
    others: int = 0

    def pixels(self, name: str, size: int | None) -> Pixels:
        """A picture as ingestion reads it, (H, W, 3), fitted to `size` where one is given.

        Raises:
            Unreadable: it is damaged, or its sides are not those that can be corrupted.
        """
        pixels = decoded(self.tree.read(name))
        if size is not None:
            return fitted(pixels, size)
        height, width = pixels.shape[:2]
        if not SMALLEST_SIDE <= min(height, width) <= max(height, width) <= LARGEST_SIDE:
            raise WrongSize(f"is {width}x{height}; sides of {SMALLEST_SIDE} to {LARGEST_SIDE} pixels are needed")
        return pixels


class WrongSize(Unreadable):
    """Says that a picture is too small or too large to be corrupted as it is."""


def found(path: Path, out: Path, recipe: Recipe) -> Pictures:
    """The pictures of a folder and of all folders below it, or the one that is named.

    Links are followed, but not to a folder that they lie in. Names that begin with a dot do not count.

    Args:
        path: what the user named.
        out: folder for the output.
        recipe: how they are corrupted.

    Raises:
        TrainableError: DATA_INVALID: there is none, or two would become one file; OPTION_INVALID: output would lie
            among the pictures.
    """
    if _is_folder(path):
        inside = [_real(out / cell.corruption) for cell in recipe.cells]
        if _real(out).is_relative_to(_real(path)):
            raise _output_inside(path, out)
        tree: Tree = Folder(path)
        names, others = _walked(tree, path, out, inside)
    else:
        tree, names, others = Folder(path.parent), [path.name], 0
        if any(_real(path).is_relative_to(_real(out / cell.folder)) for cell in recipe.cells):
            raise _output_inside(path, out)
    if not names:
        raise TrainableError(
            "DATA_INVALID",
            f"{path}: no image in it or below it ({others:,} other files); images end with {', '.join(SUFFIXES)}",
        )
    _check_targets(path, names, recipe)
    return Pictures(tree, names, others)


def checked(
    pictures: Pictures, size: int | None, workers: int, skip: bool, progress: Callable[[int], None]
) -> tuple[list[str], list[tuple[str, str]]]:
    """Names of the pictures that can be corrupted, and of the others with the reasons; every one is decoded.

    Args:
        pictures: to look at.
        size: that they are fitted to; None keeps theirs.
        workers: threads that decode.
        skip: whether others may be left out.
        progress: told how many have been looked at.

    Raises:
        TrainableError: IMAGES_UNREADABLE: there are others and they may not be left out, or nothing would be left.
    """

    def look(name: str) -> Unreadable | None:
        try:
            pictures.pixels(name, size)
        except Unreadable as error:
            return error
        return None

    fit: list[str] = []
    refused: list[tuple[str, Unreadable]] = []
    with ThreadPoolExecutor(workers, thread_name_prefix="checking") as pool:
        for done, (name, reason) in enumerate(_in_order(pool, look, pictures.names, workers), 1):
            if reason is None:
                fit.append(name)
            else:
                refused.append((name, reason))
            progress(done)
    if refused and not (skip and fit):
        raise _unfit(pictures, refused, skip)
    return fit, [(name, str(reason)) for name, reason in refused]


def _in_order(
    pool: ThreadPoolExecutor, look: Callable[[str], Unreadable | None], names: Sequence[str], workers: int
) -> Iterator[tuple[str, Unreadable | None]]:
    waiting: deque[tuple[str, Future[Unreadable | None]]] = deque()
    try:
        for name in names:
            waiting.append((name, pool.submit(look, name)))
            if len(waiting) > _MOST_AHEAD * workers:
                first, seen = waiting.popleft()
                yield first, seen.result()
        for name, seen in waiting:
            yield name, seen.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _walked(tree: Tree, path: Path, out: Path, inside: Sequence[Path]) -> tuple[list[str], int]:
    names: list[str] = []
    others = 0
    waiting = [("", frozenset[Path]())]
    while waiting:
        at, above = waiting.pop()
        real = _real(path / at)
        if any(real.is_relative_to(folder) for folder in inside):
            raise _output_inside(path, out)
        if real in above:
            continue
        for name in tree.files(at):
            if name.lower().endswith(SUFFIXES):
                names.append(joined(at, name))
            else:
                others += 1
        waiting += [(joined(at, name), above | {real}) for name in reversed(tree.folders(at))]
    return names, others


def _check_targets(path: Path, names: Sequence[str], recipe: Recipe) -> None:
    """Refuses pictures whose names differ by a suffix alone that the output does not have."""
    first: dict[str, str] = {}
    clashes = [
        f"{first[target]} and {name} (both {target})"
        for name in names
        if first.setdefault(target := recipe.target(name), name) != name
    ]
    if clashes:
        raise TrainableError(
            "DATA_INVALID",
            f"{path}: {len(clashes):,} pictures would take the place of others: {some(clashes)}; rename one of each",
        )


def _unfit(pictures: Pictures, refused: Sequence[tuple[str, Unreadable]], skip: bool) -> TrainableError:
    told = f"{len(refused):,} of {len(pictures.names):,} pictures cannot be corrupted: " + some(
        [f"{name} ({reason})" for name, reason in refused]
    )
    remedies = []
    if any(isinstance(each, WrongSize) for _, each in refused):
        remedies.append("--size N fits those of other sides to N by N")
    if not skip and len(refused) < len(pictures.names):
        remedies += ["--skip-unreadable leaves them out"]
    return TrainableError("IMAGES_UNREADABLE", f"{pictures.tree.where}: {told}; {', '.join(remedies) or 'mend them'}")


def _output_inside(path: Path, out: Path) -> TrainableError:
    return TrainableError(
        "OPTION_INVALID",
        f"{out}: pictures written there would lie among those of {path}; name a folder for the output elsewhere",
    )


def _is_folder(path: Path) -> bool:
    """Raises DATA_INVALID where there is neither a folder nor a file."""
    try:
        if path.is_dir():
            return True
        path.stat()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise TrainableError("DATA_INVALID", f"{path}: {why}; name an image or a folder of images") from error
    return False


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
