"""Tables of learning curves: finished curves are never made again, whatever is killed, and the file says it all."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from benchmarks.tables.__main__ import FOLDER
from benchmarks.tables.making import make, pack
from benchmarks.tables.tau import between_seeds, tau, told
from robustune import checks
from robustune.curve_files import Curve, read
from robustune.errors import Mistake
from robustune.grid import grid
from search_spaces import Study
from trainables.seeds import derive

ROOT = Path(__file__).parents[2]
CLOSED_FORM = """
trainer = "closed-form"
data = "none"
[options]
epoch_seconds = {epoch_seconds}
diverges_above = 0.9
[space]
angle = {{ uniform = [0, 1], points = [0, 0.5, 1] }}
loss = {{ choice = [0.0, 0.5, 1.0] }}
[[objectives]]
metric = "accuracy"
goal = "max"
reference = 0.0
[[objectives]]
metric = "robustness"
goal = "max"
reference = 0.0
[budget]
trials = 4
epochs = 3
"""
DIGITS = """
trainer = "classification"
data = "embedded-digits"
[options]
width = 4
stem = "strided"
training_images = 40
evaluation_noise_images = 16
[space]
learning_rate = { log_uniform = [1e-3, 1e-2], points = [1e-3, 1e-2] }
[[objectives]]
metric = "clean_accuracy"
goal = "max"
reference = 0.0
[[objectives]]
metric = "weight_noise_accuracy"
goal = "max"
reference = 0.0
[budget]
trials = 2
epochs = 2
"""

Run = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    path = tmp_path / "curves.toml"
    path.write_text(CLOSED_FORM.format(epoch_seconds=0.0))
    return path


def command(study: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.tables", "of", str(study), *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def made(study: Study, shards: Path, limit: int | None = None) -> tuple[tuple[Curve, ...], list[str]]:
    said: list[str] = []
    return make(study, shards, seeds=2, workers=1, limit=limit, device="cpu", say=said.append), said


def test_every_point_has_every_seed_and_failures_are_told(study_file: Path, tmp_path: Path) -> None:
    study = checks.read(study_file)
    curves, _ = made(study, tmp_path / "shards")
    configs = grid(study.space, derive(study.seed, "grid"))
    assert [curve.config for curve in curves] == [*configs, *configs]
    assert [curve.seed for curve in curves] == [0] * 9 + [1] * 9
    for curve in curves:
        diverged = curve.config["loss"] == 1.0
        assert (curve.failure, len(curve.scores)) == (("NONFINITE", 0) if diverged else (None, 3))


def test_a_table_is_read_as_it_was_packed(study_file: Path, tmp_path: Path) -> None:
    study = checks.read(study_file)
    curves, _ = made(study, tmp_path / "shards", limit=3)
    pack(study, curves, tmp_path / "curves.parquet")
    assert read(tmp_path / "curves.parquet", study) == curves
    assert pq.read_metadata(tmp_path / "curves.parquet").metadata[b"study"].decode() == study.digest


def test_finished_curves_are_never_made_again_and_torn_ones_are(study_file: Path, tmp_path: Path) -> None:
    study, shards = checks.read(study_file), tmp_path / "shards"
    made(study, shards, limit=1)
    before = {path: path.stat().st_mtime_ns for path in shards.glob("*.parquet")}
    torn = next(iter(before))
    torn.write_bytes(torn.read_bytes()[:100])
    _, said = made(study, shards, limit=2)
    assert said[0] == "1 of 4 curves are there; 3 to make"
    after = {path: path.stat().st_mtime_ns for path in shards.glob("*.parquet")}
    assert len(after) == 4
    assert [path for path in before if after[path] != before[path]] == [torn]


def test_the_budget_of_trials_and_the_sampler_are_no_part_of_a_curve(study_file: Path, tmp_path: Path) -> None:
    made(checks.read(study_file), tmp_path / "shards", limit=1)
    study_file.write_text(study_file.read_text().replace("trials = 4", "trials = 9") + '[sampler]\nname = "random"\n')
    _, said = made(checks.read(study_file), tmp_path / "shards", limit=1)
    assert said == ["2 of 2 curves are there; 0 to make"]


@pytest.mark.slow
@pytest.mark.parametrize(("signum", "status"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_a_command_that_was_killed_goes_on_where_it_was(tmp_path: Path, signum: int, status: int) -> None:
    study, shards = tmp_path / "curves.toml", tmp_path / "shards"
    study.write_text(CLOSED_FORM.format(epoch_seconds=0.3))
    first = command(study, "--shards", str(shards), "--workers", "2")
    until = time.monotonic() + 60
    while len(list(shards.glob("*.parquet"))) < 3 and time.monotonic() < until:
        time.sleep(0.1)
    os.kill(first.pid, signum)
    _, complaint = first.communicate(timeout=60)
    assert first.returncode == status
    assert "Traceback" not in complaint
    kept = {path.name: path.stat().st_mtime_ns for path in shards.glob("*.parquet")}
    again = command(study, "--shards", str(shards))
    told, complaint = again.communicate(timeout=120)
    assert again.returncode == 0, complaint
    assert f"{len(kept)} of 18 curves are there" in told
    assert {name: (shards / name).stat().st_mtime_ns for name in kept} == kept
    assert len(read(shards / "curves.parquet", checks.read(study))) == 18


@pytest.mark.slow
def test_two_tiny_configurations_of_real_digits(tmp_path: Path) -> None:
    study = tmp_path / "digits.toml"
    study.write_text(DIGITS)
    run = command(study, "--shards", str(tmp_path), "--seeds", "1", "--out", str(tmp_path / "digits.parquet"))
    _, complaint = run.communicate(timeout=300)
    assert run.returncode == 0, complaint
    curves = read(tmp_path / "digits.parquet", checks.read(study))
    assert sorted(curve.config["learning_rate"] for curve in curves) == [1e-3, 1e-2]
    assert all(0 < seconds < 60 for curve in curves for seconds in curve.seconds)


@pytest.mark.parametrize(("name", "configurations"), [("classification", 96), ("segmentation", 32)])
def test_the_shipped_studies_have_the_grids_that_are_promised(name: str, configurations: int) -> None:
    study = checks.read(FOLDER / f"{name}.toml")
    assert len(grid(study.space, 0)) == configurations
    assert study.budget.trials == configurations


def test_a_mistake_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "torn.parquet").write_text("no table")
    with pytest.raises(Mistake, match="not a whole Parquet file"):
        read(tmp_path / "torn.parquet", checks.read(FOLDER / "classification.toml"))


def curves_of(finals: list[float], early: list[float], seed: int) -> list[Curve]:
    return [
        Curve({"x": place}, seed, (1.0, 1.0), ({"accuracy": one}, {"accuracy": two}))
        for place, (one, two) in enumerate(zip(early, finals, strict=True))
    ]


def test_tau_is_1_for_the_same_order_and_minus_1_for_the_reverse(study_file: Path) -> None:
    study = checks.read(study_file)
    same = curves_of([0.1, 0.2, 0.3], [0.0, 0.5, 0.6], seed=0)
    reversed_too = [*same, *curves_of([0.1, 0.2, 0.3], [3.0, 2.0, 1.0], seed=1)]
    assert tau(study, same, "accuracy", 1) == 1.0
    assert tau(study, reversed_too, "accuracy", 1) == 0.0
    assert tau(study, curves_of([0.1, 0.2, 0.3], [1.0, 1.0, 1.0], seed=0), "accuracy", 1) == 0.0
    assert between_seeds(reversed_too, "accuracy") == 1.0
    assert between_seeds(same, "accuracy") is None


def test_tau_is_told_for_every_objective_and_epoch(study_file: Path, tmp_path: Path) -> None:
    study = checks.read(study_file)
    curves, _ = made(study, tmp_path / "shards")
    lines = told(study, curves).splitlines()
    assert lines[0] == "| tau of epoch | 1 | 2 | last epoch, two seeds |"
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| accuracy", "| robustness"]
    assert lines[2].endswith(" | 1.00 | 1.00 | 1.00 |")  # without noise, curves never cross
