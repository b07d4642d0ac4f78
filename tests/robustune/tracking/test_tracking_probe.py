"""A tracking address is judged within two seconds, in one line that says what would do."""

import http.server
import os
import socket
import sqlite3
import threading
import time
from contextlib import closing

import pytest

from robustune.tracking import probe
from robustune.tracking.destination import artifact_root, begin_database, redacted


@pytest.fixture
def quiet_port():
    """A port that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


@pytest.fixture
def other_server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("file:///tmp/mlruns", "refuses"),
        ("mlruns", "refuses"),
        ("", "refuses"),
        ("databricks://profile", "not a tracking address"),
        ("postgresql://user:secret@host/db", "not a tracking address"),
        ("sqlite://", "names no database"),
        ("sqlite:///", "names no database"),
        ("sqlite:///:memory:", "names no database"),
        ("http://", "no MLflow server"),
        ("http://[::1", "not an address"),
        ("http://127.0.0.1:notaport", "no MLflow server"),
    ],
)
def test_an_address_that_cannot_be_used_is_named_with_what_would_do(uri, says):
    complaint = probe(uri)
    assert says in complaint
    assert "\n" not in complaint
    assert "secret" not in complaint
    assert "sqlite:///" in complaint or "mlflow server" in complaint


def test_a_database_that_can_be_made_or_written_is_fine(tmp_path):
    assert probe(f"sqlite:///{tmp_path}/mlflow.db") is None
    assert probe(f"sqlite:///{tmp_path}/new/folder/mlflow.db") is None
    assert not (tmp_path / "new").exists()


def test_a_folder_or_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    assert "is not a file" in probe(f"sqlite:///{tmp_path}")
    assert "is not a folder" in probe(f"sqlite:///{tmp_path}/file/mlflow.db")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    tmp_path.chmod(0o500)
    assert "cannot be written" in probe(f"sqlite:///{tmp_path}/mlflow.db")


def test_a_server_that_does_not_answer_takes_two_seconds_at_most(quiet_port):
    began = time.monotonic()
    assert f"127.0.0.1:{quiet_port}" in probe(f"http://user:secret@127.0.0.1:{quiet_port}")
    assert time.monotonic() - began < 2.3


def test_another_program_on_the_port_is_no_mlflow(other_server, capfd):
    assert "not as an MLflow server" in probe(f"http://127.0.0.1:{other_server}")


def test_one_file_has_one_name_and_no_name_holds_a_password(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert redacted("sqlite:///mlflow.db") == redacted(f"sqlite:///{tmp_path}/mlflow.db")
    assert redacted("https://user:secret@host:5/base") == "https://host:5/base"


def test_artifacts_stand_beside_the_database(tmp_path):
    assert artifact_root(f"sqlite:///{tmp_path}/mlflow.db", "demo") == (tmp_path / "mlartifacts" / "demo").as_uri()
    assert artifact_root("http://127.0.0.1:5000", "demo") is None


def test_a_new_database_lets_readers_and_the_writer_be_and_an_old_one_is_left_alone(tmp_path):
    for name, mode in (("new/mlflow.db", "wal"), ("old.db", "delete")):
        path = tmp_path / name
        if mode == "delete":
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("CREATE TABLE t (x)")
        begin_database(f"sqlite:///{path}")
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == (mode,)


def test_hostile_addresses_cannot_steer_the_terminal():
    complaint = probe("ftp://host/\x1b[2J\u202e" + "x" * 5000)
    assert complaint.isprintable()
    assert len(complaint) < 500
