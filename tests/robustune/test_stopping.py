"""A search that is asked to end begins nothing more, keeps what runs, and goes on as if it had never been asked."""

import hashlib
import json
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis import records
from robustune import checks, lease
from robustune.driver import Driver
from robustune.errors import Mistake
from robustune.ledger import Ledger
from robustune.running import cut_short
from robustune.settings import Settings
from robustune.stopping import Stop, StopRequest, stop

Curves = Callable[..., Path]


def a_report(epoch: int, folder: Path | None = None) -> dict[str, Any]:
    checkpoint = None
    if folder is not None:
        path = folder / f"epoch-{epoch}"
        path.write_bytes(b"weights")
        checkpoint = {"path": str(path), "sha256": hashlib.sha256(b"weights").hexdigest(), "bytes": 7}
    metrics = {"accuracy": 0.1 * epoch, "robustness": 0.5}
    seconds = {"train_seconds": 0.1, "score_seconds": 0.1}
    return {"failure": None, "epoch": epoch, "metrics": metrics, "checkpoint": checkpoint, **seconds}


def test_a_stopped_driver_puts_trials_aside_at_their_next_checkpoint(curves: Curves, tmp_path: Path) -> None:
    asked = [False]
    with Ledger.create(tmp_path / "study", checks.read(curves(epochs=9, early_stopping="none")), {}) as ledger:
        driver = Driver(ledger, lambda: None, lambda: asked[0])
        proposal = driver.next()
        assert proposal is not None
        assert driver.report(0, a_report(1))
        asked[0] = True
        assert driver.next() is None
        assert driver.report(0, a_report(2))  # trained before the trial knew; its next epoch has a checkpoint
        assert not driver.report(0, a_report(3, ledger.folder))
        assert driver.put_aside == 1
        again = Driver(ledger, lambda: None)
        assert again.requeued == 1
        resumed = again.next()
        assert resumed is not None
        assert (resumed.number, resumed.config, resumed.resume_epoch) == (0, proposal.config, 3)


def test_who_asks_while_the_last_trial_ends_cuts_nothing_short(curves: Curves, tmp_path: Path) -> None:
    settings = Settings(str(tmp_path))
    study = checks.read(curves(trials=2, epochs=2, early_stopping="none"))
    with Ledger.create(tmp_path / "study", study, {}) as ledger:
        heeded = Stop(ledger.folder, settings, ledger.session)
        driver = Driver(ledger, lambda: None, heeded)
        for _ in range(2):
            assert driver.next() is not None
        assert driver.report(0, a_report(1))
        assert not driver.report(0, a_report(2))
        assert driver.report(1, a_report(1))
        StopRequest(str(tmp_path), "study").write(commits=ledger.session)
        assert driver.next() is None
        assert not driver.report(1, a_report(2, ledger.folder))
        assert heeded.asked
        assert not cut_short(driver, heeded)
        again = Driver(ledger, lambda: None)
        assert (again.remaining, again.requeued) == (0, 0)


def test_who_asks_while_the_last_trials_run_cuts_them_short(curves: Curves, tmp_path: Path) -> None:
    settings = Settings(str(tmp_path))
    study = checks.read(curves(trials=1, epochs=2, early_stopping="none"))
    with Ledger.create(tmp_path / "study", study, {}) as ledger:
        heeded = Stop(ledger.folder, settings, ledger.session)
        driver = Driver(ledger, lambda: None, heeded)
        assert driver.next() is not None
        StopRequest(str(tmp_path), "study").write(commits=ledger.session)
        assert not driver.report(0, a_report(1, ledger.folder))
        assert driver.end is not None
        assert cut_short(driver, heeded)
        assert Driver(ledger, lambda: None).requeued == 1


def test_a_request_is_for_the_driver_that_was_at_work(tmp_path: Path) -> None:
    request = StopRequest(str(tmp_path), "study")
    assert not request.asked(0)
    request.write(commits=7)
    assert request.asked(7)
    assert not request.asked(8)  # a session that began later
    (tmp_path / "study" / "stop").write_text('{"comm')
    assert not request.asked(0)
    request.clear()
    request.clear()
    assert not (tmp_path / "study" / "stop").exists()


def test_trials_learn_from_the_storage_what_was_asked_in_the_results_folder(tmp_path: Path) -> None:
    settings = Settings(str(tmp_path / "results"), storage=str(tmp_path / "shared"))
    heeded = Stop(tmp_path / "results" / "study", settings, session=3)
    assert not heeded()
    StopRequest(str(tmp_path / "results"), "study").write(commits=5)
    assert heeded()
    assert heeded.path == str(tmp_path / "shared" / "study" / "stop")
    assert json.loads(Path(heeded.path).read_text()) == {"commits": 3}
    heeded.clear()
    assert not Path(heeded.path).exists()
    assert heeded()  # what was asked stays asked


def test_nothing_to_stop_is_said(curves: Curves, tmp_path: Path) -> None:
    settings = Settings(str(tmp_path / "results"))
    with pytest.raises(Mistake, match="STUDY_MISSING"):
        stop("curves", settings, print)
    Ledger.create(tmp_path / "results" / "curves", checks.read(curves()), {}).close()
    with pytest.raises(Mistake, match="STUDY_IDLE"):
        stop("curves", settings, print)
    assert not (tmp_path / "results" / "curves" / "stop").exists()


@pytest.mark.parametrize("storage", ["file://", "s3://"])
def test_a_scheme_alone_is_refused_and_not_taken_for_a_folder(curves: Curves, tmp_path: Path, storage: str) -> None:
    settings = Settings(str(tmp_path / "results"), storage=storage)
    Ledger.create(tmp_path / "results" / "curves", checks.read(curves()), {}).close()
    with pytest.raises(Mistake, match=f"OPTION_INVALID: --storage {storage}"):
        stop("curves", settings, print)


def test_a_driver_that_was_killed_is_not_waited_for(
    curves: Curves, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its session stays open in the storage for ever; only one of another machine could still be at work."""
    monkeypatch.setattr(lease, "GRACE_SECONDS", 3.0)
    settings = Settings(str(tmp_path / "results"), storage=str(tmp_path / "shared"))
    folder = tmp_path / "results" / "curves"
    assert settings.segments is not None
    ledger = Ledger.create(folder, checks.read(curves()), {}, settings.segments)
    ledger.ask(0, {"angle": 0.5, "loss": 0.5}, 1, {})
    assert ledger._lease is not None
    ledger._lease._released.set()  # no sign of life any more, and its lease stays
    ledger._lock.release()  # as a kill does, and nothing else
    with pytest.raises(Mistake, match="STUDY_IDLE"):
        stop("curves", settings, print)
    assert not list(tmp_path.glob("*/curves/stop"))
    # A driver of another machine took the study over: it is asked, until its session is closed.
    other = Ledger.open(tmp_path / "elsewhere" / "curves", storage=settings.segments)
    said: list[str] = []
    asker = threading.Thread(target=stop, args=("curves", settings, said.append), daemon=True)
    asker.start()
    until = time.monotonic() + 30
    while time.monotonic() < until and not (tmp_path / "shared" / "curves" / "stop").exists():
        time.sleep(0.05)
    assert Stop(tmp_path / "elsewhere" / "curves", settings, other.session)()
    other.close()
    asker.join(30)
    assert not asker.is_alive()
    assert len(said) == 1


@pytest.mark.ray
@pytest.mark.slow
def test_stopped_from_another_terminal_and_resumed_it_ends_as_planned(
    curves: Curves, command: Path, tmp_path: Path, robustune: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    # Long enough for a command that starts on a busy machine to find it running.
    study = curves(trials=3, epochs=24, options="epoch_seconds = 0.5", early_stopping="none")
    driver = subprocess.Popen(
        [command, "search", study], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    folder = tmp_path / "results" / "curves"
    try:
        until = time.monotonic() + 120
        while time.monotonic() < until and not (
            (folder / "ledger.sqlite").exists() and records.epochs(folder).num_rows
        ):
            time.sleep(0.05)
        stopped = robustune("stop", "curves")
        _, said = driver.communicate(timeout=60)
    finally:
        driver.kill()
        driver.communicate()
    assert stopped.returncode == 0, stopped.stderr
    assert "go on with `robustune resume curves`" in stopped.stdout
    assert driver.returncode == 6
    assert said.startswith("SEARCH_STOPPED: ")
    kept = records.epochs(folder)["epoch"].to_pylist()
    assert records.counts(folder)["running"] >= 1
    resumed = robustune("resume", "curves")
    assert resumed.returncode == 0, resumed.stderr
    assert records.counts(folder)["complete"] == 3
    assert records.epochs(folder).num_rows == 72
    assert len(kept) < 72
