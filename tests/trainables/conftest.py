import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits

from trainables.data.store import Store, address, read_images, write_images

THIN = {"model": "resnet18", "width": 8, "stem": "small", "batch_size": 16, "precision": "float32"}
FACTS = {"classes": list("0123456789"), "mean": [0.3] * 3, "std": [0.35] * 3, "image_shape": [3, 16, 16]}


def write_digits(directory: Path) -> None:
    """Real digits at 16 x 16, 96 to train on and 48 to validate on."""
    digits = load_digits()
    pixels = torch.from_numpy(digits.images).mul(255 / 16).round().to(torch.uint8)
    images = pixels[:, None].repeat(1, 3, 2, 2)[:, :, :16, :16]
    labels = torch.from_numpy(digits.target).to(torch.int64)
    for name, rows in {"train": range(96), "validation": range(96, 144)}.items():
        picked = torch.tensor(list(rows))
        write_images(directory / f"{name}.arrow", images[picked], labels[picked], [f"digit {row}" for row in rows])
    (directory / "data.json").write_text(json.dumps(FACTS))


@pytest.fixture(scope="session")
def store_root(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="session")
def store(store_root: str) -> Store:
    return Store(store_root)


@pytest.fixture(scope="session")
def data(store: Store) -> str:
    """Digest of a small data set in the store."""
    digest = address("data", {"name": "sixteen", "version": 1})
    store.publish(digest, write_digits, {"kind": "data"})
    return digest


@pytest.fixture(scope="session")
def sets(store: Store, data: str) -> dict[str, str]:
    """Sets for every metric and for fooling rate 20: clean validation images in the place of fooling ones."""
    digest = address("fooling", {"name": "sixteen", "version": 1})
    clean = read_images(store.open(data).path / "validation.arrow")
    store.publish(digest, lambda to: write_images(to / "images.arrow", clean.images, clean.labels, clean.lineage), {})
    names = ("perturbed-training", "perturbed-validation", "train/20")
    return {"data": data, **{f"fooling/{name}": digest for name in names}}


@pytest.fixture
def make_trainer(store: Store, data: str) -> Any:
    from trainables.classification.trainer import ClassificationTrainer

    def make(sets: Mapping[str, str] | None = None, metrics: tuple[str, ...] = (), **options: Any) -> Any:
        return ClassificationTrainer(
            {**THIN, **options}, {"data": data, **(sets or {})}, store, metrics, seed=3, epochs=4, threads=1
        )

    return make


@pytest.fixture
def thin() -> dict[str, Any]:
    """What `make_trainer` holds."""
    return dict(THIN)
