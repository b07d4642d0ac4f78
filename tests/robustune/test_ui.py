"""`robustune ui` shows what was recorded, to this machine alone, and leaves nothing behind."""

import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from robustune.errors import Mistake
from robustune.ui import serve

SERVES = "import sys; from robustune.ui import serve; sys.exit(serve(sys.argv[1], '127.0.0.1', int(sys.argv[2])))"


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "re sults" / "mlflow.db"
    path.parent.mkdir()
    sqlite3.connect(path).close()
    path.touch()
    return path


def test_without_a_database_the_user_learns_how_to_make_one(tmp_path):
    with pytest.raises(Mistake, match="robustune search") as raised:
        serve(f"sqlite:///{tmp_path}/mlflow.db")
    assert raised.value.code == "STUDY_MISSING"


def test_a_port_that_is_taken_is_named_with_another_that_may_do(database):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Mistake, match=rf"{port}.*--port {port % 65535 + 1}"):
            serve(f"sqlite:///{database}", port=port)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_number_that_is_no_port_is_refused(database, port):
    with pytest.raises(Mistake, match="1 to 65535"):
        serve(f"sqlite:///{database}", port=port)


def test_a_server_that_runs_elsewhere_is_named_without_its_password(capsys):
    assert serve("https://user:secret@mlflow.example:5000") == 0
    assert capsys.readouterr().out == "MLflow is at https://mlflow.example:5000\n"


def test_an_address_of_no_database_is_refused():
    with pytest.raises(Mistake, match="sqlite:///PATH"):
        serve("file:///tmp/mlruns")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_server_answers_this_machine_alone_and_ends_when_asked(database, number):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", SERVES, f"sqlite:///{database}", str(port)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert f"http://127.0.0.1:{port}/" in running.stdout.readline()
        with urlopen(f"http://127.0.0.1:{port}/", timeout=10) as page:
            assert page.status == 200
        listing = f"http://127.0.0.1:{port}/api/2.0/mlflow/experiments/search?max_results=5"
        with pytest.raises(HTTPError, match="403"):
            urlopen(Request(listing, headers={"Host": "evil.example"}), timeout=10)
        started = children(running.pid)
        assert started
        running.send_signal(number)
        assert running.wait(20) == 0
        assert running.communicate() == ("", "")
        time.sleep(0.5)
        assert not [pid for pid in started if alive(pid)]
    finally:
        running.kill()


def children(pid):
    """Every process below this one."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with (task / "children").open() as told:
            for child in told.read().split():
                found += [int(child), *children(int(child))]
    return found


def alive(pid):
    try:
        with Path(f"/proc/{pid}/stat").open() as told:
            return told.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
