"""Hangs files that were made after a search, as an evaluation's, on its run in MLflow, and changes nothing else."""

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

from robustune.surroundings import IMPORTING
from robustune.tracking import environment
from robustune.tracking.cursor import CURSOR_FILE
from robustune.tracking.destination import printable, probe, redacted
from robustune.tracking.sheets import log_file


def attach(
    folder: Path, uri: str, paths: Iterable[Path], what: str, say: Callable[[str], None], under: str = ""
) -> bool:
    """Sends files as artifacts of the study's parent run, whose state, note and trials stay as they are.

    The search may be finished or still at work. Where MLflow does not know it, nothing is sent and nothing is said:
    files lie in the study's folder all the same.

    Args:
        folder: of the study.
        uri: tracking URI.
        paths: of files; those that are not there are left out. MLflow shows no Parquet: it gets CSV beside it.
        what: the files are, for the message, as "the evaluation".
        say: takes one line for the user where MLflow took none of them, or not all.
        under: artifacts' folder; "" is the top.

    Returns:
        Whether MLflow has them now.
    """
    where = place(folder, uri)
    if where is None:
        return False
    trouble = probe(uri) or _sent(uri, where[1], [path for path in paths if path.is_file()], under)
    if trouble is not None:
        say(f"MLflow did not take {what} ({printable(trouble)}); all of it is in the study's folder")
    return trouble is None


def place(folder: Path, uri: str) -> tuple[str, str] | None:
    """Returns experiment and run of a search in MLflow; None where that was never told of it.

    Read without a lock: a driver that is at work owns the file.
    """
    path = folder / CURSOR_FILE
    if not path.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as cursor:
            row = cursor.execute(
                "SELECT experiment, parent FROM destinations WHERE uri = ?", (redacted(uri),)
            ).fetchone()
    except sqlite3.DatabaseError:
        return None  # damaged: the next session sets it aside
    return (row[0], row[1]) if row and row[1] else None


def _sent(uri: str, parent: str, paths: Iterable[Path], under: str) -> str | None:
    """What went wrong, or None."""
    environment.settle()
    with IMPORTING:
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient
        from sqlalchemy.exc import SQLAlchemyError
    try:
        client = MlflowClient(tracking_uri=uri)
        for path in paths:
            log_file(client, parent, path, under)
    except (MlflowException, SQLAlchemyError, OSError) as error:
        return str(error)
    return None
