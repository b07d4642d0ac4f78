"""Whole searches on a real Ray of this machine, with the closed-form trainer: the right answer is known."""

import math
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from analysis import records
from analysis.figure_files import figure_files
from robustune import Mistake, resume, search

pytestmark = pytest.mark.ray

Curves = Callable[..., Path]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
TABLES = {f"{name}.parquet" for name in ("trials", "epochs", "front")}
FILES = {"study.toml", "report.html", *TABLES, *figure_files("front")}


def told(folder: Path) -> list[dict[str, Any]]:
    """What must be the same however often a search was interrupted."""
    kept = ["number", "state", "epochs", "options.angle", "options.loss", "metrics.accuracy", "metrics.robustness"]
    rows: list[dict[str, Any]] = records.trials(folder).select(kept).to_pylist()
    return rows


def test_a_search_from_python_ends_with_a_front_and_its_files(curves: Curves, tmp_path: Path) -> None:
    study = curves(trials=12, options="diverges_above = 0.9\nspeed = 6.0")
    result = search(study, seed=3, results=tmp_path / "results", progress=False)

    assert result.trials.num_rows == 12
    assert set(result.front["state"].to_pylist()) == {"complete"}
    assert set(result.front["epochs"].to_pylist()) == {4}
    assert set(result.paths) == FILES
    assert all(path.stat().st_size for path in result.paths.values())
    assert result.tracked
    learned = 1 - math.exp(-6.0)
    assert 0 < result.hypervolume < math.pi / 4 * learned**2
    for row in result.front.to_pylist():  # every score is what the closed form says of the options beside it
        radius = math.hypot(row["metrics.accuracy"], row["metrics.robustness"])
        assert radius == pytest.approx((1 - row["options.loss"]) * learned)
        assert Path(row["checkpoint"]).is_file()
    failed = [row for row in result.trials.to_pylist() if row["state"] == "failed"]
    assert all(row["options.loss"] > 0.9 and row["code"] == "NONFINITE" for row in failed)
    assert pq.read_table(result.paths["front.parquet"]).equals(result.front)

    again = search(study, seed=3, results=tmp_path / "results", progress=False)  # finished: shown, not run, again
    assert again.trials.equals(result.trials)


def test_a_search_in_which_every_trial_fails_says_why(curves: Curves, tmp_path: Path) -> None:
    study = curves(trials=3, options="diverges_above = 0.0")
    with pytest.raises(Mistake) as raised:
        search(study, results=tmp_path / "results", progress=False)
    assert raised.value.code == "NO_FRONT"
    assert "NONFINITE: epoch 1: the loss is nan" in raised.value.message


def test_a_grid_that_is_exhausted_ends_the_search(tmp_path: Path, curves: Curves) -> None:
    study = curves(trials=50, sampler="grid", early_stopping="none")
    text = study.read_text()
    study.write_text(
        text.replace("angle = { uniform = [0, 1] }", "angle = { choice = [0.0, 0.5, 1.0] }").replace(
            "loss = { uniform = [0, 1] }", "loss = { choice = [0.0, 0.5] }"
        )
    )
    result = search(study, results=tmp_path / "results", progress=False)
    assert sorted((row["options.angle"], row["options.loss"]) for row in result.trials.to_pylist()) == [
        (angle, loss) for angle in (0.0, 0.5, 1.0) for loss in (0.0, 0.5)
    ]
    assert result.front.num_rows == 3


@pytest.mark.slow
def test_a_killed_driver_loses_nothing_and_repeats_nothing(
    curves: Curves, robustune: Run, command: Path, tmp_path: Path
) -> None:
    """kill -9 at several moments, then resume: with one slot the result is that of the uninterrupted search."""
    study = curves(trials=10, epochs=4, options="epoch_seconds = 0.15\ndiverges_above = 0.9")
    arguments = ("search", study, "--concurrency", "1", "--seed", "5")
    whole = robustune(*arguments, "--results", "whole")
    assert whole.returncode == 0, whole.stderr

    seen: list[dict[str, Any]] = []
    for kills in range(3):
        arguments = arguments if kills == 0 else ("resume", study, "--concurrency", "1")
        kill_midway(command, tmp_path, *map(str, arguments), after_rows=3 * (kills + 1))
        ended = [row for row in told(tmp_path / "results" / "curves") if row["state"] != "running"]
        assert ended[: len(seen)] == seen  # what was acknowledged before stands as it was
        seen = ended
    finished = robustune("resume", study, "--concurrency", "1")
    assert finished.returncode == 0, finished.stderr
    assert told(tmp_path / "results" / "curves") == told(tmp_path / "whole" / "curves")


def kill_midway(command: Path, folder: Path, *arguments: str, after_rows: int) -> None:
    """Runs the command and kills it, and no other process, once the ledger holds some more epochs."""

    driver = subprocess.Popen(
        [command, *arguments], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    study = folder / "results" / "curves"
    until = time.monotonic() + 120
    try:
        while time.monotonic() < until and driver.poll() is None:
            if (study / "ledger.sqlite").exists() and records.epochs(study).num_rows >= after_rows:
                break
            time.sleep(0.05)
    finally:
        os.kill(driver.pid, signal.SIGKILL)
        driver.wait()


@pytest.mark.slow
def test_ctrl_c_ends_with_130_and_the_command_that_goes_on(
    curves: Curves, command: Path, heeding_ctrl_c: Callable[[], object], tmp_path: Path
) -> None:

    study = curves(trials=6, options="epoch_seconds = 0.3")
    driver = subprocess.Popen(
        [command, "search", study],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heeding_ctrl_c,
    )
    folder = tmp_path / "results" / "curves"
    until = time.monotonic() + 120
    while time.monotonic() < until and not ((folder / "ledger.sqlite").exists() and records.epochs(folder).num_rows):
        time.sleep(0.05)
    driver.send_signal(signal.SIGINT)
    _, said = driver.communicate(timeout=60)
    assert driver.returncode == 130
    assert "robustune resume" in said
    assert "Traceback" not in said
    result = resume("curves", results=tmp_path / "results", progress=False)
    assert result.trials.num_rows == 6
