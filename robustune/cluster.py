"""Connects to Ray: a cluster of one's own on this machine, or the one that an address names."""

import contextlib
import logging
import math
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
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
            f"--address {address!r}: the driver keeps the ledger and cannot run through Ray Client; run the search on a "
            "machine of the cluster with --address HOST:PORT of the head, or by `ray job submit`"
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
    import ray  # late: it takes a second, and bad input is answered before

    own = address in (None, "local")
    folder = Path(tempfile.mkdtemp(prefix="robustune-", dir=_short_folder())) if own else None
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
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise Mistake(
            "CLUSTER_UNREACHABLE",
            f"--address {address or 'local'!r}: Ray did not start or answer ({first_line}); "
            "check that the head node runs the same Ray and Python versions",
        ) from error


def _resources(node: dict[str, Any]) -> tuple[float, float]:
    return node["Resources"].get("CPU", 0.0), node["Resources"].get("GPU", 0.0)


def _fit(cpus: float, gpus: float, cpus_per_trial: float, gpus_per_trial: float) -> int:
    by_cpu = math.floor(cpus / cpus_per_trial) if cpus_per_trial else math.inf
    by_gpu = math.floor(gpus / gpus_per_trial) if gpus_per_trial else math.inf
    return int(min(by_cpu, by_gpu))


def _short_folder() -> str | None:
    # Ray puts Unix sockets below its folder, and their paths end at 107 bytes; macOS's own TMPDIR is too long already.
    return "/tmp" if Path("/tmp").is_dir() else None
