"""`input-path`: how fast one process gets training batches, beside torch's DataLoader over PNG files of the same.

Both give normalised float32 batches of images moved by up to an eighth of their side, in a random order, on the device.
"""

import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from trainables.augmentations import Augmentation
from trainables.classification.batches import Batches, LabelledImages
from trainables.data.registry import build
from trainables.data.store import read_images
from trainables.images import Normalisation

BATCH_SIZE: Final = 128
REPEATS: Final = 7
PEER_WORKERS: Final = 2


class PngFolder(Dataset[tuple[Tensor, int]]):
    """Decodes one PNG file for each image, as a folder data set does."""

    def __init__(self, paths: list[Path], labels: list[int], normalisation: Normalisation, side: int) -> None:
        from torchvision import transforms

        self._paths, self._labels = paths, labels
        self._transform = transforms.Compose(
            [
                transforms.RandomCrop(side, padding=side // 8, padding_mode="edge"),
                transforms.ToTensor(),
                transforms.Normalize(normalisation.mean, normalisation.std),
            ]
        )

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        from PIL import Image

        with Image.open(self._paths[index]) as image:
            return self._transform(image.convert("RGB")), self._labels[index]


def rows(device: str) -> list[dict[str, Any]]:
    """Measures whole epochs of both in turn and returns the row of their median images per second.

    Args:
        device: `cpu` or `cuda`: where the batches are wanted.
    """
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        build("embedded-digits", directory)
        facts = json.loads((directory / "data.json").read_text())
        normalisation = Normalisation.read(facts["mean"], facts["std"])
        found = read_images(directory / "train.arrow")
        epochs = {
            "ours": _ours(LabelledImages(found.images, found.labels).to(torch.device(device)), normalisation),
            "peer": _peer(directory, LabelledImages(found.images, found.labels), normalisation, device),
        }
        rates: dict[str, list[float]] = {name: [] for name in epochs}
        for repeat in range(REPEATS + 1):
            for name, epoch in epochs.items():
                rate = _images_per_second(epoch(repeat), device)
                if repeat:  # the first epoch starts the peer's workers and fills the page cache
                    rates[name].append(rate)
    ours, peer = statistics.median(rates["ours"]), statistics.median(rates["peer"])
    return [
        {
            "name": "input-path",
            "ours": ours,
            "peer": peer,
            "unit": "images/s",
            "ratio": ours / peer,
            "target": "none stated",
            "machine": _machine(device),
        }
    ]


def _ours(images: LabelledImages, normalisation: Normalisation) -> Callable[[int], Iterable[tuple[Tensor, Tensor]]]:
    batches = Batches(
        clean=images,
        rows=torch.arange(len(images)),
        extra=[],
        extra_share=0.0,
        batch_size=BATCH_SIZE,
        steps_per_epoch=0,
        augmentation=Augmentation(crop_flip=True),
        normalisation=normalisation,
    )
    return lambda epoch: batches.epoch(0, epoch)


def _peer(
    directory: Path, images: LabelledImages, normalisation: Normalisation, device: str
) -> Callable[[int], Iterable[tuple[Tensor, Tensor]]]:
    from PIL import Image

    paths = [directory / f"{row}.png" for row in range(len(images))]
    for path, image in zip(paths, images.images, strict=True):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(path)
    loader = DataLoader(
        PngFolder(paths, images.labels.tolist(), normalisation, images.images.shape[-1]),
        batch_size=BATCH_SIZE,
        shuffle=True,
        drop_last=True,
        num_workers=PEER_WORKERS,
        persistent_workers=True,
        pin_memory=device != "cpu",
    )

    def epoch(_: int) -> Iterable[tuple[Tensor, Tensor]]:
        for inputs, labels in loader:
            yield inputs.to(device, non_blocking=True), labels.to(device, non_blocking=True)

    return epoch


def _images_per_second(epoch: Iterable[tuple[Tensor, Tensor]], device: str) -> float:
    started = time.perf_counter()
    count = sum(len(labels) for _, labels in epoch)
    if device != "cpu":
        torch.cuda.synchronize()
    return count / (time.perf_counter() - started)


def _machine(device: str) -> str:
    if device != "cpu":
        return torch.cuda.get_device_name()
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    name = models[0].partition(":")[2].strip() if models else platform.processor() or platform.machine()
    return f"{name}, {len(models)} cores, torch {torch.__version__}, {torch.get_num_threads()} threads"
