"""What an address of a Ray cluster says, and whether a Ray head node can be behind it."""

import os
import socket
from typing import Final

CONNECT_SECONDS: Final = 3.0
ANSWER_SECONDS: Final = 3.0
SETTINGS_FRAME: Final = 4
_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, SETTINGS_FRAME, 0, 0, 0, 0, 0))
_WOULD_DO: Final = "start one with `ray start --head --port PORT`, or leave --address out to use this machine alone"


def complaint(address: str | None) -> str | None:
    """Says in one line why no cluster can be reached at the address; None where it answers, or where none is named."""
    if address in (None, "local", "auto"):
        return None
    if address.startswith("ray://"):
        return (
            f"--address {address!r}: the driver keeps the ledger and cannot run through Ray Client; run the search on "
            "a machine of the cluster with --address HOST:PORT of the head, or by `ray job submit`"
        )
    host, _, port = address.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or not 0 < int(port[:6]) < 65536:
        return f"--address {address!r}: expected HOST:PORT of the head node, 'auto' or 'local'"
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS) as connection:
            if _speaks_grpc(connection):
                return None
        reason = "something else does"
    except (OSError, ValueError) as error:  # a host that is no lawful name is a ValueError
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return f"--address {address!r}: no Ray head node answers there ({reason}); {_WOULD_DO}"


def _speaks_grpc(connection: socket.socket) -> bool:
    """Whether the other side greets as a gRPC server does; `ray.init` waits for minutes where none is."""
    if os.environ.get("RAY_USE_TLS", "0") != "0":
        return True  # the greeting is behind the certificates
    connection.settimeout(ANSWER_SECONDS)
    try:
        connection.sendall(_PREFACE)
        head = b""
        while len(head) < 4 and (more := connection.recv(9)):
            head += more
    except OSError:
        return False
    return len(head) >= 4 and head[3] == SETTINGS_FRAME
