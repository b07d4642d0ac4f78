"""What was published is enough to make the ledger anew, and a driver that lost its place learns it."""

import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pyarrow import fs as pafs

from analysis import records
from analysis.schema import LEDGER_FILE
from robustune import lease
from robustune.errors import Mistake
from robustune.ledger import Ledger
from robustune.segments import Segments
from search_spaces.domains import LogUniform, Subset
from search_spaces.study import Budget, Objective, Study

STUDY = Study(
    name="made-up",
    trainer="classification",
    data="embedded-digits",
    space={"learning_rate": LogUniform(1e-5, 1e-2), "fooling_rates": Subset((5, 20))},
    objectives=(Objective("mce", "min", 1.2),),
    budget=Budget(4, 3),
)
TABLES = ("study", "trials", "epochs", "checkpoints", "sets", "sessions", "seals")


def rows(folder: Path) -> dict[str, list[Any]]:
    connection = sqlite3.connect(folder / LEDGER_FILE)
    found = {table: sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr) for table in TABLES}
    connection.close()
    return found


def work(ledger: Ledger, first: int = 0) -> None:
    checkpoint = {"path": "checkpoints/0", "sha256": "0" * 64, "bytes": 3}
    ledger.record_set("data", "ab" * 32, {"images": 3, "seconds": 0.1 + 0.2})
    ledger.ask(first, {"learning_rate": 0.1 + 0.2, "fooling_rates": (5, 20)}, 2**62, {"generation": 1})
    ledger.report(first, 1, {"mce": 1 / 3}, 1.0, 0.1, checkpoint)
    ledger.retried(first)
    ledger.report(first, 2, {"mce": 1 / 7}, 1.0, 0.1)
    ledger.requeue()
    ledger.ask(first + 1, {}, 1, {})
    ledger.fail(first + 1, "NONFINITE", "\x1b[31m\u202e", {"generation": 2})


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    return tmp_path / "storage"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "results" / STUDY.name


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_lost_ledger_is_made_anew_row_by_row(folder: Path, storage: Path, scheme: str) -> None:
    where = f"{scheme}{storage}"
    with Ledger.create(folder, STUDY, {"torch": "2"}, where) as ledger:
        work(ledger)
    before = rows(folder)
    shutil.rmtree(folder)
    Ledger.rebuild(folder, where)
    after = rows(folder)
    for table in ("trials", "epochs", "checkpoints", "sets"):
        assert after[table] == before[table]
    assert after["sessions"][: len(before["sessions"])] == before["sessions"]
    records.check(folder)
    with Ledger.create(folder, STUDY, {}, where) as ledger:
        work(ledger, 10)
    assert not [path for path in storage.rglob("*") if path.is_file() and path.suffix != ".json"]


def test_create_and_open_find_the_study_in_the_storage(folder: Path, storage: Path) -> None:
    with Ledger.create(folder, STUDY, {}, str(storage)) as ledger:
        work(ledger)
    shutil.rmtree(folder)
    with pytest.raises(Mistake, match=r"STUDY_MISMATCH.*seed: 0 became 5"):
        Ledger.create(folder, STUDY.override(seed=5), {}, str(storage))
    with Ledger.open(folder, storage=str(storage)) as ledger:
        assert ledger.study == STUDY
        assert [trial.number for trial in ledger.requeue()] == [0]


def test_what_was_published_and_not_committed_is_taken_up(folder: Path, storage: Path, tmp_path: Path) -> None:
    ledger = Ledger.create(folder, STUDY, {}, str(storage))
    ledger.ask(0, {}, 1, {})
    early = tmp_path / "early" / STUDY.name
    shutil.copytree(folder, early)
    work(ledger, 1)
    expected = rows(folder)["trials"]
    with Ledger.open(early, storage=str(storage)):
        assert rows(early)["trials"] == expected
    with pytest.raises(Mistake, match="another driver") as told:
        ledger.ask(9, {}, 1, {})
    assert told.value.code == "LEASE_LOST"
    assert rows(folder)["trials"] == expected


def test_a_number_is_never_written_twice(storage: Path) -> None:
    segments = Segments(str(storage), "made-up")
    segments.publish(1, {"kind": "closed", "at": 1.0})
    segments.publish(1, {"kind": "closed", "at": 1.0})
    with pytest.raises(Mistake, match="LEASE_LOST"):
        segments.publish(1, {"kind": "closed", "at": 2.0})
    with pytest.raises(Mistake, match="STUDY_LOCKED"):
        segments.publish(1, {"kind": "session", "at": 2.0})
    assert list(segments.after(0)) == [{"kind": "closed", "at": 1.0}]


def test_a_store_without_hard_links_keeps_the_law_too(storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage.mkdir()
    segments = Segments(str(storage), "made-up")
    plain = pafs.SubTreeFileSystem(str(storage), pafs.LocalFileSystem())
    monkeypatch.setattr(segments, "_filesystem", plain)
    monkeypatch.setattr(segments, "_folder", "made-up/segments")
    for number in (1, 2):
        segments.publish(number, {"kind": "closed", "at": float(number)})
    with pytest.raises(Mistake, match="LEASE_LOST"):
        segments.publish(2, {"kind": "closed", "at": 9.0})
    assert [fact["at"] for fact in segments.after(0)] == [1.0, 2.0]


@pytest.mark.parametrize("harm", ["flip", "cut", "empty", "gone"])
def test_a_damaged_segment_is_named_and_nothing_is_made(folder: Path, storage: Path, harm: str) -> None:
    with Ledger.create(folder, STUDY, {}, str(storage)) as ledger:
        work(ledger)
    shutil.rmtree(folder)
    victim = sorted(storage.rglob("*.json"))[3]
    content = victim.read_bytes()
    if harm == "gone":
        victim.unlink()
    else:
        victim.write_bytes({"flip": content.replace(b"1", b"2", 1), "cut": content[:-9], "empty": b""}[harm])
    with pytest.raises(Mistake, match=victim.name) as told:
        Ledger.open(folder, storage=str(storage))
    assert told.value.code == "STATE_CORRUPT"
    assert not (folder / LEDGER_FILE).exists()


def test_a_storage_that_lacks_commits_is_refused(folder: Path, storage: Path) -> None:
    with Ledger.create(folder, STUDY, {}) as ledger:
        work(ledger)
    with pytest.raises(Mistake, match="its storage only 0"):
        Ledger.open(folder, storage=str(storage))
    Ledger.open(folder).close()


WRITER = """
import sys
from pathlib import Path
from analysis import records
from robustune.ledger import Ledger
with Ledger.open(Path(sys.argv[1]), storage=sys.argv[2]) as ledger:
    number = records.trials(ledger.folder).num_rows
    while True:
        ledger.ask(number, {}, number, {})
        print(number, flush=True)
        number += 1
"""


def test_every_acknowledged_commit_survives_the_loss_of_the_machine(
    folder: Path, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "GRACE_SECONDS", 2.5)  # a lost machine shows no sign of life, and is waited for
    Ledger.create(folder, STUDY, {}, str(storage)).close()
    acknowledged = -1
    for _ in range(3):
        command = [sys.executable, "-c", WRITER, str(folder), str(storage)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        lines = [child.stdout.readline().strip() for _ in range(8)]
        child.send_signal(signal.SIGKILL)
        lines += child.stdout.read().split("\n")[:-1]
        child.wait()
        acknowledged = max(acknowledged, *(int(line) for line in lines))
        shutil.rmtree(folder)
        Ledger.rebuild(folder, str(storage))
        numbers = records.trials(folder)["number"].to_pylist()
        assert numbers == list(range(len(numbers)))
        assert len(numbers) > acknowledged
    assert acknowledged > 20
