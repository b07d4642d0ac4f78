"""Addresses in the MLflow UI of what a study's ledger tells of."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from analysis import records
from robustune.tracking.closing import MODEL_PAGES
from robustune.tracking.cursor import CURSOR_FILE
from robustune.tracking.destination import probe, redacted

LOCAL_UI = "http://127.0.0.1:5000"


def ui_address(uri: str) -> str:
    """Returns where the UI over a tracking URI is: the server itself, or what `robustune ui` opens."""
    return redacted(uri).rstrip("/") if uri.startswith(("http://", "https://")) else LOCAL_UI


def run_links(folder: Path, uri: str) -> dict[int, str]:
    """Returns the address of every trial's run, by trial, as far as MLflow has been told of them."""
    return {
        trial: f"{ui_address(uri)}/#/experiments/{experiment}/runs/{run}?{MODEL_PAGES}"
        for trial, experiment, run in _told(folder, uri)
    }


def deleted_runs(folder: Path, uri: str) -> frozenset[int]:
    """Returns the trials whose runs somebody has deleted in MLflow since; none where MLflow does not answer."""
    told = _told(folder, uri)
    if not told or probe(uri) is not None:
        return frozenset()
    trials = {run: trial for trial, _, run in told}
    try:
        with records.tracking(uri) as client:
            gone = _gone(client, {experiment for _, experiment, _ in told})
    except records.Unreachable:
        return frozenset()
    return frozenset(trials[run] for run in gone if run in trials)


def _gone(client: Any, experiments: Iterable[str]) -> list[str]:
    """The ids of deleted runs, of which there are few: MLflow is not asked for those that are there."""
    found, deleted = [], 2  # mlflow.entities.ViewType.DELETED_ONLY
    for experiment in experiments:
        token = None
        while True:
            page = client.search_runs([experiment], run_view_type=deleted, max_results=500, page_token=token)
            found += [run.info.run_id for run in page]
            token = page.token
            if not token:
                break
    return found


def _told(folder: Path, uri: str) -> list[tuple[int, str, str]]:
    """Trial, experiment and run of every trial that MLflow has been told of."""
    path = folder / CURSOR_FILE
    if not path.is_file():
        return []
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as cursor:
            return cursor.execute(
                "SELECT trial, experiment, run FROM runs JOIN destinations USING (uri) WHERE uri = ?", (redacted(uri),)
            ).fetchall()
    except sqlite3.DatabaseError:
        return []  # only the links are lost; the thread that owns the file sets a damaged one aside
