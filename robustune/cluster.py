"""Connects to Ray: a cluster of one's own on this machine, or the one that an address names."""

import contextlib
import functools
import gc
import logging
import math
import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from robustune.address import complaint
from robustune.aside import make_folder, own_folder, remove_left_over
from robustune.errors import Mistake
from robustune.surroundings import environment, termination_handled_as_before

SET_BY_RAY = ("RAY_USAGE_STATS_ENABLED", "PYTHONBREAKPOINT")


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

    def threads(self, tasks: int, gpus: float) -> int:
        """Returns the most CPUs that each of so many tasks can take while as many run side by side as can at all.

        Args:
            tasks: that wait or run.
            gpus: of each.
        """
        at_a_time = min(tasks, self.slots(1, gpus))
        if at_a_time == 0:  # a cluster that is still to grow
            return 1
        largest = math.floor(max(cpus for cpus, _ in self.nodes))
        return next((count for count in range(largest, 1, -1) if self.slots(count, gpus) >= at_a_time), 1)


@dataclass(frozen=True)
class Home:
    """The node that this driver is on: a task there can read the driver's files. A head node may well offer no CPUs."""

    node: str
    cpus: float
    gpus: float


def home() -> Home:
    """Returns the node that this driver is connected through; Ray is connected already."""
    ray = import_module("ray")
    node = str(ray.get_runtime_context().get_node_id())
    cpus, gpus = next(_resources(one) for one in ray.nodes() if one["NodeID"] == node)
    return Home(node, cpus, gpus)


@contextlib.contextmanager
def connected(address: str | None) -> Iterator[Cluster]:
    """Connects to Ray and disconnects; a cluster started here ends here, with its temporary folder.

    Where this process is connected to Ray already, as a notebook may be, that connection is used and left as it is.

    Args:
        address: HOST:PORT of a head node, "auto" for the one that runs on this machine, None or "local" for a
            cluster of one's own. Where None, `RAY_ADDRESS` counts, which `ray job submit` sets.

    Raises:
        Mistake: CLUSTER_UNREACHABLE.
    """
    if "ray" in sys.modules and (ray := sys.modules["ray"]).is_initialized():
        if address is not None:
            raise Mistake(
                "CLUSTER_UNREACHABLE",
                f"--address {address!r}: this process is connected to a Ray cluster already; call `ray.shutdown()` "
                "first, or leave the address out to search on that cluster",
            )
        yield _cluster(ray)
        return
    address = address or os.environ.get("RAY_ADDRESS") or None
    if problem := complaint(address):
        raise Mistake("CLUSTER_UNREACHABLE", problem)
    remove_left_over()
    own = address in (None, "local")
    _authenticate(own)
    with environment(_quiet(), SET_BY_RAY):
        if own:
            with own_folder("ray") as folder:
                yield from _session(address="local", include_dashboard=False, _temp_dir=str(folder))
        else:
            yield from _session(address=address)


def _session(address: str | None, **options: Any) -> Iterator[Cluster]:
    ray = import_module("ray")  # late: it takes a second, and it reads RAY_AUTH_MODE when it is imported
    try:
        with termination_handled_as_before():
            _start(ray, address, options)
        yield _cluster(ray)
    finally:
        # Tune leaves cycles that refer into Ray. Were Ray's own thread to collect them once Ray is shut down, the whole
        # process would end: "the core worker has already been shutdown".
        gc.collect()
        ray.shutdown()


def _start(ray: Any, address: str | None, options: Mapping[str, Any], tries: int = 2) -> None:
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, configure_logging=True, **options)
    except Exception as error:  # with a bare one Ray says that its node was not up within its fixed 30 s
        if not _late(address, error):
            raise Mistake(
                "CLUSTER_UNREACHABLE", f"--address {address!r}: Ray did not start or answer: {_advice(error)}"
            ) from error
        ray.shutdown()
        if tries == 1:
            raise Mistake(
                "CLUSTER_UNREACHABLE",
                "Ray did not start on this machine in time, twice: the machine is busy; start the same command again "
                "when it is less so",
            ) from error
        _start(ray, address, options, tries - 1)


def _late(address: str | None, error: Exception) -> bool:
    return address == "local" and "timed out during startup" in str(error)


def _cluster(ray: Any) -> Cluster:
    return Cluster(tuple(_resources(node) for node in ray.nodes() if node["Alive"]))


def _advice(error: BaseException) -> str:
    said = "".join(str(cause) for cause in (error, error.__context__, error.__cause__) if cause is not None)
    if "AuthToken" in said or "Authentication" in said:
        return (
            "the cluster asks for its token; set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH to a copy of the head's "
            "~/.ray/auth_token"
        )
    first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return f"{first_line}; check that the head node runs the same Ray and Python versions"


def _quiet() -> dict[str, str]:
    wanted = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    return {name: value for name, value in wanted.items() if name not in os.environ}


def _authenticate(own: bool) -> None:
    """Turns Ray's token authentication on, as far as the environment does not say otherwise, and leaves it on.

    A cluster of our own gets a token that only this user can read and that ends with this process; `ray start` takes
    the one in the home folder where there is one, while `ray.init(address=...)` would come without. Ray keeps what it
    read for the life of the process: were the variables put back, the next `ray.init` of a notebook would fail.
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
    folder = make_folder("token")
    path = folder / "auth_token"
    path.touch(mode=0o600)
    path.write_text(secrets.token_hex(32))
    return path


def _resources(node: dict[str, Any]) -> tuple[float, float]:
    return node["Resources"].get("CPU", 0.0), node["Resources"].get("GPU", 0.0)


def _fit(cpus: float, gpus: float, cpus_per_trial: float, gpus_per_trial: float) -> int:
    by_cpu = math.floor(cpus / cpus_per_trial) if cpus_per_trial else math.inf
    by_gpu = math.floor(gpus / gpus_per_trial) if gpus_per_trial else math.inf
    return int(min(by_cpu, by_gpu))
