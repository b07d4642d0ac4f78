"""From a grid of baselines to a table of five sets, as a user walks it, on a real Ray of this machine."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from analysis import records

pytestmark = pytest.mark.ray

Run = Callable[..., "subprocess.CompletedProcess[str]"]
THIN = """
trainer = "classification"
data = "embedded-digits"
[options]
model = "resnet18"
width = 8
stem = "strided"
batch_size = 32
"""
GRID = """
[space]
learning_rate = { log_uniform = [1e-3, 1e-2], points = [6e-3, 1e-3] }
weight_decay = { choice = [0.0005] }
[[objectives]]
metric = "clean_accuracy"
goal = "max"
reference = 0.0
[budget]
trials = 9
epochs = 2
[sampler]
name = "grid"
[early_stopping]
name = "none"
"""
JOINT = """
augmentation_images = 16
evaluation_images = 16
out_of_distribution_images = 8
fooling_rates = [20]
evaluation_attack = "fooling"
out_of_distribution_attack = "gaussian"
[space]
start = { choice = ["scratch", "baseline"] }
[[objectives]]
metric = "clean_accuracy"
goal = "max"
reference = 0.0
[[objectives]]
metric = "perturbed_validation_accuracy"
goal = "max"
reference = 0.0
[budget]
trials = 2
epochs = 1
[sampler]
name = "grid"
"""


def done(run: Run, *arguments: str) -> str:
    ended = run(*arguments, OMP_NUM_THREADS="1")
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stdout


def refused(run: Run, code: str, *arguments: str) -> str:
    ended = run(*arguments)
    assert ended.returncode != 0
    assert ended.stderr.startswith(f"{code}: ")
    assert ended.stderr.count("\n") == 1
    return ended.stderr


def builds(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (folder / "results" / "store").iterdir()}


def test_a_grid_feeds_a_search_whose_front_is_scored_on_five_sets(robustune: Run, tmp_path: Path) -> None:
    (tmp_path / "grid.toml").write_text(THIN + GRID)
    (tmp_path / "joint.toml").write_text(THIN + JOINT)
    done(robustune, "search", "grid.toml")
    trials = records.trials(tmp_path / "results" / "grid")
    assert trials.num_rows == 2  # the grid has no more
    assert {epoch for epoch, _, _ in records.checkpoints(tmp_path / "results" / "grid").values()} == {2}
    best = max(trials.to_pylist(), key=lambda row: row["metrics.clean_accuracy"])

    said = done(robustune, "search", "joint.toml", "--baseline-from", "grid")
    assert f"baseline: trial {best['number']} of grid" in said
    frozen = records.read_study(tmp_path / "results" / "joint").options
    assert frozen["baseline_weights"] == best["checkpoint"]
    assert not any("hold-out" in name for name in records.sets(tmp_path / "results" / "joint"))
    refused(robustune, "STUDY_MISMATCH", "search", "joint.toml")
    (tmp_path / "results" / "grid").rename(tmp_path / "gone")
    assert "front of" in done(robustune, "resume", "joint")  # the store has the baseline

    said = done(robustune, "sets", "build", "joint.toml")
    assert "built 3 sets; 2 were there already" in said
    before = builds(tmp_path)
    assert "nothing to build: all 5 sets were there already" in done(robustune, "sets", "build", "joint")
    told = json.loads(done(robustune, "sets", "build", "joint", "--json"))
    assert [one["name"] for one in told["sets"]] == [
        "augmentation/fooling-20",
        "perturbed-training",
        "perturbed-validation",
        "hold-out",
        "out-of-distribution",
    ]
    assert all(one["there"] and 0 < one["summary"]["images"] <= 16 for one in told["sets"])
    assert told["baseline"]["validation_accuracy"] == pytest.approx(best["metrics.clean_accuracy"], abs=0.01)
    assert builds(tmp_path) == before

    said = done(robustune, "evaluate", "joint")
    assert "validation scores" in said
    assert "confirmation" in said
    check_evaluation(tmp_path / "results" / "joint", told)
    assert (tmp_path / "results" / "joint" / "evaluation.svg").stat().st_size
    before = builds(tmp_path)
    assert done(robustune, "evaluate", "joint").splitlines()[-3:] == said.splitlines()[-3:]
    assert builds(tmp_path) == before


def check_evaluation(folder: Path, told: Any) -> None:
    """Every row repeats the search's own scores where the images are the search's own, and counts are the sets'."""
    table = pq.read_table(folder / "evaluation.parquet")
    counts = {one["name"].replace("-", "_"): one["summary"]["images"] for one in told["sets"]}
    assert 1 <= table.num_rows <= 2
    for row in table.to_pylist():
        assert row["accuracy.original"] == pytest.approx(row["metrics.clean_accuracy"], abs=0.01)
        assert row["accuracy.perturbed_validation"] == pytest.approx(
            row["metrics.perturbed_validation_accuracy"], abs=1.01 / counts["perturbed_validation"]
        )
        for name in ("perturbed_training", "perturbed_validation", "hold_out", "out_of_distribution"):
            assert row[f"images.{name}"] == counts[name]
            assert 0 <= row[f"accuracy.{name}"] <= 1
    digests = json.loads(table.schema.metadata[b"sets"])
    assert digests["set/hold-out"] == next(one["digest"] for one in told["sets"] if one["name"] == "hold-out")
