"""A search over two real Ray nodes of this machine, each with its own address and working directory."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis import records

pytestmark = [pytest.mark.ray, pytest.mark.slow]


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
