"""What the driver's machine does while a search runs, under MLflow's own names of system metrics."""

import time
from contextlib import suppress
from importlib.util import find_spec
from typing import Any, Final

from mlflow.entities import Metric

SAMPLE_SECONDS: Final = 10.0
"""As often as MLflow itself samples."""
FIRST_SECONDS: Final = 1.0
_PREFIX: Final = "system/"


class Machine:
    """Measures processor, memory, disk and network of this machine, and its GPUs where their library is installed.

    A sample that could not be sent is lost: it says nothing of the search.

    Args:
        since: unix time at which the search was begun; steps count tens of seconds from then, through every session.
    """

    def __init__(self, since: float) -> None:
        self._since = since
        self._monitors = _monitors()
        self._due = time.monotonic() + FIRST_SECONDS

    def measured(self) -> list[Metric]:
        """Returns a sample where the last one is old enough, and none before."""
        if time.monotonic() < self._due:
            return []
        self._due = time.monotonic() + SAMPLE_SECONDS
        now = time.time()
        step = max(0, round((now - self._since) / SAMPLE_SECONDS))
        found: dict[str, float] = {}
        for monitor in list(self._monitors):
            try:
                found |= _sample(monitor)
            except (OSError, RuntimeError, AttributeError):  # a container may hide what it asks for
                self._monitors.remove(monitor)
        return [Metric(f"{_PREFIX}{name}", float(value), round(now * 1000), step) for name, value in found.items()]


def _sample(monitor: Any) -> dict[str, float]:
    monitor.collect_metrics()
    found: dict[str, float] = dict(monitor.aggregate_metrics())
    monitor.clear_metrics()
    return found


def _monitors() -> list[Any]:
    if find_spec("psutil") is None:
        return []
    from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
    from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
    from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor
    from mlflow.system_metrics.metrics.network_monitor import NetworkMonitor

    found: list[Any] = []
    for make in (CPUMonitor, DiskMonitor, NetworkMonitor, GPUMonitor):
        with suppress(ImportError, RuntimeError, OSError, AttributeError):  # without a GPU, or what asks it, for one
            found.append(make())
            _sample(found[-1])  # the share of the processor is that since the last question
    return found
