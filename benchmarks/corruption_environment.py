"""The environment of imagecorruptions 1.1.2, made once, and the process that answers from it.

It needs versions that Robustune cannot use: numpy 1.26, scikit-image 0.19 and a setuptools that still has
`pkg_resources`. With newer ones its fog, glass blur and Gaussian blur fail.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from benchmarks import corruption_peer
from trainables.perturbations.corruptions import Ice, read_ice

PINS: Final = (
    "numpy==1.26.4",
    "scipy==1.13.1",
    "scikit-image==0.19.3",
    "opencv-python-headless==4.10.0.84",
    "pillow",
    "setuptools<81",
)
PEER: Final = "imagecorruptions==1.1.2"
DEFAULT_FOLDER: Final = Path(tempfile.gettempdir()) / "robustune-imagecorruptions"


def python_of(folder: Path) -> Path:
    """The interpreter of the environment in `folder`, which is made there if it is not; needs the package index."""
    python = folder / "bin" / "python"
    finished = folder / ".made"
    if not finished.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet"]
        subprocess.run([*install, *PINS], check=True)
        # Its own requirement is opencv-python, which wants a display's libraries; the headless one is there already.
        subprocess.run([*install, "--no-deps", PEER], check=True)
        finished.touch()
    return python


class Peer:
    """A running imagecorruptions."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path, ice: Ice) -> None:
        self._process, self._folder, self.ice = process, folder, ice

    def corrupt(
        self, images: Tensor, name: str, severity: int, draws: npt.NDArray[np.float64] | None = None, seed: int = 0
    ) -> tuple[Tensor, float]:
        """(N, 3, H, W) uint8 and the seconds that the corruption took, with given draws or numpy's own from `seed`."""
        files = {key: str(self._folder / f"{key}.npy") for key in ("images", "draws", "out")}
        np.save(files["images"], images.permute(0, 2, 3, 1).contiguous().numpy())
        request: dict[str, Any] = {
            "images": files["images"],
            "out": files["out"],
            "name": name,
            "severity": severity,
            "seed": seed,
        }
        if draws is not None:
            np.save(files["draws"], draws)
            request["draws"] = files["draws"]
        seconds = self._ask(request)["seconds"]
        return torch.from_numpy(np.load(files["out"])).permute(0, 3, 1, 2).contiguous(), seconds

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"imagecorruptions ended with {self._process.wait()}; its error stands above")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextlib.contextmanager
def peer(environment: Path) -> Iterator[Peer]:
    """A peer of one thread, ended at the end."""
    python = python_of(environment)
    surroundings = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": ""}
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [str(python), str(Path(corruption_peer.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=surroundings,
        )
        try:
            found = Peer(process, Path(folder), _ice_of(python))
            found.answer()
            yield found
        finally:
            process.kill()
            process.wait()


def _ice_of(python: Path) -> Ice:
    """The peer's pictures of frost; it has six and draws from five."""
    (folder,) = python.parent.parent.glob("lib/python*/site-packages/imagecorruptions/frost")
    return Ice(read_ice(folder).pictures[:5])
