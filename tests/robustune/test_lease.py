"""A driver elsewhere is left alone while it lives, taken over once it is dead, and fenced if it was merely asleep."""

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from analysis import records
from robustune import checks, lease
from robustune.errors import Mistake
from robustune.lease import Lease, Leases, Watch, await_silence, open_session
from robustune.ledger import Ledger
from robustune.locks import Lock
from robustune.running import run
from robustune.screen import Screen
from robustune.segments import Segments
from robustune.settings import Settings
from robustune.stopping import StopRequest, stop
from robustune.tracking import Tracking

Curves = Callable[..., Path]

DRIVER = """
import sys, time
from pathlib import Path
from robustune.errors import Mistake
from robustune.ledger import Ledger
try:
    with Ledger.open(Path(sys.argv[1]), storage=sys.argv[2]) as ledger:
        print(ledger.session, flush=True)
        for number in range(1000):
            sys.stdin.readline()
            ledger.ask(number, {"angle": 0.5, "loss": 0.5}, number, {})
            print(number, flush=True)
except Mistake as mistake:
    print(mistake.code, flush=True)
    sys.exit(mistake.exit_code)
"""


@pytest.fixture
def shared(curves: Curves, tmp_path: Path) -> Path:
    """A storage with a study that was begun and ended in order."""
    storage = tmp_path / "shared"
    Ledger.create(tmp_path / "first" / "curves", checks.read(curves()), {}, str(storage)).close()
    return storage


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> float:
    """A grace of a few beats, so that nobody waits half a minute."""
    monkeypatch.setattr(lease, "GRACE_SECONDS", 3.0)
    return 3.0


@contextmanager
def driver(folder: Path, storage: Path) -> Iterator["subprocess.Popen[str]"]:
    """A driver in a process of its own, which begins a trial for each line that it is sent."""
    command = [sys.executable, "-c", DRIVER, str(folder), str(storage)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline().strip().isdecimal()
        yield child
    finally:
        child.kill()
        child.communicate()


def leases_of(storage: Path) -> list[str]:
    return sorted(path.name for path in (storage / "curves" / "leases").iterdir())


def test_a_watch_counts_silence_on_its_own_clock_alone(tmp_path: Path) -> None:
    leases, now = Leases(str(tmp_path), "study"), [100.0]
    leases.show(7, beat=0)
    watch = Watch(leases, lambda: now[0])
    now[0] += 3
    assert (watch.silent(), watch.alive) == (3.0, False)
    leases.show(7, beat=1)
    os.utime(tmp_path / "study" / "leases" / f"{7:012d}.json", (0, 0))  # a clock of another machine says nothing
    assert (watch.silent(), watch.alive) == (0.0, True)
    now[0] += 4
    assert watch.silent() == 4.0
    leases.show(9, beat=0)
    assert (watch.silent(), watch.session) == (0.0, 9)


def test_a_lease_that_cannot_be_read_for_a_moment_is_no_sign_of_life(tmp_path: Path) -> None:
    leases = Leases(str(tmp_path), "study")
    leases.show(7, beat=0)
    watch, place = Watch(leases), tmp_path / "study" / "leases" / f"{7:012d}.json"
    content = place.read_bytes()
    place.unlink()
    place.mkdir()
    assert (watch.silent() > 0, watch.alive) == (True, False)
    place.rmdir()
    place.write_bytes(content)
    assert (watch.silent() > 0, watch.alive) == (True, False)
    place.unlink()  # released
    watch.silent()
    assert watch.alive


def test_a_storage_that_cannot_be_read_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "curves").mkdir()
    (tmp_path / "curves" / "segments").write_text("no folder")
    settings = Settings(str(tmp_path / "here"), storage=str(tmp_path))
    for command in (
        lambda: stop("curves", settings, pytest.fail),
        lambda: Ledger.open(tmp_path / "here" / "curves", storage=str(tmp_path)),
    ):
        with pytest.raises(Mistake, match=r"segments: cannot be read .*see that the storage answers") as told:
            command()
        assert told.value.code == "STORAGE_UNREACHABLE"


@pytest.mark.parametrize("scheme", ["", "file://", "fsspec+memory:/"])
def test_a_lease_beats_until_it_is_released_and_leaves_nothing(
    tmp_path: Path, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "BEAT_SECONDS", 0.05)
    leases = Leases(f"{scheme}{tmp_path}", "study")
    assert leases.sign() is None
    leases.show(3, beat=8)  # of a driver that was killed
    held = Lease(leases, 5)
    assert leases.newest() == 5
    watch, until = Watch(leases), time.monotonic() + 20
    while not watch.alive and time.monotonic() < until:
        watch.silent()
    assert watch.alive
    held.release()
    held.release()
    assert leases.sign() is None
    assert not held.lost


def test_a_driver_that_was_passed_over_sees_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "BEAT_SECONDS", 0.05)
    leases = Leases(str(tmp_path), "study")
    first = Lease(leases, 5)
    second = Lease(leases, 8)
    until = time.monotonic() + 20
    while not first.lost and time.monotonic() < until:
        time.sleep(0.05)
    assert (first.lost, second.lost) == (True, False)
    first.release()
    assert leases.newest() == 8
    second.release()


def test_a_second_driver_is_refused_within_seconds(shared: Path, tmp_path: Path) -> None:
    with driver(tmp_path / "first" / "curves", shared) as child:
        began = time.monotonic()
        with pytest.raises(Mistake) as told:
            Ledger.open(tmp_path / "second" / "curves", storage=str(shared))
        assert time.monotonic() - began < 5 + lease.BEAT_SECONDS
        assert told.value.code == "STUDY_LOCKED"
        assert f"pid {child.pid} on {socket.gethostname()!r} since 2" in told.value.message
        assert not list((tmp_path / "second").rglob("ledger*"))  # nothing was made that could be taken for its own
        assert child.stdin is not None
        assert child.stdout is not None
        print(file=child.stdin, flush=True)
        assert child.stdout.readline() == "0\n"  # and the first was not disturbed


def test_a_dead_driver_is_taken_over_after_the_grace(shared: Path, tmp_path: Path, short: float) -> None:
    with driver(tmp_path / "first" / "curves", shared) as child:
        child.kill()
        child.wait()
    assert len(leases_of(shared)) == 1
    said: list[str] = []
    began = time.monotonic()
    with Ledger.open(tmp_path / "second" / "curves", storage=str(shared), say=said.append) as ledger:
        assert short <= time.monotonic() - began < short + 5
        assert leases_of(shared) == [f"{ledger.session:012d}.json"]
    assert leases_of(shared) == []
    assert len(said) == 1
    assert f"pid {child.pid}" in said[0]


def test_a_driver_that_was_killed_in_this_folder_is_not_waited_for(shared: Path, tmp_path: Path) -> None:
    folder = tmp_path / "first" / "curves"
    with driver(folder, shared) as child:
        child.kill()
        child.wait()
    said: list[str] = []
    began = time.monotonic()
    Ledger.open(folder, storage=str(shared), say=said.append).close()
    assert time.monotonic() - began < lease.GRACE_SECONDS / 2
    assert said == []


def test_a_driver_that_slept_past_its_lease_is_fenced_and_writes_nothing(
    shared: Path, tmp_path: Path, short: float
) -> None:
    with driver(tmp_path / "first" / "curves", shared) as child:
        child.send_signal(signal.SIGSTOP)
        with Ledger.open(tmp_path / "second" / "curves", storage=str(shared)) as ledger:
            child.send_signal(signal.SIGCONT)
            before = Segments(str(shared), "curves").last()
            told, _ = child.communicate("\n", timeout=30)
            assert told == "LEASE_LOST\n"
            assert child.returncode == 3
            assert Segments(str(shared), "curves").last() == before
            assert records.counts(tmp_path / "first" / "curves")["running"] == 0
            time.sleep(lease.BEAT_SECONDS)
            assert leases_of(shared) == [f"{ledger.session:012d}.json"]
            ledger.ask(0, {"angle": 0.5, "loss": 0.5}, 1, {})


def test_a_fenced_search_leaves_requests_and_runs_to_the_other_driver(
    curves: Curves, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(str(tmp_path), storage=str(tmp_path / "shared"))
    study = checks.read(curves(trials=1, epochs=1, early_stopping="none"))
    ledger = Ledger.create(tmp_path / "curves", study, {}, settings.segments)
    ledger.ask(0, {"angle": 0.5, "loss": 0.5}, 1, {})
    ledger.report(0, 1, {"accuracy": 0.5, "robustness": 0.5}, 0.1, 0.1, end="complete")
    assert ledger._lease is not None
    ledger._lease._lost.set()
    # Asked of the other driver, once this one has begun.
    monkeypatch.setattr(Tracking, "start", lambda self: StopRequest(settings.shared, "curves").write(99))
    with pytest.raises(Mistake, match=r"LEASE_LOST: .*another driver has taken over"):
        run(ledger, settings, Screen(False))
    with pytest.raises(Mistake, match="LEASE_LOST"):
        ledger.close()
    assert (tmp_path / "shared" / "curves" / "stop").exists()
    assert not list(tmp_path.glob("**/report.html"))
    Lock(tmp_path / "curves" / "ledger.lock").release()  # and its place here is free


def test_stop_waits_for_no_driver_that_died_elsewhere(shared: Path, tmp_path: Path, short: float) -> None:
    with driver(tmp_path / "first" / "curves", shared) as child:
        child.kill()
        child.wait()
    settings = Settings(str(tmp_path / "second"), storage=str(shared))
    began = time.monotonic()
    with pytest.raises(Mistake, match="no sign of life") as told:
        stop("curves", settings, lambda line: None)
    assert told.value.code == "STUDY_IDLE"
    assert f"pid {child.pid}" in told.value.message
    assert short <= time.monotonic() - began < short + 5
    assert not (shared / "curves" / "stop").exists()


def test_a_session_without_a_lease_is_one_of_an_older_driver(shared: Path, tmp_path: Path) -> None:
    segments, leases = Segments(str(shared), "curves"), Leases(str(shared), "curves")
    segments.publish(segments.last() + 1, {"kind": "session", "at": 0.0, "pid": 1, "host": "x", "versions": {}})
    assert open_session(segments)
    assert not Watch(leases).leased
    await_silence(segments, leases, lambda session: False, pytest.fail)


def test_under_an_fsspec_address_the_first_of_many_writes_a_number() -> None:
    # One after the other: fsspec's memory is no store for several threads, and no other one is at hand.
    storage = f"fsspec+memory://{uuid.uuid4().hex}"
    writers = [Segments(storage, "study") for _ in range(8)]
    writers[0].publish(1, {"kind": "closed", "at": 0.0})
    for place, writer in enumerate(writers[1:], 1):
        with pytest.raises(Mistake) as refused:
            writer.publish(1, {"kind": "closed", "at": float(place)})
        assert refused.value.code == "LEASE_LOST"
    assert Segments(storage, "study").fact(1)["at"] == 0.0
