import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from trainables.corruption_errors import ErrorTable
from trainables.corruption_facts import CORRUPTIONS, SEVERITIES
from trainables.data import pretexts
from trainables.data.masked_images import IGNORED, write_masked
from trainables.data.store import ImageSet, Store, address, read_images, write_images
from trainables.images import Normalisation
from trainables.models import own_randomness
from trainables.perturbations.attack import wrong_targets
from trainables.preparation import Inputs, Step, plan, run_step
from trainables.seeds import generator

THIN = {"model": "resnet18", "width": 8, "stem": "small", "batch_size": 16, "precision": "float32"}
FACTS = {
    "classes": list("0123456789"),
    "mean": [0.3] * 3,
    "std": [0.35] * 3,
    "image_shape": [3, 16, 16],
    "lineage_columns": ["cell"],
}
SPLITS = {"train": range(96), "validation": range(96, 144), "test": range(144, 176), "holdout": range(176, 272)}
CELLS = 16
SMALL = {
    "width": 8,
    "stem": "small",
    "baseline_epochs": 12,
    "baseline_batch_size": 8,
    "baseline_learning_rate": 0.003,
    "augmentation_images": 12,
    "evaluation_images": 6,
    "out_of_distribution_images": 6,
    "rate_reference_size": 16,
    "evaluation_rate": 0.5,
    "gaussian_step": 1.0,
    "pixel_share": 0.1,
}
POSSIBLE = {"fooling_rates": [0.5, 1], "extra_sets": ["gaussian", "pixel"], "start": ["scratch", "baseline"]}
NOTHING: Mapping[str, Any] = {}
PERTURBED = ("clean_accuracy", "perturbed_training_accuracy", "perturbed_validation_accuracy")


def write_digits(directory: Path) -> None:
    """Real digits at 16 x 16, each of its own source, and of one of a few cells that its split has for itself."""
    digits = load_digits()
    pixels = torch.from_numpy(digits.images).mul(255 / 16).round().to(torch.uint8)
    images = pixels[:, None].repeat(1, 3, 2, 2)[:, :, :16, :16]
    labels = torch.from_numpy(digits.target).to(torch.int64)
    for name, rows in SPLITS.items():
        picked = torch.tensor(list(rows))
        lineage, cells = [f"digit {row}" for row in rows], [f"{name} {row % CELLS}" for row in rows]
        write_images(directory / f"{name}.arrow", images[picked], labels[picked], lineage, cell=cells)
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
    """Sets for every metric, and two to train with: clean validation images in the place of perturbed ones.

    At 16 x 16 there is no corruption: under each of them stand the same few images, upside down.
    """
    digest = address("fooling", {"name": "sixteen", "version": 1})
    clean = read_images(store.open(data).path / "validation.arrow")
    store.publish(digest, lambda to: write_images(to / "images.arrow", clean.images, clean.labels, clean.lineage), {})
    names = (
        "perturbed-training",
        "perturbed-validation",
        "augmentation/fooling-20",
        "augmentation/gaussian",
        "augmentation/stylised",
    )
    masked = address("data", {"name": "sixteen with masks", "version": 1})
    store.publish(masked, write_masked_digits, {"kind": "data"})
    beside = {"data": data, "masked": masked}
    return {**beside, **{f"set/{name}": digest for name in names}, **_in_place_of_corrupted(store, clean)}


def write_masked_digits(directory: Path) -> None:
    """The same digits, each pixel with the class of its digit where ink is, else background; one corner is ignored."""
    write_digits(directory)
    for name in SPLITS:
        found = read_images(directory / f"{name}.arrow")
        masks = torch.where(found.images[:, 0] > 127, found.labels[:, None, None] + 1, 0).to(torch.uint8)
        masks[:, :2, :2] = IGNORED
        images = found.images.clone()  # the file that they are mapped from is written anew
        write_masked(directory / f"{name}.arrow", images[:40], masks[:40], found.lineage[:40])
    facts = {**FACTS, "classes": ["background", *"0123456789"], "flips_keep_labels": True}
    (directory / "data.json").write_text(json.dumps({**facts, "lineage_columns": []}))


def _in_place_of_corrupted(store: Store, clean: ImageSet) -> dict[str, str]:
    count = 6
    severities = [severity for severity in SEVERITIES for _ in range(count)]
    rows = torch.arange(count).repeat(len(SEVERITIES))
    table = ErrorTable(CORRUPTIONS, SEVERITIES, torch.full((len(CORRUPTIONS), len(SEVERITIES)), 0.75), 0.5)

    def corrupted(to: Path) -> None:
        images, lineage = clean.images[rows].flip(2), [clean.lineage[row] for row in rows]
        write_images(to / "images.arrow", images, clean.labels[rows], lineage, severity=severities, row=rows.tolist())

    def errors(to: Path) -> None:
        overlap = {name: {"gaussian": "why"} for name in ("gaussian_noise", "speckle_noise")}
        (to / "errors.json").write_text(json.dumps({"table": table.plain(), "overlap": overlap}))

    made = store.publish(address("corrupted", {"name": "sixteen"}), corrupted, {}).digest
    told = store.publish(address("baseline-errors", {"name": "sixteen"}), errors, {}).digest
    return {"baseline-errors/validation": told, **{f"corrupted/validation/{name}": made for name in CORRUPTIONS}}


@dataclass(frozen=True)
class Prepared:
    """A whole plan, built: its steps, and the digest and the summary of each by name."""

    steps: tuple[Step, ...]
    digests: dict[str, str]
    summaries: dict[str, dict[str, Any]]

    def step(self, name: str) -> Step:
        (found,) = (step for step in self.steps if step.name == name)
        return found

    def inputs(self, store: Store) -> Inputs:
        return Inputs(store, self.digests)


@pytest.fixture(scope="session")
def planned() -> Callable[..., tuple[Step, ...]]:
    """Plans a study whose baseline and sets are made of the small data set in seconds, but for the changes."""

    def planned(
        changes: Mapping[str, Any] = NOTHING, possible: Any = POSSIBLE, metrics: Any = PERTURBED, hold_out: bool = False
    ) -> Any:
        return plan("classification", "embedded-digits", {**SMALL, **changes}, possible, metrics, 0, hold_out)

    return planned


@pytest.fixture(scope="session")
def build_all(store_root: str) -> Callable[..., Prepared]:
    """Builds steps in their order; those whose digests are given are there already."""

    def build(steps: Sequence[Step], digests: Mapping[str, str]) -> Prepared:
        known, summaries = dict(digests), {}
        for step in steps:
            if step.name not in known:
                known[step.name], summaries[step.name] = run_step(step, store_root, known, threads=1)
        return Prepared(tuple(steps), known, summaries)

    return build


@pytest.fixture(scope="session")
def prepared(planned: Any, build_all: Any, data: str) -> Prepared:
    """Every set there is, made of the small data set in the place of the embedded one."""
    built: Prepared = build_all(planned(hold_out=True), {"data": data})
    return built


@dataclass(frozen=True)
class Victim:
    """A network to attack, and images that it classifies correctly, each with a wrong class."""

    net: nn.Module
    images: Tensor
    labels: Tensor
    targets: Tensor
    seeds: Tensor
    normalisation: Normalisation

    def given(self, rows: Any = slice(None)) -> tuple[Any, ...]:
        """Arguments of an attack in their order, up to the normalisation."""
        return self.net, self.images[rows], self.labels[rows], self.targets[rows], self.normalisation


@pytest.fixture(scope="session")
def victim() -> Victim:
    """Learnt digits at 16 x 16 in a second; its layers are of every kind that an attack exchanges."""
    digits = load_digits()
    grey = torch.from_numpy(digits.images).mul(255 / 16).round().to(torch.uint8)
    images = grey[:, None].repeat(1, 3, 2, 2)[:, :, :16, :16].contiguous()
    labels = torch.from_numpy(digits.target).to(torch.int64)
    normalisation = Normalisation((0.3, 0.32, 0.28), (0.35, 0.3, 0.4))
    with own_randomness(0, torch.device("cpu")):
        layers = [_convolution(*sizes) for sizes in ((3, 12, 7), (12, 16, 3), (16, 24, 3))]
        layers += [_convolution(24, 24, 3, stride=1), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(96, 10)]
        net = nn.Sequential(*layers)
        optimizer = torch.optim.Adam(net.parameters(), 0.01)
        for rows in torch.randperm(1600).repeat(3).split(64):
            loss = nn.functional.cross_entropy(net(normalisation.of(images[rows])), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    net.zero_grad()
    net.eval()
    with torch.no_grad():
        able = (net(normalisation.of(images)).argmax(1) == labels).nonzero().squeeze(1)[:100]
    targets = wrong_targets(labels, 10, generator("targets"))
    return Victim(net, images[able], labels[able], targets[able], torch.arange(100) + 7, normalisation)


def _convolution(inputs: int, outputs: int, side: int, stride: int = 2) -> nn.Module:
    layer = nn.Conv2d(inputs, outputs, side, stride, side // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU())


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


@pytest.fixture
def small_pretext(monkeypatch: pytest.MonkeyPatch, store: Store, data: str) -> None:
    """A pretext task of seconds in the place of the shipped one: twelve noisy views of each of eight test digits."""
    images = read_images(store.open(data).path / "test.arrow").images[:8]

    def views() -> torch.Tensor:
        noise = torch.randint(0, 40, (8, 12, *images.shape[1:]), generator=torch.Generator().manual_seed(0))
        return (images[:, None].int() + noise).clamp_(0, 255).to(torch.uint8)

    module = type(sys)("small_pretext")
    module.views = views  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "small_pretext", module)
    for name in ("embedded-digits", "embedded-scenes"):
        monkeypatch.setitem(pretexts._PLACES, name, "small_pretext:views")  # type: ignore[index]
