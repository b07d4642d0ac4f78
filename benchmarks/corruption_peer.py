"""Serves imagecorruptions from its own environment: one JSON request a line on stdin, one answer a line on stdout.

Needs numpy and imagecorruptions alone; `benchmarks.corruption_environment` makes the environment and starts this.
A request names a file of images (N, H, W, 3) uint8, a corruption, a severity, where the results go, and, if the draws
are given, a file of them: (N, L) float64, consumed in the order in which the corruption asks for random numbers.
"""

import importlib
import json
import sys
import time
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Fed:
    """Stands in for numpy's global random functions and hands out given numbers.

    Normal draws are given as standard normal ones, all others in [0, 1).
    """

    def __init__(self, draws: Array) -> None:
        self._draws, self._used = draws, 0

    def normal(self, loc: float = 0.0, scale: float = 1.0, size: Any = None) -> Any:
        return loc + scale * self._next(size)

    def uniform(self, low: float = 0.0, high: float = 1.0, size: Any = None) -> Any:
        return low + (high - low) * self._next(size)

    def randint(self, low: int, high: int | None = None, size: Any = None) -> Any:
        low, high = (0, low) if high is None else (low, high)
        return low + np.asarray(np.floor(self._next(size) * (high - low)), dtype=int)

    def spent(self) -> bool:
        return self._used == self._draws.size

    def _next(self, size: Any) -> Any:
        count = 1 if size is None else int(np.prod(size))
        taken = self._draws[self._used : self._used + count]
        self._used += count
        return taken[0] if size is None else taken.reshape(size)


def corrupted(peer: Any, images: Array, name: str, severity: int, draws: Array | None) -> tuple[Array, float]:
    """The corrupted images and the processor seconds that they took, without reading and writing files."""
    made = np.empty_like(images)
    seconds = 0.0
    own = {function: getattr(np.random, function) for function in ("normal", "uniform", "randint")}
    for row, image in enumerate(images):
        fed = None if draws is None else Fed(draws[row])
        for function in own if fed else ():
            setattr(np.random, function, getattr(fed, function))
        started = time.process_time()
        made[row] = peer.corrupt(image, severity=severity, corruption_name=name)
        seconds += time.process_time() - started
        if fed and not fed.spent():
            raise ValueError(f"{name}: the given draws are not the ones that were asked for")
    for function, original in own.items():
        setattr(np.random, function, original)
    return made, seconds


def serve() -> None:
    warnings.simplefilter("ignore")
    peer: Any = importlib.import_module("imagecorruptions")
    importlib.import_module("cv2").setNumThreads(1)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        draws = np.load(request["draws"]) if request.get("draws") else None
        if "seed" in request:
            np.random.seed(request["seed"])
        images = np.load(request["images"])
        made, seconds = corrupted(peer, images, request["name"], request["severity"], draws)
        if request.get("out"):
            np.save(request["out"], made)
        print(json.dumps({"seconds": seconds}), flush=True)


if __name__ == "__main__":
    serve()
