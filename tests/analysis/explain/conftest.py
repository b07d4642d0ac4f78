"""A small data set, two thin nets with their checkpoints, and the tables that explain them."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from analysis.explain.explaining import Asked, Trained, explain
from analysis.explained import Told
from trainables.classification.facts import architecture_of
from trainables.classification.starts import save_weights
from trainables.data.images import write_images
from trainables.models import build
from trainables.seeds import generator

OPTIONS = {"model": "resnet18", "width": 4, "stem": "strided"}
CLASSES = 5
IMAGES = 30


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty validation images of 32 pixels, of random colours in blocks."""
    folder = tmp_path_factory.mktemp("data")
    blocks = torch.randint(256, (IMAGES, 3, 4, 4), generator=generator("test", "images"), dtype=torch.uint8)
    images = blocks.repeat_interleave(8, 2).repeat_interleave(8, 3)
    labels = torch.arange(IMAGES) % CLASSES
    write_images(folder / "validation.arrow", images, labels, [f"image {row}" for row in range(IMAGES)])
    facts = {"classes": list("abcde"), "mean": [0.5] * 3, "std": [0.25] * 3, "image_shape": [3, 32, 32]}
    (folder / "data.json").write_text(json.dumps(facts))
    return folder


def thin(seed: int) -> nn.Module:
    return build(architecture_of(OPTIONS), CLASSES, (3, 32, 32), seed)


@pytest.fixture(scope="session")
def nets(tmp_path_factory: pytest.TempPathFactory) -> list[Trained]:
    """A baseline and trial 0, each with a checkpoint."""
    folder = tmp_path_factory.mktemp("nets")
    found = []
    for seed, name in enumerate(("baseline", "trial 0")):
        path = folder / f"{seed}.safetensors"
        save_weights(thin(seed), path, architecture_of(OPTIONS))
        found.append(Trained(name, OPTIONS, path))
    return found


@pytest.fixture(scope="session")
def tables(data: Path, nets: list[Trained], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every table of an explanation of both."""
    folder = tmp_path_factory.mktemp("tables")
    told = Told("0" * 64, "made-up <b>", (0,), ("a note & more",))
    explain("classification", nets, data, Asked(perturbation="fog", images=IMAGES), told, folder)
    return folder
