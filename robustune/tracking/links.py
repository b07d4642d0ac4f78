"""Addresses in the MLflow UI of what a study's ledger tells of."""

import sqlite3
from contextlib import closing
from pathlib import Path

from robustune.tracking.closing import MODEL_PAGES
from robustune.tracking.cursor import CURSOR_FILE
from robustune.tracking.destination import redacted

LOCAL_UI = "http://127.0.0.1:5000"


def ui_address(uri: str) -> str:
    """Returns where the UI over a tracking URI is: the server itself, or what `robustune ui` opens."""
    return redacted(uri).rstrip("/") if uri.startswith(("http://", "https://")) else LOCAL_UI


def run_links(folder: Path, uri: str) -> dict[int, str]:
    """Returns the address of every trial's run, by trial, as far as MLflow has been told of them."""
    path = folder / CURSOR_FILE
    if not path.is_file():
        return {}
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as cursor:
            rows = cursor.execute(
                "SELECT trial, experiment, run FROM runs JOIN destinations USING (uri) WHERE uri = ?", (redacted(uri),)
            ).fetchall()
    except sqlite3.DatabaseError:
        return {}  # only the links are lost; the thread that owns the file sets a damaged one aside
    return {
        trial: f"{ui_address(uri)}/#/experiments/{experiment}/runs/{run}?{MODEL_PAGES}"
        for trial, experiment, run in rows
    }
