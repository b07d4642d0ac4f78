"""Where MLflow is: what a tracking URI means, and whether something answers there."""

import os
import sqlite3
import threading
from contextlib import closing
from http.client import HTTPException
from pathlib import Path
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlopen

PROBE_SECONDS: Final = 1.8
_SQLITE: Final = "sqlite:///"
_WOULD_DO: Final = "give sqlite:///results/mlflow.db or the http:// address of an MLflow server"


def probe(uri: str) -> str | None:
    """Tells within two seconds what is wrong with a tracking URI, in one line that says what would do.

    Args:
        uri: `sqlite:///PATH` (relative to the working directory, or absolute with a fourth slash) or `http(s)://HOST:PORT`.

    Returns:
        The complaint, or None where MLflow can be reached.
    """
    try:
        scheme = urlsplit(uri).scheme.lower()
    except ValueError as error:
        return f"{printable(redacted(uri))}: not an address ({error}); {_WOULD_DO}"
    if scheme in ("http", "https"):
        return _probe_server(uri)
    if scheme == "sqlite":
        return _probe_file(uri)
    if scheme in ("file", ""):
        return (
            f"{printable(redacted(uri) or '(empty)')}: MLflow 3.17 refuses to record into a plain folder; {_WOULD_DO}"
        )
    return f"{printable(redacted(uri))}: not a tracking address that Robustune can use; {_WOULD_DO}"


def sqlite_path(uri: str) -> Path | None:
    """Returns the absolute path of the database file, or None where the URI is not `sqlite:///PATH`."""
    if not uri.startswith(_SQLITE) or uri == _SQLITE:
        return None
    path = Path(uri.removeprefix(_SQLITE).partition("?")[0])
    return None if path.name == ":memory:" else path.absolute()


def begin_database(uri: str) -> None:
    """Makes the SQLite file of the URI where there is none; leaves one that is there, and servers, alone.

    In WAL mode a page that somebody looks at never blocks the writer, and MLflow's six commits a run take half the time
    on a busy disk.
    """
    path = sqlite_path(uri)
    if path is not None and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")


def redacted(uri: str) -> str:
    """Returns the URI without user name and password; SQLite paths become absolute, so one file has one name."""
    path = sqlite_path(uri)
    if path is not None:
        return f"{_SQLITE}{path}"
    before, slashes, rest = uri.partition("://")
    authority, slash, path_and_more = rest.partition("/")
    return f"{before}{slashes}{authority.rpartition('@')[2]}{slash}{path_and_more}"


def artifact_root(uri: str, experiment: str) -> str | None:
    """Returns where an experiment's artifacts go: beside a SQLite file, or None where the server decides."""
    path = sqlite_path(uri)
    return None if path is None else (path.parent / "mlartifacts" / experiment).as_uri()


def printable(text: str) -> str:
    """Returns one line of at most 200 characters that cannot steer a terminal."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return shown if len(shown) <= 200 else f"{shown[:197]}..."


def _probe_file(uri: str) -> str | None:
    path, shown = sqlite_path(uri), printable(redacted(uri))
    if path is None:
        return f"{shown}: names no database file; {_WOULD_DO}"
    existing = path
    try:
        while not existing.exists() and existing != existing.parent:
            existing = existing.parent
    except OSError as error:
        return f"{shown}: {error.strerror}; {_WOULD_DO}"
    if existing == path and not path.is_file():
        return f"{shown}: {printable(str(path))} is not a file; {_WOULD_DO}"
    if existing != path and not existing.is_dir():
        return f"{shown}: {printable(str(existing))} is not a folder; {_WOULD_DO}"
    if not os.access(existing, os.W_OK) or not os.access(existing if existing.is_dir() else path.parent, os.W_OK):
        return f"{shown}: {printable(str(existing))} cannot be written; make it writable, or {_WOULD_DO}"
    return None


def _probe_server(uri: str) -> str | None:
    # Resolving a name has no timeout of its own, so the question is asked on a thread that may be left behind.
    found: list[str | None] = [f"did not answer within {PROBE_SECONDS:g} s"]
    asking = threading.Thread(target=lambda: found.__setitem__(0, _ask(uri)), daemon=True)
    asking.start()
    asking.join(PROBE_SECONDS)
    if found[0] is None:
        return None
    where = printable(redacted(uri))
    return f"{where}: {found[0]}; start one there (mlflow server), or leave the address out to record into a file"


def _ask(uri: str) -> str | None:
    parts = urlsplit(uri)
    address = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="")).rstrip("/")
    try:
        with urlopen(f"{address}/health", timeout=PROBE_SECONDS) as answer:
            return None if answer.read(64).strip() == b"OK" else "answers, but is no MLflow server"
    except HTTPError as error:
        # A proxy that wants a password is asked by MLflow itself, which knows MLFLOW_TRACKING_USERNAME and so on.
        return None if error.code in (401, 403, 429) else f"answers with HTTP {error.code}, not as an MLflow server"
    except URLError as error:
        return f"no MLflow server answers ({printable(str(error.reason))})"
    except (OSError, ValueError, HTTPException) as error:
        return f"no MLflow server answers ({printable(str(error))})"
