"""Shows what was recorded: MLflow's own server over a SQLite file, in the foreground, for this machine alone."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from tempfile import TemporaryFile
from types import FrameType
from typing import IO, Final
from urllib.request import urlopen

from robustune.errors import Mistake
from robustune.tracking.destination import artifact_root, printable, redacted, sqlite_path
from robustune.tracking.environment import SERVER

# MLflow 3 opens its pages for language models unless an address asks for the others.
PAGE: Final = "#/experiments?workflowType=machine_learning"
START_SECONDS: Final = 120.0
STOP_SECONDS: Final = 5.0


def serve(uri: str, host: str = "127.0.0.1", port: int = 5000) -> int:
    """Runs MLflow's UI until Ctrl-C or SIGTERM, and returns the exit status: 0 where the user ended it.

    Args:
        uri: tracking URI; for an `http(s)://` one there is nothing to start, and its address is printed.
        host: address to listen on; anything but a loopback address opens the records to the network.
        port: port to listen on.

    Raises:
        Mistake: STUDY_MISSING without a database, OPTION_INVALID for a URI or a port that cannot be used.
    """
    if uri.startswith(("http://", "https://")):
        print(f"MLflow is at {printable(redacted(uri))}", flush=True)
        return 0
    _refuse_unusable(uri, host, port)
    # What the server says is kept aside, and shown where it ends by itself.
    with _stopping_on_signals() as stopped, TemporaryFile() as said:
        environment = {**os.environ, **SERVER, "PYTHONWARNINGS": "ignore"}
        command = _command(uri, host, port)
        server = subprocess.Popen(command, env=environment, stdout=said, stderr=said, start_new_session=True)
        try:
            return _watch(server, host, port, stopped, said)
        finally:
            _end(server)


def _refuse_unusable(uri: str, host: str, port: int) -> None:
    path = sqlite_path(uri)
    if path is None:
        raise Mistake("OPTION_INVALID", f"--tracking-uri {printable(uri)}: not sqlite:///PATH, http:// or https://")
    if not path.is_file():
        raise Mistake(
            "STUDY_MISSING", f"{path}: nothing was recorded yet; record something: robustune search quickstart"
        )
    if not 0 < port < 65536:
        raise Mistake("OPTION_INVALID", f"--port {port}: a port is a number from 1 to 65535; 5000 would do")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as error:
            raise Mistake(
                "OPTION_INVALID",
                f"--port {port}: cannot listen on {printable(host)}:{port} ({error.strerror or error}); "
                f"end the program that does, or take another: robustune ui --port {port % 65535 + 1}",
            ) from None


def _command(uri: str, host: str, port: int) -> list[str]:
    # More than one worker makes every request of a browser wait 40 ms: they share one database and one cache of it.
    options = {
        "--backend-store-uri": redacted(uri),
        "--registry-store-uri": redacted(uri),
        "--artifacts-destination": artifact_root(uri, "") or "",
        "--host": host,
        "--port": str(port),
        "--workers": "1",
        "--uvicorn-opts": "--log-level warning",
    }
    return [sys.executable, "-m", "mlflow", "server", *(part for option in options.items() for part in option)]


def _watch(server: subprocess.Popen[bytes], host: str, port: int, stopped: list[int], said: IO[bytes]) -> int:
    shown = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    announced, since = False, time.monotonic()
    while not stopped:
        status = server.poll()
        if status is not None:
            said.seek(0)
            print(said.read()[-2000:].decode(errors="replace"), file=sys.stderr)
            print(f"MLflow's server ended by itself, with status {status}", file=sys.stderr, flush=True)
            return status or 1
        if not announced and time.monotonic() - since < START_SECONDS and _answers(shown):
            print(f"MLflow is at {shown}/{PAGE} (Ctrl-C ends it)", flush=True)
            announced = True
        time.sleep(0.2)
    return 0


def _answers(address: str) -> bool:
    try:
        with urlopen(f"{address}/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except (OSError, HTTPException):
        return False


@contextmanager
def _stopping_on_signals() -> Iterator[list[int]]:
    """Yields a list that receives every signal that asks to stop, instead of the process dying by it."""
    stopped: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        stopped.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(server: subprocess.Popen[bytes]) -> None:
    """Ends the server and its worker: the whole process group, first by asking."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if server.poll() is not None:
            break
        os.killpg(server.pid, number)
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
