"""Connects to Ray: a cluster of one's own on this machine, or the one that an address names."""

import atexit
import contextlib
import functools
import logging
import math
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from robustune.errors import Mistake

CONNECT_SECONDS = 5.0


@dataclass(frozen=True)
class Cluster:
    """The resources of the alive nodes: CPUs and GPUs of each."""

    nodes: tuple[tuple[float, float], ...]

    @property
    def cpus(self) -> float:
        """CPUs of all nodes."""
        return sum(cpus for cpus, _ in self.nodes)

    def slots(self, cpus_per_trial: float, gpus_per_trial: float) -> int:
        """Counts the trials that fit side by side; a trial never spans nodes."""
        return sum(_fit(cpus, gpus, cpus_per_trial, gpus_per_trial) for cpus, gpus in self.nodes)


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
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        return f"--address {address!r}: expected HOST:PORT of the head node, 'auto' or 'local'"
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS):
            return None
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        return (
            f"--address {address!r}: no Ray head node answers there ({reason}); start one with "
            "`ray start --head --port PORT`, or leave --address out to use this machine alone"
        )


@contextlib.contextmanager
def connected(address: str | None) -> Iterator[Cluster]:
    """Connects to Ray and disconnects; a cluster started here ends here, with its temporary folder.

    Args:
        address: HOST:PORT of a head node, "auto" for the one that runs on this machine, None or "local" for a
            cluster of one's own. Where None, `RAY_ADDRESS` counts, which `ray job submit` sets.

    Raises:
        Mistake: CLUSTER_UNREACHABLE.
    """
    address = address or os.environ.get("RAY_ADDRESS") or None
    if problem := complaint(address):
        raise Mistake("CLUSTER_UNREACHABLE", problem)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    own = address in (None, "local")
    _authenticate(own)
    ray = import_module("ray")  # late: it takes a second, and it reads RAY_AUTH_MODE when it is imported

    folder = _own_folder() if own else None
    try:
        _connect(ray, None if own else address, folder)
        yield Cluster(tuple(_resources(node) for node in ray.nodes() if node["Alive"]))
    finally:
        ray.shutdown()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _connect(ray: Any, address: str | None, folder: Path | None) -> None:
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": True}
    try:
        if address is None:
            ray.init(address="local", include_dashboard=False, _temp_dir=str(folder), **quiet)
        else:
            ray.init(address=address, **quiet)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError, OSError) as error:
        raise Mistake(
            "CLUSTER_UNREACHABLE", f"--address {address or 'local'!r}: Ray did not start or answer: {_advice(error)}"
        ) from error


def _advice(error: BaseException) -> str:
    said = "".join(str(cause) for cause in (error, error.__context__, error.__cause__) if cause is not None)
    if "AuthToken" in said or "Authentication" in said:
        return (
            "the cluster asks for its token; set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH to a copy of the head's "
            "~/.ray/auth_token"
        )
    first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return f"{first_line}; check that the head node runs the same Ray and Python versions"


def _authenticate(own: bool) -> None:
    """Turns Ray's token authentication on, as far as the environment does not say otherwise.

    A cluster of our own gets a token that only this user can read and that ends with this process; `ray start` takes
    the one in the home folder where there is one, while `ray.init(address=...)` would come without.
    """
    if any(os.environ.get(name) for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")):
        return
    if own:
        os.environ["RAY_AUTH_TOKEN_PATH"] = str(_token_file())  # the mode is Ray's default for a cluster of one's own
    elif (Path.home() / ".ray" / "auth_token").is_file():
        os.environ["RAY_AUTH_MODE"] = "token"


@functools.cache
def _token_file() -> Path:
    # One for the whole process: Ray reads a token once and keeps it for every cluster that the process starts.
    folder = tempfile.TemporaryDirectory(prefix="robustune-token-")
    atexit.register(folder.cleanup)
    path = Path(folder.name) / "auth_token"
    path.touch(mode=0o600)
    path.write_text(secrets.token_hex(32))
    return path


def _own_folder() -> Path:
    """Makes Ray's folder, named after this process, and removes those that killed drivers of this user left."""
    place = Path(_short_folder() or tempfile.gettempdir())
    for left in place.glob("robustune-ray-*"):
        owner = left.name.split("-")[2]
        if owner.isdigit() and not _alive(int(owner)) and left.stat().st_uid == os.getuid():
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"robustune-ray-{os.getpid()}-", dir=place))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _resources(node: dict[str, Any]) -> tuple[float, float]:
    return node["Resources"].get("CPU", 0.0), node["Resources"].get("GPU", 0.0)


def _fit(cpus: float, gpus: float, cpus_per_trial: float, gpus_per_trial: float) -> int:
    by_cpu = math.floor(cpus / cpus_per_trial) if cpus_per_trial else math.inf
    by_gpu = math.floor(gpus / gpus_per_trial) if gpus_per_trial else math.inf
    return int(min(by_cpu, by_gpu))


def _short_folder() -> str | None:
    # Ray puts Unix sockets below its folder, and their paths end at 107 bytes; macOS's own TMPDIR is too long already.
    return "/tmp" if Path("/tmp").is_dir() else None
