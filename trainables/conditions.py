"""What the bits of a trained network depend on besides options, seed, data and software."""

import functools
import platform
import sys
from pathlib import Path
from typing import Any, Final

_PROCESSORS: Final = Path("/proc/cpuinfo")


def conditions(threads: int) -> dict[str, Any]:
    """Threads, processor and device of a trial that trains in this process, as JSON-able data.

    The sum of a convolution depends on how many threads share it, and on the instructions and the device that do.

    Args:
        threads: that the trial was given.
    """
    return {"threads": threads, "processor": _processor(), "device": _device()}


@functools.cache
def _processor() -> str:
    try:
        lines = _PROCESSORS.read_text().splitlines()
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _device() -> str:
    torch = sys.modules.get("torch")  # a trainer without a network does not load it
    if torch is None or not torch.cuda.is_available():
        return "cpu"
    return str(torch.cuda.get_device_name())
