"""Studies whose few trials a real trainer trained, on images of noise that stand where embedded data would."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from robustune.ledger import Ledger
from robustune.settings import Settings
from search_spaces import Budget, Choice, EarlyStopping, Objective, Study
from trainables.data.images import write_images
from trainables.data.masked_images import write_masked
from trainables.data.store import Store
from trainables.preparation import data_step, step_address
from trainables.seeds import generator
from trainables.trial import Course, TrialPlan

FACTS = {
    "classes": ["none", "little", "much"],
    "mean": [0.4, 0.5, 0.6],
    "std": [0.2, 0.25, 0.3],
    "image_shape": [3, 16, 16],
    "flips_keep_labels": True,
    "lineage_columns": [],
}
TRAINERS: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "classification": (
        "embedded-digits",
        {"model": "resnet18", "width": 4, "stem": "small", "activation": "silu", "input_size": 24},
        ("clean_accuracy", "weight_noise_accuracy"),
    ),
    "segmentation": (
        "embedded-scenes",
        {"encoder_width": 4, "decoder_width": 1, "stem": "strided"},
        ("miou", "noisy_miou"),
    ),
    "closed-form": ("none", {"noise": 0.01}, ("accuracy", "robustness")),
}
SIZES = {"classification": "batch_size", "segmentation": "batch_size", "closed-form": "angle"}


@dataclass(frozen=True)
class Trained:
    """A study that was searched: its folder, and that of its data in the store."""

    folder: Path
    data: Path
    study: Study


def _write_data(directory: Path, masked: bool) -> None:
    draw = generator("registering", masked)
    for split in ("train", "validation", "test", "holdout"):
        images = torch.randint(0, 256, (24, 3, 16, 16), dtype=torch.uint8, generator=draw)
        lineage = [f"{split} {row}" for row in range(24)]
        if masked:
            masks = torch.randint(0, 3, (24, 16, 16), dtype=torch.uint8, generator=draw)
            write_masked(directory / f"{split}.arrow", images, masks, lineage)
        else:
            write_images(directory / f"{split}.arrow", images, torch.arange(24) % 3, lineage)
    (directory / "data.json").write_text(json.dumps(FACTS))
    (directory / "summary.json").write_text(json.dumps({"train": 24}))


def _published(trainer: str, data: str, settings: Settings) -> dict[str, str]:
    if data == "none":
        return {}
    digest = step_address(data_step(data), {})
    Store(settings.store).publish(digest, lambda to: _write_data(to, trainer == "segmentation"), {"kind": "data"})
    return {"data": digest}


def _search(
    settings: Settings,
    trainer: str = "classification",
    epochs: int = 1,
    scores: Sequence[Mapping[str, float]] = (),
    ends: Sequence[str] = ("complete", "complete"),
    threads: int = 1,
    shift: int = 0,
    **changes: Any,
) -> Trained:
    """Trains a trial for each end, "stopped" after its first epoch, and records it.

    Args:
        settings: where all of it goes.
        trainer: a registered name.
        epochs: of each trial.
        scores: told of each trial in place of its own.
        ends: "complete", "stopped" or "running".
        threads: of each trial.
        shift: of the recorded seeds against those that were trained with.
        changes: of the study.
    """
    data, options, metrics = TRAINERS[trainer]
    sets = _published(trainer, data, settings)
    values = (4, 8, 12, 6) if trainer != "closed-form" else (0.2, 0.8, 0.5, 0.4)
    told = {"name": "demo", "data": data, "options": options, "metrics": metrics, "budget": Budget(len(ends), epochs)}
    told |= {"space": {SIZES[trainer]: Choice(values[: max(2, len(ends))])}, **changes}
    objectives = tuple(Objective(metric, "max", 0.0) for metric in told.pop("metrics"))
    study = Study(
        trainer=trainer, **{"objectives": objectives, **told}, early_stopping=EarlyStopping("none"), source=""
    )
    folder = settings.results_folder / study.name
    with Ledger.create(folder, study, {}) as ledger:
        for name, digest in sets.items():
            ledger.record_set(name, digest, {"images": 24})
        for number, end in enumerate(ends):
            config = {SIZES[trainer]: values[number]}
            ledger.ask(number, config, number + shift, {})
            last = 1 if end == "stopped" else epochs
            course = Course(_plan(study, number, config, sets, settings, last, threads))
            for epoch in range(1, last + 1):
                report = course.report()
                assert report["failure"] is None, report
                ended = end if epoch == last and end != "running" else None
                metrics_told = scores[number] if scores else report["metrics"]
                ledger.report(number, epoch, metrics_told, 1.0, 0.1, report["checkpoint"], ended)
    return Trained(folder, Store(settings.store).open(sets["data"]).path if sets else Path(), study)


def _plan(
    study: Study,
    number: int,
    config: Mapping[str, Any],
    sets: Mapping[str, str],
    settings: Settings,
    last: int,
    threads: int,
) -> TrialPlan:
    return TrialPlan(
        number=number,
        seed=number,
        trainer=study.trainer,
        options={**study.options, **config},
        metrics=study.metrics,
        sets=sets,
        store=settings.store,
        checkpoints=settings.checkpoints(study.name),
        epochs=study.budget.epochs,
        rungs=(last,),
        threads=threads,
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A results folder of the test's own."""
    return Settings(str(tmp_path / "results"))


@pytest.fixture(scope="session")
def search() -> Callable[..., Trained]:
    """Writes a study with trained nets: `search(settings, "segmentation", epochs=2)`."""
    return _search


@pytest.fixture(scope="session")
def facts() -> Mapping[str, Any]:
    """What the images of such a study say of themselves."""
    return FACTS


@pytest.fixture(scope="session")
def options_of() -> Callable[[str], dict[str, Any]]:
    """The options that such a study holds, by trainer."""
    return lambda trainer: dict(TRAINERS[trainer][1])
