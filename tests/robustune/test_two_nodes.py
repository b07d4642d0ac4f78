"""A search over two real Ray nodes of this machine, each with its own address and working directory."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis import records
from trainables.classification.options import ClassificationOptions
from trainables.classification.starts import save_weights
from trainables.models import build

pytestmark = [pytest.mark.ray, pytest.mark.slow]
BUILT = """
trainer = "classification"
data = "embedded-digits"
[options]
width = 8
stem = "strided"
checkpoint_path = "{weights}"
baseline_start = "checkpoint"
baseline_epochs = 2
baseline_batch_size = 32
training_images = 800
augmentation_images = 16
evaluation_images = 16
out_of_distribution_images = 8
evaluation_attack = "fooling"
out_of_distribution_attack = "gaussian"
set_shards = 4
[space]
learning_rate = {{ log_uniform = [1e-3, 1e-2] }}
[[objectives]]
metric = "perturbed_validation_accuracy"
goal = "max"
reference = 0.0
[budget]
trials = 1
epochs = 1
"""


def test_a_search_over_two_nodes_runs_to_its_front(
    two_nodes: Any,
    curves: Callable[..., Path],
    robustune: Callable[..., "subprocess.CompletedProcess[str]"],
    tmp_path: Path,
) -> None:
    study = curves(trials=10, options="epoch_seconds = 0.3")
    done = robustune("search", study, "--address", two_nodes.address, **two_nodes.environment)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "results" / "curves"
    trials = records.trials(folder)
    assert trials.num_rows == 10
    assert "front of" in done.stdout
    assert most_at_once(trials.to_pylist()) == 2  # one CPU each: two at a time means both nodes worked
    assert not list(two_nodes.folders[0].glob("results*"))
    assert not list(two_nodes.folders[1].glob("results*"))


def most_at_once(trials: list[dict[str, Any]]) -> int:
    changes = sorted([(row["started"], 1) for row in trials] + [(row["ended"], -1) for row in trials])
    running = most = 0
    for _, change in changes:
        running += change
        most = max(most, running)
    return most


def test_both_nodes_build_and_what_reads_a_file_of_the_driver_is_built_beside_it(
    two_nodes: Any, robustune: Callable[..., "subprocess.CompletedProcess[str]"], tmp_path: Path
) -> None:
    weights = tmp_path / "weights.safetensors"
    options = ClassificationOptions(width=8, stem="strided")
    save_weights(build(options, 10, (3, 32, 32), seed=0), weights, options)
    (tmp_path / "built.toml").write_text(BUILT.format(weights=weights))
    done = robustune("sets", "build", "built.toml", "--address", two_nodes.address, **two_nodes.environment)
    assert done.returncode == 0, done.stderr
    shards = re.findall(r"^  set/.*: \d of 4 shards, \d+ images on (\S+)$", done.stdout, re.MULTILINE)
    assert len(shards) == 16
    assert set(shards) == {"127.0.0.2", "127.0.0.3"}
    assert f"prepared checkpoint on {driver_node(two_nodes)}: " in done.stdout


def driver_node(nodes: Any) -> str:
    """The node that a driver on this machine is connected through."""
    code = (
        "import ray, sys; ray.init(address=sys.argv[1], log_to_driver=False, logging_level='ERROR'); "
        "own = ray.get_runtime_context().get_node_id(); "
        "print(next(node['NodeManagerAddress'] for node in ray.nodes() if node['NodeID'] == own))"
    )
    environment = {**os.environ, **nodes.environment}
    command = [sys.executable, "-c", code, nodes.address]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
    return told.stdout.split()[-1]


def test_the_second_node_dies_and_its_trial_goes_on_elsewhere(
    two_nodes: Any, curves: Callable[..., Path], command: Path, tmp_path: Path
) -> None:

    study = curves(name="moved", trials=4, epochs=6, options="epoch_seconds = 0.5", early_stopping="none")
    driver = subprocess.Popen(
        [command, "search", study, "--address", two_nodes.address],
        cwd=tmp_path,
        env={**os.environ, **two_nodes.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    folder = tmp_path / "results" / "moved"
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if (folder / "ledger.sqlite").exists() and len(set(records.epochs(folder)["trial"].to_pylist())) >= 2:
            break
        time.sleep(0.1)
    os.killpg(two_nodes.second.pid, signal.SIGKILL)
    said, complaints = driver.communicate(timeout=240)
    assert driver.returncode == 0, complaints
    trials = records.trials(folder)
    assert trials["state"].to_pylist() == ["complete"] * 4, said
    assert sum(trials["retries"].to_pylist()) >= 1
