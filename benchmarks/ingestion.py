"""`ingestion`: 10,000 JPEG files of 64x64 into a data set, beside torchvision's ImageFolder that reads them once.

Ours is `trainables.data.ingestion.adding.add`: it lists, decodes, hashes every image, divides them so that no twin
stands in two splits, writes the four Arrow files and their manifest, and flushes them to the disk. The peer is one pass
of a DataLoader over ImageFolder into batches of 256, as float32 tensors in [0, 1] (`ToTensor`, what people write) and
as uint8 (`PILToTensor`); nothing is hashed, divided or kept. Both have the files in the page cache and as many
workers: one worker is one thread beside the main one for ours, and one process beside the main one for the peer.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from benchmarks.rows import Row, row
from trainables.data.ingestion.adding import Choices, add

IMAGES: Final = 10_000
CLASSES: Final = 20
SIDE: Final = 64
QUALITY: Final = 90
BATCH_SIZE: Final = 256
REPEATS: Final = 5
TARGET: Final = "at least 3"


def rows(device: str) -> list[Row]:
    """Measures in turn, after one round that is not counted, and returns rows of median images per second.

    Args:
        device: stands in no row: files are read by the CPU alone.
    """
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder) / "images"
        write_images(files)
        measured = [
            _row(f"ingestion, 1 worker, peer {kind}", _ours(files, Path(folder), 1), _peer(files, 1, kind))
            for kind in ("float32", "uint8")
        ]
        return [
            *measured,
            _row("ingestion, 2 workers, peer float32", _ours(files, Path(folder), 2), _peer(files, 2, "float32")),
        ]


def write_images(root: Path) -> None:
    """Crops of scikit-learn's two photographs, drawn with a seed, in a folder for each class; 1.8 kB each."""
    from PIL import Image
    from sklearn.datasets import load_sample_image

    generator = np.random.default_rng(0)
    photographs = [load_sample_image(name) for name in ("china.jpg", "flower.jpg")]
    for number in range(CLASSES):
        (root / f"class{number:02}").mkdir(parents=True)
    for number in range(IMAGES):
        photograph = photographs[number % len(photographs)]
        top, left = (generator.integers(0, length - SIDE) for length in photograph.shape[:2])
        image = Image.fromarray(photograph[top : top + SIDE, left : left + SIDE])
        image.save(root / f"class{number % CLASSES:02}" / f"{number:05}.jpg", quality=QUALITY)


def _ours(files: Path, folder: Path, workers: int) -> Callable[[], int]:
    fresh = count()

    def run() -> int:
        library = folder / f"library-{workers}-{next(fresh)}"
        added = add("image-folder", files, "images", Choices(workers=workers), library, lambda *_: None)
        return sum(added.facts["counts"].values())

    return run


def _peer(files: Path, workers: int, kind: str) -> Callable[[], int]:
    from torch.utils.data import DataLoader
    from torchvision import transforms
    from torchvision.datasets import ImageFolder

    transform: Any = transforms.ToTensor() if kind == "float32" else transforms.PILToTensor()

    def run() -> int:
        loader = DataLoader(ImageFolder(str(files), transform), batch_size=BATCH_SIZE, num_workers=workers)
        return sum(len(labels) for _, labels in loader)

    return run


def _row(name: str, ours: Callable[[], int], peer: Callable[[], int]) -> Row:
    rates: dict[str, list[float]] = {"ours": [], "peer": []}
    for repeat in range(REPEATS + 1):
        for side, run in (("ours", ours), ("peer", peer)):
            started = time.perf_counter()
            images = run()
            if repeat:  # the first round imports and fills the page cache
                rates[side].append(images / (time.perf_counter() - started))
    own, other = statistics.median(rates["ours"]), statistics.median(rates["peer"])
    return row(name, own, other, "images/s", own / other, TARGET)
