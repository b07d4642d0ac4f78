"""The output folder: what is there already, how it was made, and writing into it."""

import json
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from trainables.corrupting.recipe import Cell, Recipe
from trainables.data.ingestion.class_names import some
from trainables.errors import TrainableError


def check_output(out: Path, names: Sequence[str], recipe: Recipe, ice: str | None, resume: bool) -> None:
    """Refuses to touch files that are there, and to put others beside those of another recipe.

    Args:
        out: folder of the output.
        names: of the pictures.
        recipe: what is made of them.
        ice: digest of the user's ice.
        resume: files that are there may stay.

    Raises:
        TrainableError: FILES_EXIST.
    """
    there: list[str] = []
    for cell in recipe.cells:
        _check_note(out, cell, recipe.note(cell, ice))
        if not resume and (out / cell.folder).is_dir():
            paths = (f"{cell.folder}/{recipe.target(name)}" for name in names)
            there += [path for path in paths if (out / path).exists()]
    if there:
        raise TrainableError(
            "FILES_EXIST",
            f"{out}: {len(there):,} of {len(names) * len(recipe.cells):,} files are there already: {some(there)}; "
            "--resume keeps them and makes the others, --overwrite replaces them, or name another --out",
        )


def check_replaced(out: Path, names: Sequence[str], recipe: Recipe, ice: str | None) -> None:
    """Refuses to replace some pictures of another recipe where others of it would stay in the same folder.

    Args:
        out, names, recipe, ice: as `check_output`'s.

    Raises:
        TrainableError: FILES_EXIST.
    """
    targets = {recipe.target(name) for name in names}
    for cell in recipe.cells:
        if _note_there(out, cell) == recipe.note(cell, ice):
            continue
        if stay := [path for path in _pictures(out / cell.folder) if path not in targets]:
            raise TrainableError(
                "FILES_EXIST",
                f"{out / cell.folder}: {len(stay):,} files there were made in another way and would stay beside the "
                f"others: {some(stay)}; take them away, or name another --out",
            )


def begin(out: Path, cell: Cell, note: dict[str, Any], overwrite: bool) -> None:
    """Notes how the pictures of a cell are made; where they replace those made in another way, these go before that.

    So what an interrupt leaves agrees with its note, and may be resumed.
    """
    if _note_there(out, cell) == note:
        return
    for name in _pictures(out / cell.folder) if overwrite else ():
        (out / cell.folder / name).unlink()
    write(note_of(out, cell), json.dumps(note, indent=2).encode() + b"\n")


def _pictures(folder: Path) -> list[str]:
    """Relative paths of the files in a cell's folder; what begins with a dot is none of ours."""
    there = (path for path in sorted(folder.rglob("*")) if not path.is_dir())
    return [path.relative_to(folder).as_posix() for path in there if not path.name.startswith(".")]


def _check_note(out: Path, cell: Cell, note: dict[str, Any]) -> None:
    """Refuses to mix pictures of two recipes in one folder."""
    path = note_of(out, cell)
    if not path.exists():
        return
    before = _note_there(out, cell)
    if before == note:
        return
    told = "is no note of how pictures were made"
    if isinstance(before, dict):
        told = "says that the pictures beside it were made with " + ", ".join(
            f"{key} {str(before.get(key))[:40]}, not {now}" for key, now in note.items() if before.get(key) != now
        )
    raise TrainableError("FILES_EXIST", f"{path}: {told}; name another --out, or replace the pictures with --overwrite")


def note_of(out: Path, cell: Cell) -> Path:
    """Where it is noted how the pictures of a cell were made: beside their folder, which holds pictures alone."""
    return out / f"{cell.folder}.json"


def _note_there(out: Path, cell: Cell) -> Any:
    """The note of a cell; None where there is none, or what is no note."""
    with suppress(FileNotFoundError, ValueError, RecursionError):
        return json.loads(note_of(out, cell).read_bytes())
    return None


def write(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all, and makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.parent / f".{os.getpid()}-{threading.get_ident()}.part"
    try:
        aside.write_bytes(content)
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


@contextmanager
def refusals(out: Path) -> Iterator[None]:
    """Tells what a disk refuses as RESULTS_UNWRITABLE."""
    try:
        yield
    except OSError as error:
        where = error.filename or out
        raise TrainableError(
            "RESULTS_UNWRITABLE",
            f"{where}: {os.strerror(error.errno or 0)}; make room or give permission, or name another --out",
        ) from error
