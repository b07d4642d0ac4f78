"""How a search ends before its budget, and what it leaves of itself in a process that goes on: nothing."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from analysis import records
from robustune.aside import PREFIX, _place
from robustune.errors import EXIT_CODES
from trainables.data.manifest import is_digest

pytestmark = [pytest.mark.ray, pytest.mark.slow]

Curves = Callable[..., Path]
GRACE_SECONDS = 30.0


@contextmanager
def searching(
    command: Path, study: Path, folder: Path, begin: Callable[[], object] | None = None
) -> Iterator["subprocess.Popen[str]"]:
    """Runs a search in an empty folder, as a user would, until its ledger holds an epoch."""
    driver = subprocess.Popen(
        [command, "search", study],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=begin,
    )
    ledger = folder / "results" / "curves"
    until = time.monotonic() + 120
    try:
        while time.monotonic() < until and not (
            (ledger / "ledger.sqlite").exists() and records.epochs(ledger).num_rows
        ):
            assert driver.poll() is None, driver.communicate()
            time.sleep(0.05)
        yield driver
    finally:
        driver.kill()
        driver.communicate()


def left_by(pid: int) -> list[Path]:
    return list(_place().glob(f"{PREFIX}-*-{pid}-*"))


@pytest.mark.parametrize(
    ("signals", "status", "seconds"),
    [((signal.SIGTERM,), 143, GRACE_SECONDS), ((signal.SIGINT, signal.SIGINT), 130, 15.0)],
)
def test_a_search_that_is_ended_says_how_to_go_on_and_leaves_nothing(
    curves: Curves,
    command: Path,
    heeding_ctrl_c: Callable[[], object],
    tmp_path: Path,
    signals: tuple[int, ...],
    status: int,
    seconds: float,
) -> None:
    study = curves(trials=30, epochs=9, options="epoch_seconds = 0.3")
    with searching(command, study, tmp_path, heeding_ctrl_c) as driver:
        for number in signals:
            driver.send_signal(number)
            time.sleep(0.3)
        _, said = driver.communicate(timeout=seconds)
    assert driver.returncode == status
    assert "robustune resume" in said
    assert said.count("\n") == 1
    assert not left_by(driver.pid)
    assert not (tmp_path / "results" / "curves" / "ledger.lock").exists()
    with closing(sqlite3.connect(tmp_path / "results" / "mlflow.db")) as tracked:
        states = {status for (status,) in tracked.execute("SELECT status FROM runs")}
    assert "RUNNING" not in states


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_building_that_is_ended_says_how_to_go_on_and_leaves_nothing(
    command: Path, heeding_ctrl_c: Callable[[], object], tmp_path: Path, number: int, status: int
) -> None:
    driver = subprocess.Popen(
        [command, "sets", "build", "quickstart"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heeding_ctrl_c,
    )
    try:
        assert driver.stdout is not None
        assert any("preparing baseline" in line for line in driver.stdout)
        driver.send_signal(number)
        _, said = driver.communicate(timeout=GRACE_SECONDS)
    finally:
        driver.kill()
        driver.communicate()
    assert driver.returncode == status
    assert said.endswith("what was finished is kept: start the same command again to go on\n")
    assert said.count("\n") == 1
    assert not left_by(driver.pid)
    # The data at least. What a killed builder left aside is swept by the next build.
    kept = [entry for entry in (tmp_path / "results" / "store").iterdir() if is_digest(entry.name)]
    assert kept
    assert all((entry / "manifest.json").is_file() for entry in kept)


def test_a_ledger_that_fails_in_the_middle_is_told_in_one_line(curves: Curves, command: Path, tmp_path: Path) -> None:
    """The driver learns it inside Ray's event loop, which knows tracebacks only."""
    study = curves(trials=30, epochs=9, options="epoch_seconds = 0.3")
    with searching(command, study, tmp_path) as driver:
        with closing(sqlite3.connect(tmp_path / "results" / "curves" / "ledger.sqlite", timeout=10)) as other:
            other.execute("DROP TABLE checkpoints")
            other.execute("DROP TABLE epochs")
        _, said = driver.communicate(timeout=GRACE_SECONDS)
    assert driver.returncode == EXIT_CODES["RESULTS_UNWRITABLE"], said
    assert "Traceback" not in said
    assert said.startswith("RESULTS_UNWRITABLE: ")
    assert said.count("\n") == 1


NOTEBOOK = """
import asyncio, os, signal, sys
from pathlib import Path
from robustune import search

study, results = sys.argv[1:]
before = dict(os.environ)
handler = signal.getsignal(signal.SIGTERM)

async def cells():
    first = search(study, results=f"{results}/first", progress=False)
    second = search(study, results=f"{results}/second", progress=False)
    assert first.trials.num_rows == second.trials.num_rows == 4
    kept = ("RAY_AUTH", "MLFLOW_", "_MLFLOW_", "RAY_CLIENT_MODE")  # MLflow drops a session of the process above
    changed = {name for name in {*before, *os.environ} if before.get(name) != os.environ.get(name)}
    assert all(name.startswith(kept) for name in changed), changed
    assert signal.getsignal(signal.SIGTERM) == handler
    assert "mlflow.db" not in repr(first)

    import ray
    from robustune.aside import make_folder
    ray.init(num_cpus=1, include_dashboard=False, _temp_dir=str(make_folder("user")))
    third = search(study, results=f"{results}/third", progress=False)
    assert third.trials.num_rows == 4
    assert ray.is_initialized()
    try:
        search(study, results=f"{results}/fourth", address="local", progress=False)
    except Exception as error:
        assert error.code == "CLUSTER_UNREACHABLE", error
    assert ray.is_initialized()

asyncio.run(cells())
print("done")
"""


def test_searches_follow_one_another_in_a_notebook(curves: Curves, tmp_path: Path) -> None:
    """In one process with a running event loop; Ray, the environment and the signals stay the user's."""
    done = subprocess.run(
        [sys.executable, "-c", NOTEBOOK, str(curves(trials=4, epochs=2)), str(tmp_path)],
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stdout.strip().endswith("done"), done.stderr
