"""An address that cannot be a Ray head node's is told in one line within seconds, whatever listens there."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from robustune.address import complaint
from robustune.errors import Mistake, printable
from robustune.tracking import probe

GREETING = bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))


@contextmanager
def listening(answer: bytes) -> Iterator[str]:
    """Accepts connections and says the same to each; b"" says nothing and keeps the connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                connection.sendall(answer)
                kept.append(connection)

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        for connection in kept:
            connection.close()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.6\r\n"])
def test_whatever_else_listens_is_no_head_node(answer: bytes) -> None:
    with listening(answer) as address:
        started = time.monotonic()
        told = complaint(address)
        assert time.monotonic() - started < 5
    assert told is not None
    assert "no Ray head node answers there" in told
    assert "ray start --head" in told


def test_what_greets_as_grpc_does_may_be_one() -> None:
    with listening(GREETING) as address:
        assert complaint(address) is None


@pytest.mark.parametrize("address", ["nonsense", "host:", ":1", "host:0", "host:99999999", "host:\u0661", "ray://h:1"])
def test_an_address_of_another_form_is_told(address: str) -> None:
    assert complaint(address) is not None


@pytest.mark.parametrize("address", [f"{'a' * 70}.invalid:6379", "..:1", "127.0.0.1:1"])
def test_a_host_that_cannot_be_reached_is_told(address: str) -> None:
    told = complaint(address)
    assert told is not None
    assert "no Ray head node answers there" in told


def test_a_mistake_quotes_no_character_that_steers_a_terminal() -> None:
    mistake = Mistake("NO_FRONT", "trial 3 says \x1b[31mred\x07\u202eback\r\nsecond line\x9b2J")
    assert mistake.message.replace("\n", "").isprintable()
    assert mistake.message.count("\n") == 1
    assert str(mistake).startswith("NO_FRONT: trial 3 says \\x1b[31mred")
    assert printable("naïve Straße") == "naïve Straße"


@pytest.mark.parametrize(
    "uri",
    [
        "http://user:hunter2@[::1",
        "sqlite://user:hunter2@host/mlflow.db",
        "postgresql://user:hunter2@host/mlflow",
        "file://user:hunter2@host/mlruns",
        "http://user:hunter2@127.0.0.1:1",
    ],
)
def test_no_complaint_about_a_tracking_address_tells_its_password(uri: str) -> None:
    told = probe(uri)
    assert told is not None
    assert "hunter2" not in told
