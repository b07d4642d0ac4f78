"""The ledger keeps every fact once, says what differs and what is damaged, and lets one driver in."""

import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import records
from robustune.differences import differences
from robustune.errors import Mistake
from robustune.ledger import Ledger
from search_spaces.domains import Choice, LogUniform, Subset
from search_spaces.study import Budget, Objective, Study

METRICS = {"clean_accuracy": 0.75, "mce": 0.1 + 0.2}


def a_study(**changes: Any) -> Study:
    settings = {
        "name": "made-up",
        "trainer": "classification",
        "data": "embedded-digits",
        "space": {"learning_rate": LogUniform(1e-5, 1e-2), "fooling_rates": Subset((5, 20))},
        "objectives": (Objective("clean_accuracy", "max", 0.5), Objective("mce", "min", 1.2)),
        "budget": Budget(4, 3),
    }
    return Study(**{**settings, **changes})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "results" / "made-up"


@pytest.fixture
def ledger(folder: Path) -> Any:
    with Ledger.create(folder, a_study(), {"torch": "2.14.1"}) as made:
        yield made


def kept(folder: Path, number: int, epoch: int, content: bytes = b"weights") -> dict[str, Any]:
    path = folder / "checkpoints" / str(number) / f"{epoch}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return {"path": str(path), "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_what_is_recorded_is_read_back_to_the_last_bit(ledger: Ledger, folder: Path) -> None:
    ledger.record_set("data", "ab" * 32, {"images": 3})
    ledger.ask(0, {"learning_rate": 0.1 + 0.2, "fooling_rates": [5]}, 2**62, {"generation": 1})
    ledger.report(0, 1, METRICS, 4.0, 0.5)
    ledger.report(0, 2, METRICS, 4.0, 0.5, kept(folder, 0, 2), "stopped", {"generation": 2})
    seen = list(records.events(folder))
    assert [event.kind for event in seen] == ["asked", "reported", "reported", "ended"]
    assert [event.seq for event in seen] == sorted({event.seq for event in seen})
    assert seen[0].config == {"learning_rate": 0.1 + 0.2, "fooling_rates": [5]}
    assert seen[0].seed == 2**62
    assert seen[-1].metrics == METRICS
    assert (seen[-1].state, seen[-1].epoch, seen[-1].attributes) == ("stopped", 2, {"generation": 2})
    assert records.read_study(folder) == a_study()
    assert records.sets(folder) == {"data": {"digest": "ab" * 32, "images": 3}}
    assert records.counts(folder) == {"running": 0, "complete": 0, "stopped": 1, "failed": 0}
    assert list(records.events(folder, after=seen[1].seq)) == seen[2:]


def test_a_closed_ledger_is_one_plain_file_and_opens_with_the_same_content(folder: Path) -> None:
    with Ledger.create(folder, a_study(), {}) as ledger:
        ledger.ask(0, {"learning_rate": 1e-3}, 1, {})
    assert [path.name for path in folder.iterdir()] == ["ledger.sqlite"]
    before = list(records.events(folder))
    Ledger.create(folder, a_study(), {}).close()
    Ledger.open(folder).close()
    assert list(records.events(folder)) == before
    assert [path.name for path in folder.iterdir()] == ["ledger.sqlite"]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda ledger: ledger.report(7, 1, METRICS, 1.0, 1.0), "never asked"),
        (lambda ledger: ledger.report(0, 2, METRICS, 1.0, 1.0), "after epoch 0"),
        (lambda ledger: ledger.report(1, 2, METRICS, 1.0, 1.0), "has ended"),
        (lambda ledger: ledger.fail(1, "NONFINITE", "late"), "has ended"),
        (lambda ledger: ledger.report(0, 1, {"mce": float("nan")}, 1.0, 1.0), "JSON compliant"),
    ],
)
def test_what_does_not_follow_is_refused_whole(
    ledger: Ledger, folder: Path, call: Callable[[Ledger], None], said: str
) -> None:
    ledger.ask(0, {}, 1, {})
    ledger.ask(1, {}, 1, {})
    ledger.report(1, 1, METRICS, 1.0, 1.0, end="stopped")
    before = list(records.events(folder))
    with pytest.raises(ValueError, match=said):
        call(ledger)
    assert list(records.events(folder)) == before
    records.check(folder)


def test_an_epoch_reported_twice_stands_once_with_its_first_scores(ledger: Ledger, folder: Path) -> None:
    ledger.ask(0, {}, 1, {})
    ledger.report(0, 1, METRICS, 1.0, 1.0, kept(folder, 0, 1, b"first"))
    ledger.retried(0)
    ledger.report(0, 1, {"clean_accuracy": 0.0, "mce": 9.0}, 1.0, 1.0, kept(folder, 0, 1, b"second"))
    assert [event.metrics for event in records.events(folder) if event.kind == "reported"] == [METRICS]
    assert records.trials(folder)["retries"].to_pylist() == [1]
    assert ledger.requeue()[0].epoch == 1


class TestRequeue:
    def test_goes_back_to_the_last_checkpoint_and_drops_what_lies_beyond(self, ledger: Ledger, folder: Path) -> None:
        ledger.ask(0, {"fooling_rates": [5]}, 11, {})
        for epoch in (1, 2, 3):
            ledger.report(0, epoch, METRICS, 1.0, 1.0, kept(folder, 0, 2) if epoch == 2 else None)
        (again,) = ledger.requeue()
        assert (again.number, again.config, again.seed, again.epoch) == (0, {"fooling_rates": [5]}, 11, 2)
        assert Path(str(again.checkpoint)).name == "2.safetensors"
        assert records.epochs(folder)["epoch"].to_pylist() == [1, 2]
        ledger.report(0, 3, METRICS, 1.0, 1.0, end="complete")
        assert ledger.requeue() == []
        records.check(folder)

    @pytest.mark.parametrize("harm", ["gone", "flipped", "short", "empty"])
    def test_passes_over_a_checkpoint_that_is_not_whole(self, ledger: Ledger, folder: Path, harm: str) -> None:
        ledger.ask(0, {}, 1, {})
        first, second = kept(folder, 0, 1), kept(folder, 0, 2)
        ledger.report(0, 1, METRICS, 1.0, 1.0, first)
        ledger.report(0, 2, METRICS, 1.0, 1.0, second)
        for file, expected in ((Path(second["path"]), 1), (Path(first["path"]), 0)):
            damaged = {"gone": None, "flipped": b"weightz", "short": b"weigh", "empty": b""}[harm]
            file.unlink() if damaged is None else file.write_bytes(damaged)
            assert [(trial.epoch, trial.checkpoint is None) for trial in ledger.requeue()] == [(expected, not expected)]
            assert records.epochs(folder).num_rows == expected
        records.check(folder)

    def test_reads_paths_below_the_folder_and_numbers_never_come_twice(self, ledger: Ledger, folder: Path) -> None:
        ledger.ask(0, {}, 1, {})
        described = kept(folder, 0, 1)
        relative = str(Path(described["path"]).relative_to(folder))
        ledger.report(0, 1, METRICS, 1.0, 1.0, {**described, "path": relative})
        ledger.report(0, 2, METRICS, 1.0, 1.0)
        dropped = max(event.seq for event in records.events(folder))
        assert ledger.requeue()[0].checkpoint == relative
        ledger.report(0, 2, METRICS, 1.0, 1.0)
        assert max(event.seq for event in records.events(folder)) > dropped


class TestMismatch:
    def test_names_every_field_that_differs_and_changes_nothing(self, folder: Path) -> None:
        Ledger.create(folder, a_study(), {}).close()
        before = bytes_of(folder)
        other = a_study(
            space={"learning_rate": LogUniform(1e-4, 1e-2), "width": Choice((1, 2))},
            objectives=(Objective("clean_accuracy", "min", 0.5), Objective("mce", "min", 1.2)),
        )
        with pytest.raises(Mistake) as told:
            Ledger.create(folder, other, {})
        assert told.value.code == "STUDY_MISMATCH"
        for part in (
            "space.learning_rate.log_uniform: [1e-05, 0.01] became [0.0001, 0.01]",
            'space.fooling_rates: {"subset": [5, 20]} became nothing',
            'space.width: nothing became {"choice": [1, 2]}',
            'objectives[0].goal: "max" became "min"',
        ):
            assert part in told.value.message
        assert "\n" not in told.value.message
        assert bytes_of(folder) == before

    def test_comments_and_descriptions_are_no_difference(self, folder: Path) -> None:
        Ledger.create(folder, a_study(), {}).close()
        Ledger.create(folder, a_study(description="other", source="# other"), {}).close()
        assert records.read_study(folder).description == ""

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=3),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
            max_leaves=8,
        )
    )
    def test_a_content_does_not_differ_from_itself(self, content: Any) -> None:
        assert list(differences(content, json.loads(json.dumps(content)))) == []


class TestLock:
    def test_a_second_driver_learns_who_holds_it(self, ledger: Ledger, folder: Path) -> None:
        for attempt in (lambda: Ledger.open(folder), lambda: Ledger.create(folder, a_study(), {})):
            with pytest.raises(Mistake, match=rf"pid {os.getpid()} on '.+' since \d{{4}}-") as told:
                attempt()
            assert told.value.code == "STUDY_LOCKED"
        assert ledger.study == a_study()

    def test_a_dead_owner_holds_nothing(self, folder: Path) -> None:
        code = (
            "import os, sys; from pathlib import Path; from robustune.ledger import Ledger\n"
            "ledger = Ledger.open(Path(sys.argv[1])); print('mine', flush=True); os.kill(os.getpid(), 9)"
        )
        Ledger.create(folder, a_study(), {}).close()
        child = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False)
        assert (child.stdout, child.returncode) == ("mine\n", -signal.SIGKILL)
        assert (folder / "ledger.lock").exists()
        Ledger.open(folder).close()
        assert not (folder / "ledger.lock").exists()

    @pytest.mark.parametrize("told", [b"", b"\xff\x00", b"[]", b'{"pid": "x"}'])
    def test_a_damaged_lock_file_still_locks(self, ledger: Ledger, folder: Path, told: bytes) -> None:
        (folder / "ledger.lock").write_bytes(told)
        with pytest.raises(Mistake, match="another driver"):
            Ledger.open(folder)


class TestDamage:
    @pytest.fixture
    def whole(self, folder: Path) -> Path:
        with Ledger.create(folder, a_study(), {}) as ledger:
            for number in range(30):
                ledger.ask(number, {"learning_rate": 1e-3}, number, {})
                ledger.report(number, 1, METRICS, 1.0, 1.0, end="stopped")
        return folder / "ledger.sqlite"

    def refused(self, path: Path) -> str:
        before = path.read_bytes()
        with pytest.raises(Mistake) as told:
            Ledger.open(path.parent)
        assert told.value.code == "STATE_CORRUPT"
        assert str(path) in told.value.message
        assert path.read_bytes() == before
        with pytest.raises(Mistake, match="STATE_CORRUPT"):
            Ledger.create(path.parent, a_study(), {})
        assert path.read_bytes() == before
        assert not (path.parent / "ledger.lock").exists()
        return told.value.message

    @pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.9, 0.999])
    def test_a_truncated_ledger_is_refused_and_left_as_it_is(self, whole: Path, share: float) -> None:
        content = whole.read_bytes()
        whole.write_bytes(content[: int(len(content) * share)])
        self.refused(whole)

    def test_garbage_is_refused(self, whole: Path) -> None:
        whole.write_bytes(random.Random(0).randbytes(9000))
        self.refused(whole)

    def test_every_flipped_bit_of_a_record_is_found(self, whole: Path) -> None:
        content = whole.read_bytes()
        draw = random.Random(1)
        for wanted in (b'"mce": 0.30000000000000004', b'"learning_rate": 0.001', b"stopped", b'"learning_rate":{"log'):
            where = content.rindex(wanted) + draw.randrange(len(wanted))
            flipped = bytearray(content)
            flipped[where] ^= 1 << draw.randrange(7)
            whole.write_bytes(flipped)
            assert "left as it is" in self.refused(whole)
        whole.write_bytes(content)
        Ledger.open(whole.parent).close()

    def test_an_edited_row_is_found(self, whole: Path) -> None:
        connection = sqlite3.connect(whole)
        connection.execute("UPDATE epochs SET metrics = json('{\"mce\": 0.0}') WHERE trial = 3")
        connection.commit()
        connection.close()
        assert "trial 3" in self.refused(whole)

    def test_a_newer_schema_says_to_update(self, whole: Path) -> None:
        connection = sqlite3.connect(whole)
        connection.execute("UPDATE study SET value = '4' WHERE key = 'schema_version'")
        connection.commit()
        connection.close()
        assert "newer robustune (schema 4" in self.refused(whole)

    def test_a_log_without_its_ledger_is_not_played_into_a_new_one(self, whole: Path) -> None:
        whole.with_name("ledger.sqlite-wal").write_bytes(b"log")
        whole.unlink()
        for attempt in (lambda: Ledger.open(whole.parent), lambda: Ledger.create(whole.parent, a_study(), {})):
            with pytest.raises(Mistake, match="STATE_CORRUPT"):
                attempt()

    def test_a_torn_log_gives_the_last_whole_commit(self, folder: Path, tmp_path: Path) -> None:
        ledger = Ledger.create(folder, a_study(), {})
        for number in range(5):
            ledger.ask(number, {}, number, {})
        copy = tmp_path / "copy"
        shutil.copytree(folder, copy)
        ledger.close()
        (copy / "ledger.sqlite-shm").unlink()
        log = copy / "ledger.sqlite-wal"
        log.write_bytes(log.read_bytes()[:-500])
        Ledger.open(copy).close()
        assert records.trials(copy).num_rows == 4
        records.check(copy)


def test_a_folder_without_a_study_says_how_to_begin(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(Mistake, match="robustune search") as told:
            Ledger.open(folder)
        assert told.value.code == "STUDY_MISSING"


def test_a_folder_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Mistake) as told:
        Ledger.create(tmp_path / "file" / "made-up", a_study(), {})
    assert told.value.code == "RESULTS_UNWRITABLE"
    assert "\n" not in told.value.message


def test_a_full_disk_refuses_a_fact_whole(folder: Path) -> None:
    with Ledger.create(folder, a_study(), {}) as ledger:
        ledger.ask(0, {}, 1, {})
        pages = ledger._connection.execute("PRAGMA page_count").fetchone()[0]
        ledger._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(Mistake, match="full"):
            ledger.ask(1, {"text": "x" * 100_000}, 1, {})
        ledger._connection.execute("PRAGMA max_page_count = 1000000")
        assert records.trials(folder)["number"].to_pylist() == [0]
        ledger.ask(1, {}, 1, {})


WRITER = """
import sys
from pathlib import Path
from analysis import records
from robustune.ledger import Ledger
with Ledger.open(Path(sys.argv[1])) as ledger:
    number = records.trials(ledger.folder).num_rows
    while True:
        ledger.ask(number, {"n": number}, number, {})
        print("asked", number, 0, flush=True)
        for epoch in (1, 2, 3):
            ledger.report(number, epoch, {"clean_accuracy": number / 7, "mce": epoch / 3}, 1.0, 1.0,
                          end="complete" if epoch == 3 else None)
            print("reported", number, epoch, flush=True)
        number += 1
"""


@pytest.mark.parametrize("rounds", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_every_acknowledged_commit_survives_kill_9_exactly_once(folder: Path, rounds: int) -> None:
    Ledger.create(folder, a_study(), {}).close()
    draw = random.Random(rounds)
    acknowledged: set[tuple[str, int, int]] = set()
    for _ in range(rounds):
        child = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        lines = [child.stdout.readline()]
        time.sleep(draw.uniform(0.0, 0.25))
        child.kill()
        lines += child.stdout.read().splitlines()
        child.wait()
        told = [line.split() for line in lines if line.count(" ") == 2 and line.split()[2:]]
        acknowledged |= {(kind, int(number), int(epoch)) for kind, number, epoch in told}
        records.check(folder)
        seen = [(event.kind, event.trial, event.epoch) for event in records.events(folder) if event.kind != "ended"]
        assert len(seen) == len(set(seen))
        assert acknowledged <= set(seen)
        table = records.trials(folder).to_pylist()
        assert all((row["state"] == "complete") == (row["epochs"] == 3) for row in table)
        with Ledger.open(folder) as ledger:
            for trial in ledger.requeue():
                assert trial.epoch == 0
                acknowledged = {fact for fact in acknowledged if fact[1] != trial.number}
                ledger.fail(trial.number, "KILLED", "for the test")
    assert len(acknowledged) > 10 * rounds


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(["ask", "report", "end", "fail", "reopen", "requeue"]), max_size=25))
def test_any_course_of_events_leaves_a_whole_ledger(
    tmp_path_factory: pytest.TempPathFactory, course: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("course")
    ledger = Ledger.create(folder, a_study(), {})
    running: dict[int, int] = {}
    asked = 0
    for step in course:
        if step == "ask":
            ledger.ask(asked, {}, asked, {})
            running[asked] = 0
            asked += 1
        elif step == "reopen":
            ledger.close()
            ledger = Ledger.open(folder)
        elif step == "requeue":
            assert [trial.number for trial in ledger.requeue()] == sorted(running)
            running = dict.fromkeys(running, 0)
        elif running:
            number = min(running)
            if step == "fail":
                ledger.fail(number, "TRIAL_ERROR", "x")
                del running[number]
            else:
                running[number] += 1
                ledger.report(number, running[number], METRICS, 1.0, 1.0, end="stopped" if step == "end" else None)
                if step == "end":
                    del running[number]
        records.check(folder)
    ledger.close()
    states = records.trials(folder)["state"].to_pylist()
    assert states.count("running") == len(running)
    assert len(states) == asked
