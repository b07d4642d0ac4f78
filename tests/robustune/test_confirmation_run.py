"""Whole confirmations on a real Ray of this machine: killed, interrupted and gone on with, each net trained once."""

import hashlib
import math
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch

from analysis import confirmation, records
from robustune.cluster import connected
from robustune.confirmation_nets import nets, scoring_name, search_seeds
from robustune.errors import Mistake
from robustune.preparation import prepare, standing
from trainables.data.store import Store
from trainables.preparation import plan, run_step
from trainables.registry import load_outcomes
from trainables.segmentation.trainer import SegmentationTrainer

pytestmark = pytest.mark.ray

Curves = Callable[..., Path]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
TINY = {
    **{"encoder": "resnet18", "encoder_width": 4, "stem": "strided", "decoder_width": 1, "batch_size": 8},
    **{"precision": "float32", "evaluation_noise_draws": 2},
}


def kill_midway(command: Path, folder: Path, study: str, *arguments: str, after_epochs: int, how: int) -> None:
    """Runs the command and ends it, and no other process, once the ledger of nets holds so many epochs."""
    driver = subprocess.Popen(
        [command, "confirm", study, *arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    place = folder / "results" / study / "confirmation"
    until = time.monotonic() + 240
    try:
        while time.monotonic() < until and driver.poll() is None:
            if (place / "ledger.sqlite").exists() and records.epochs(place).num_rows >= after_epochs:
                break
            time.sleep(0.05)
        os.kill(driver.pid, how)
        driver.wait(timeout=60)
    finally:
        driver.kill()
        driver.wait()


def ended(folder: Path) -> list[tuple[int, float | None, str]]:
    """When each net ended, and with which weights: what no later run may change."""
    return [(net.number, net.ended, net.sha256) for net in nets(folder) if net.state == "complete"]


@pytest.mark.slow
def test_a_killed_confirmation_goes_on_and_trains_no_net_twice(
    curves: Curves, robustune: Run, command: Path, tmp_path: Path
) -> None:
    study = curves(trials=6, options="noise = 0.02\nepoch_seconds = 0.1")
    assert robustune("search", study, "--seed", "5").returncode == 0
    folder = tmp_path / "results" / "curves"
    seen: list[tuple[int, float | None, str]] = []
    for kills, how in enumerate((signal.SIGKILL, signal.SIGINT)):
        kill_midway(command, tmp_path, "curves", "--seeds", "3", after_epochs=6 * (kills + 1), how=how)
        now = ended(folder / "confirmation")
        assert set(seen) <= set(now)
        seen = now
    finished = robustune("confirm", "curves", "--seeds", "3")
    assert finished.returncode == 0, finished.stderr
    assert "confirmed front: trials" in finished.stdout
    found = nets(folder / "confirmation")
    assert set(seen) <= set(ended(folder / "confirmation"))
    assert Counter(net.trial for net in found) == Counter(dict.fromkeys({net.trial for net in found}, 3))
    assert {net.epochs for net in found} == {4}
    assert not {net.seed for net in found} & search_seeds(folder)
    check(folder)
    assert tracked(tmp_path) == {f"{net.trial}/{net.replicate}" for net in found}
    before = ended(folder / "confirmation")
    again = robustune("confirm", "curves", "--seeds", "3")
    assert again.returncode == 0, again.stderr
    assert ended(folder / "confirmation") == before
    assert tracked(tmp_path) == {f"{net.trial}/{net.replicate}" for net in found}


@pytest.mark.slow
def test_a_budget_is_kept_and_spent_seed_by_seed(curves: Curves, robustune: Run, tmp_path: Path) -> None:
    study = curves(trials=6, options="noise = 0.02")
    assert robustune("search", study, "--seed", "5").returncode == 0
    folder = tmp_path / "results" / "curves"
    front = pq.read_table(folder / "front.parquet").num_rows
    budget = 4 * (3 * front + 3)
    done = robustune("confirm", "curves", "--budget", str(budget), "--seeds", "4")
    assert done.returncode == 0, done.stderr
    found = nets(folder / "confirmation")
    assert sum(net.epochs for net in found) <= budget
    assert min(Counter(net.trial for net in found).values()) >= 3


@pytest.mark.slow
def test_a_real_study_is_confirmed_on_sets_made_anew(robustune: Run, command: Path, tmp_path: Path) -> None:
    """Two tiny nets of two trials, killed once: every set of the final table is scored, of images no search saw."""
    assert robustune("search", "smoke", timeout=600).returncode == 0
    folder = tmp_path / "results" / "smoke"
    kill_midway(command, tmp_path, "smoke", "--seeds", "2", after_epochs=1, how=signal.SIGKILL)
    done = robustune("confirm", "smoke", "--seeds", "2", "--within", "0", timeout=900)
    assert done.returncode == 0, done.stderr
    study = records.read_study(folder)
    found = confirmation.read(folder, study)
    assert found is not None
    told = set(found.scores["metric"].to_pylist())
    assert told >= {"original", "perturbed_training", "perturbed_validation", "hold_out", "out_of_distribution"}
    assert told >= {"test", "pgd", "mce_unseen", "mce_all", *(one.metric for one in study.objectives)}
    scores: dict[str, Any] = {row["metric"]: row["mean"] for row in found.scores.to_pylist() if row["trial"] >= 0}
    assert scores["clean_accuracy"] == pytest.approx(scores["test"])
    searched = {name: one["digest"] for name, one in records.sets(folder).items()}
    anew = records.sets(folder / "confirmation")
    assert anew["data"]["digest"] == searched["data"]
    assert {"baseline", "set/hold-out", "set/out-of-distribution", "baseline-outcomes"} <= anew.keys()
    assert all(not name.startswith("set/hold-out") for name in searched)
    check(folder)


def check(folder: Path) -> None:
    """Both ledgers are what was written, and the outcomes have every net on the same sources."""
    records.check(folder)
    records.check(folder / "confirmation")
    outcomes = pq.read_table(folder / "confirmation" / "outcomes.parquet")
    assert confirmation.nets_of(outcomes).seeds.min() >= 2


def tracked(folder: Path) -> set[str]:
    """The nets that MLflow has a run of, under the search's own; each is there once."""
    with records.tracking(f"sqlite:///{folder / 'results' / 'mlflow.db'}") as client:
        (experiment,) = [one for one in client.search_experiments() if one.name == "curves"]
        runs = client.search_runs([experiment.experiment_id], max_results=500)
    (parent,) = [run for run in runs if "robustune.search" in run.data.tags]
    own = [run for run in runs if "robustune.confirmation" in run.data.tags]
    assert {run.data.tags["mlflow.parentRunId"] for run in own} == {parent.info.run_id}
    assert "confirmed/hypervolume" in parent.data.metrics
    names = [run.data.tags["robustune.confirmation"] for run in own]
    assert len(set(names)) == len(names)
    return set(names)


class Unwatched:
    """Is told how the building goes, and tells nobody."""

    def started(self, name: str) -> None: ...

    def finished(self, name: str, summary: Mapping[str, Any], node: str) -> None: ...


@pytest.mark.slow
def test_a_net_of_values_that_are_no_numbers_does_not_end_the_scoring_of_others(tmp_path: Path) -> None:
    store = str(tmp_path / "store")
    planned = plan("segmentation", "embedded-scenes", TINY, {}, ("miou",), 0, hold_out=True)
    (data,) = (step for step in planned if step.name == "data")
    digest, _ = run_step(data, store, {}, threads=1)
    trainer = SegmentationTrainer(TINY, {"data": digest}, Store(store), ("miou",), 3, 1, threads=1)
    scoring = []
    for number in range(2):
        path = tmp_path / f"{number}.safetensors"
        trainer.save(path)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        scoring += load_outcomes("segmentation")(scoring_name(number), TINY, str(path), sha256, planned, ("miou",), 5)
        with torch.no_grad():
            for weights in trainer.net.parameters():
                weights.fill_(math.nan)
    steps, names = [data, *scoring], [step.name for step in scoring]
    with connected(None) as cluster:
        built = prepare(steps, standing(steps, store), store, cluster, 0.0, Unwatched(), names)
        assert math.isfinite(built[names[0]].summary["scores"]["miou"])
        assert "not finite" in built[names[1]].summary["failure"]
        with pytest.raises(Mistake, match="PREPARATION_FAILED: outcomes/00001: class scores are not finite"):
            prepare(steps, standing(steps, store), store, cluster, 0.0, Unwatched())
