"""What every registered trainer keeps to, from one table: a new trainer is one row more."""

import json
import pickle
import random
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from trainables.data.store import Store
from trainables.errors import TrainableError
from trainables.registry import load_trainer, trainer_names, vocabulary
from trainables.trial import Trial, TrialPlan

QUICK = {
    "evaluation_noise_draws": 2,
    "evaluation_noise_images": 24,
    "pgd_images": 16,
    "pgd_steps": 2,
    # All 19 corruptions are scored in every row: at all five severities that would be most of these tests' time.
    "corruption_severities": [3, 5],
    "early_corruption_severities": [5],
}
THIN = {**QUICK, "model": "resnet18", "width": 8, "stem": "small", "batch_size": 16, "precision": "float32"}
SEGMENTATION = {
    "encoder_width": 8,
    "decoder_width": 2,
    "batch_size": 16,
    "evaluation_noise_draws": 2,
    "evaluation_noise_images": 24,
}
BLOCKED = ("ray", "optuna", "mlflow", "pydantic", "typer", "rich", "moocore")


@dataclass(frozen=True)
class Row:
    """A trainer with options that a trial may have, and an option whose other value makes it another trial.

    `data` names the set in the fixture `sets` that is its data.
    """

    trainer: str
    options: Mapping[str, Any]
    otherwise: Mapping[str, Any]
    data: str = "data"


TABLE = {
    "adamw, clean weights back before backward": Row(
        "classification",
        {**THIN, "transform": "crop_flip", "noise_scale": 0.05, "precision": "auto"},
        {"noise_scale": 0.1},
    ),
    "sgd, frozen stages, noisy backward": Row(
        "classification",
        {
            **THIN,
            "optimizer": "sgd",
            "schedule": "step",
            "unfrozen_layers": 2,
            "noise_scale": 0.05,
            "noise_gradient": "perturbed",
            "noise_clip": 1.0,
            "noise_maximum": "per_layer",
            "noise_targets": ["norm", "linear", "conv"],
            "evaluation_noise": "matched",
        },
        {"momentum": 0.5},
    ),
    "adam in bfloat16, with fooling images": Row(
        "classification",
        {
            **THIN,
            "optimizer": "adam",
            "schedule": "constant",
            "precision": "bfloat16",
            "activation": "silu",
            "fooling_rates": [20],
        },
        {"learning_rate": 0.01},
    ),
    "batches of four from two pools, counted in steps": Row(
        "classification",
        {
            **THIN,
            "batch_size": 4,
            "steps_per_epoch": 9,
            "training_images": 30,
            "fooling_rates": [20],
            "extra_sets": ["gaussian"],
            "extra_share": 0.3,
        },
        {"steps_per_epoch": 8},
    ),
    "three views of AugMix, noisy backward in bfloat16": Row(
        "classification",
        {
            **THIN,
            "transform": "augmix",
            "augmix_overlapping": True,
            "training_images": 40,
            "noise_scale": 0.05,
            "noise_gradient": "perturbed",
            "precision": "bfloat16",
        },
        {"consistency_weight": 1.0},
    ),
    "one view of AugMix, perturbed images, counted in steps": Row(
        "classification",
        {
            **THIN,
            "transform": "augmix",
            "consistency_weight": 0.0,
            "noise_scale": 0.05,
            "unfrozen_layers": 2,
            "training_images": 10,
            "steps_per_epoch": 4,
            "fooling_rates": [20],
        },
        {"augmix_depth": 1},
    ),
    "perturbed images alone, kept head": Row(
        "classification",
        {**THIN, "head": "kept", "extra_sets": ["gaussian"], "extra_share": 1.0, "optimizer": "sgd", "momentum": 0.0},
        {"extra_share": 0.9},
    ),
    "fooling, Gaussian and stylised images beside clean ones": Row(
        "classification",
        {**THIN, "fooling_rates": [20], "extra_sets": ["gaussian", "stylised"], "steps_per_epoch": 2},
        {"extra_sets": ["stylised"]},
    ),
    "dropout": Row(
        "classification",
        {**QUICK, "model": "squeezenet1_1", "input_size": 32, "batch_size": 32, "precision": "float32"},
        {"weight_decay": 0.1},
    ),
    "a vision transformer, one noise an epoch on weights by type and name": Row(
        "classification",
        {
            **QUICK,
            "model": "vit_b_16",
            "width": 4,
            "patch_size": 8,
            "depth": 1,
            "batch_size": 32,
            "noise_scale": 0.05,
            "noise_draw": "per_epoch",
            "noise_targets": ["linear", "norm"],
            "noise_names": ["encoder.*", "heads.head.weight"],
            "evaluation_noise_clip": 1.0,
            "evaluation_noise_targets": ["linear"],
            "evaluation_noise_names": ["*mlp*", "*attention*"],
            "evaluation_noise_maximum": "per_layer",
            "evaluation_noise_images": 0,
        },
        {"noise_names": ["encoder.*"]},
    ),
    "segmentation: moved masks, clean weights back before backward": Row(
        "segmentation",
        {
            **SEGMENTATION,
            "encoder": "resnet18",
            "stem": "strided",
            "loss": "cross_entropy_lovasz",
            "random_scale": 1.5,
            "noise_scale": 0.05,
            "precision": "auto",
        },
        {"noise_clip": 1.0},
        "masked",
    ),
    "segmentation: all outputs, frozen stages, one noise an epoch in bfloat16": Row(
        "segmentation",
        {
            **SEGMENTATION,
            "encoder": "unet",
            "deep_supervision": True,
            "classification_guided": True,
            "unfrozen_layers": 2,
            "optimizer": "sgd",
            "schedule": "cosine",
            "steps_per_epoch": 3,
            "loss": "cross_entropy_dice",
            "noise_scale": 0.05,
            "noise_targets": ["conv"],
            "noise_maximum": "per_layer",
            "noise_draw": "per_epoch",
            "noise_gradient": "perturbed",
            "precision": "bfloat16",
            "evaluation_noise": "matched",
        },
        {"noise_draw": "per_step"},
        "masked",
    ),
    "closed form": Row("closed-form", {"angle": 0.3, "noise": 0.1}, {"angle": 0.4}),
}
ROWS = pytest.mark.parametrize("name", TABLE)

RESUME = """
import json, sys
for name in json.loads(sys.argv[2]):
    sys.modules[name] = None  # importing it raises ImportError
from pathlib import Path
from trainables.data.store import Store
from trainables.registry import load_trainer
for trainer, arguments, root, path in json.loads(sys.argv[1]):
    made = load_trainer(trainer)(**arguments, store=Store(root))
    made.load(Path(path))
    made.train_epoch()
    made.train_epoch()
    made.save(Path(path).with_suffix(".resumed"))
    print(json.dumps([made.epoch, made.score()]))
"""


def arguments(row: Row, sets: Mapping[str, str], **changes: Any) -> dict[str, Any]:
    metrics = tuple(vocabulary(row.trainer)["metrics"])
    own = {**sets, "data": sets[row.data]}
    plain = {"options": dict(row.options), "sets": own, "metrics": metrics, "seed": 3, "epochs": 4, "threads": 1}
    return {**plain, **changes}


@pytest.fixture
def make(sets: Mapping[str, str], store: Store) -> Callable[..., Any]:
    return lambda name, **changes: load_trainer(TABLE[name].trainer)(
        **arguments(TABLE[name], sets, **changes), store=store
    )


def test_every_registered_trainer_has_a_row() -> None:
    assert {row.trainer for row in TABLE.values()} == set(trainer_names())


def test_four_epochs_equal_two_a_save_a_fresh_process_with_torch_alone_and_two(
    make: Callable[..., Any], sets: Mapping[str, str], store_root: str, tmp_path: Path
) -> None:
    told, expected = [], []
    for number, (name, row) in enumerate(TABLE.items()):
        whole, path = make(name), tmp_path / f"{number}.two"
        for _ in range(4):
            whole.train_epoch()
            if whole.epoch == 2:
                whole.save(path)
        whole.save(path.with_suffix(".four"))
        told.append((row.trainer, arguments(row, sets), store_root, str(path)))
        expected.append([4, whole.score()])
    command = [sys.executable, "-c", RESUME, json.dumps(told), json.dumps(BLOCKED)]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    assert [json.loads(line) for line in ran.stdout.splitlines()] == expected
    for number in range(len(TABLE)):
        four, resumed = (tmp_path / f"{number}.{name}" for name in ("four", "resumed"))
        assert four.read_bytes() == resumed.read_bytes()


@ROWS
def test_exactly_the_metrics_asked_for_are_scored_alike_every_time(make: Callable[..., Any], name: str) -> None:
    metrics = tuple(vocabulary(TABLE[name].trainer)["metrics"])
    trainer = make(name)
    trainer.train_epoch()
    scores = trainer.score()
    assert tuple(scores) == metrics
    assert all(type(value) is float and np.isfinite(value) for value in scores.values())
    assert trainer.score() == scores
    for asked in (metrics[-1:], ()):
        some = make(name, metrics=asked)
        some.train_epoch()
        assert some.score() == {metric: scores[metric] for metric in asked}
        assert trainer.score(asked) == {metric: scores[metric] for metric in asked}


@ROWS
def test_no_global_generator_moves_or_matters(make: Callable[..., Any], name: str) -> None:
    found = []
    for seed in (1, 2):
        random.seed(seed), np.random.seed(seed), torch.manual_seed(seed)
        before = (random.getstate(), pickle.dumps(np.random.get_state()), torch.random.get_rng_state().tolist())
        trainer = make(name)
        trainer.train_epoch()
        found.append(trainer.score())
        after = (random.getstate(), pickle.dumps(np.random.get_state()), torch.random.get_rng_state().tolist())
        assert after == before
    assert found[0] == found[1]


@ROWS
def test_a_refused_checkpoint_changes_nothing(make: Callable[..., Any], tmp_path: Path, name: str) -> None:
    kept = tmp_path / "kept"
    trainer = make(name)
    trainer.train_epoch()
    trainer.save(kept)
    for other in ({"seed": 4}, {"epochs": 5}, {"options": {**TABLE[name].options, **TABLE[name].otherwise}}):
        with pytest.raises(TrainableError) as caught:
            make(name, **other).load(kept)
        assert caught.value.code == "CKPT_CORRUPT"
    content = kept.read_bytes()
    trainer.train_epoch()
    trainer.save(tmp_path / "before")
    for damage in (content[: len(content) // 2], content[:-1], b"", pickle.dumps({"epoch": 1})):
        (tmp_path / "torn").write_bytes(damage)
        with pytest.raises(TrainableError) as caught:
            trainer.load(tmp_path / "torn")
        assert caught.value.code == "CKPT_CORRUPT"
    trainer.save(tmp_path / "after")
    assert (tmp_path / "after").read_bytes() == (tmp_path / "before").read_bytes()


@ROWS
def test_unknown_options_and_metrics_are_said_before_training(make: Callable[..., Any], name: str) -> None:
    for changes, code in (
        ({"options": {**TABLE[name].options, "nonsense": 1}}, "OPTION_INVALID"),
        ({"metrics": ("nonsense",)}, "METRIC_UNKNOWN"),
    ):
        with pytest.raises(TrainableError, match="nonsense") as caught:
            make(name, **changes)
        assert caught.value.code == code


@ROWS
def test_a_reused_actor_reports_what_a_fresh_one_does(
    sets: Mapping[str, str], store_root: str, tmp_path: Path, name: str
) -> None:
    def plan(number: int, row: Row, folder: str) -> dict[str, Any]:
        told = arguments(row, sets)
        where = {"store": store_root, "checkpoints": str(tmp_path / folder), "rungs": (1, 2)}
        return TrialPlan(number=number, trainer=row.trainer, **told, **where).to_config()

    def reports(trial: Trial) -> list[Any]:
        found = [json.loads(trial.step()["report"]) for _ in range(2)]
        return [(report["epoch"], report["metrics"], report["checkpoint"]["sha256"]) for report in found]

    fresh = reports(Trial(plan(0, TABLE[name], "fresh")))
    used = Trial(plan(1, next(iter(TABLE.values())), "used"))
    used.step()
    torch.set_num_threads(2)  # as a trial with more threads leaves it
    assert used.reset(plan(0, TABLE[name], "used"))  # type: ignore[no-untyped-call]  # Ray's
    assert reports(used) == fresh
