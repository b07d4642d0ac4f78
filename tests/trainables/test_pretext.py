"""Starts from the pretext task: trained without labels, on images of no split, and worth having."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from trainables import checkpoints
from trainables.classification.trainer import ClassificationTrainer
from trainables.data.pretexts import check_pretext
from trainables.data.store import Store
from trainables.errors import TrainableError
from trainables.preparation import plan, run_step


def built(data: str, root: str, **options: Any) -> tuple[dict[str, str], dict[str, Any]]:
    digests, summaries = {"data": data}, {}
    for step in plan("classification", "embedded-digits", {"start": "pretext", **options}, {}, (), seed=0)[1:]:
        digests[step.name], summaries[step.name] = run_step(step, root, digests, threads=1)
    return digests, summaries


@pytest.mark.usefixtures("small_pretext")
def test_trials_share_the_body_and_draw_heads_of_their_own(
    make_trainer: Any, thin: dict[str, Any], store: Store, data: str, store_root: str
) -> None:
    digests, summaries = built(data, store_root, **thin)
    told = summaries["pretext"]
    assert (told["exemplars"], told["images"]) == (8, 32)
    assert 0 <= told["recognised"] <= 1
    weights, _ = checkpoints.load(store.open(digests["pretext"]).path / "weights.safetensors")
    assert not [name for name in weights if name.startswith("net.fc.")]
    started, fresh = (make_trainer(digests, start=start).net.state_dict() for start in ("pretext", "scratch"))
    for name, value in started.items():
        assert torch.equal(value, fresh[name] if name.startswith("fc.") else weights[f"net.{name}"]), name


@pytest.mark.usefixtures("small_pretext")
def test_the_checkpoint_is_the_same_every_time_and_for_every_study(
    thin: dict[str, Any], store: Store, data: str, tmp_path: Path
) -> None:
    files = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        root = str(tmp_path / str(seed))
        step = next(
            step
            for step in plan("classification", "embedded-digits", {**thin, "start": "pretext"}, {}, (), seed)
            if step.name == "pretext"
        )
        source = store.open(data).path
        there = Store(root).publish(data, lambda to, source=source: copy(source, to), {}).digest
        digest, _ = run_step(step, root, {"data": there}, threads=1)
        files.append((Store(root).open(digest).path / "weights.safetensors").read_bytes())
    assert files[0] == files[1]


def copy(source: Path, to: Path) -> None:
    for file in source.iterdir():
        if file.name != "manifest.json":
            (to / file.name).write_bytes(file.read_bytes())


def test_a_baseline_may_start_from_it() -> None:
    steps = plan("classification", "embedded-digits", {"start": "baseline", "baseline_start": "pretext"}, {}, (), 0)
    assert [step.name for step in steps] == ["data", "pretext", "baseline"]
    assert steps[2].after == ("data", "pretext")


def test_data_without_a_pretext_task_say_so_and_what_would_do() -> None:
    check_pretext("embedded-digits")
    with pytest.raises(TrainableError, match=r"'holiday'.*embedded-digits.*'pretrained'") as caught:
        check_pretext("holiday")
    assert caught.value.code == "OPTION_INVALID"


def test_which_data_have_one_is_known_without_torch() -> None:
    text = "import sys, trainables.data.pretexts as known; known.check_pretext('embedded-digits')"
    done = subprocess.run([sys.executable, "-c", f"{text}; print('torch' in sys.modules)"], capture_output=True)
    assert done.stdout.split() == [b"False"], done.stderr


@pytest.mark.slow
def test_its_features_are_worth_a_start(tmp_path: Path) -> None:
    architecture = {"model": "resnet18", "width": 16, "stem": "strided"}
    digests: dict[str, str] = {}
    for step in plan("classification", "embedded-digits", {**architecture, "start": "pretext"}, {}, (), seed=0):
        digests[step.name], _ = run_step(step, str(tmp_path), digests, threads=1)

    def accuracy(start: str, epochs: int, **options: Any) -> float:
        told = {**architecture, "start": start, "batch_size": 32, **options}
        metrics = ("clean_accuracy",)
        trainer = ClassificationTrainer(told, digests, Store(str(tmp_path)), metrics, 0, epochs, threads=1)
        for _ in range(epochs):
            trainer.train_epoch()
        return trainer.score()["clean_accuracy"]

    probe: dict[str, Any] = {"unfrozen_layers": 0, "learning_rate": 1e-2}
    assert accuracy("pretext", 4, **probe) > 0.7  # 0.86 after 6; random features give 0.18
    assert accuracy("scratch", 4, **probe) < 0.4
    assert accuracy("pretext", 2, learning_rate=1e-3) > accuracy("scratch", 2, learning_rate=1e-3) + 0.2
