"""What the ledger holds is what the tables say, also while the writer is at work."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis import records
from analysis.schema import unusable
from robustune.ledger import Ledger
from search_spaces.domains import Choice, LogUniform, Subset, Whole
from search_spaces.study import Study


def test_the_trials_table_says_what_the_events_say(made_up: Path) -> None:
    table = {row["number"]: row for row in records.trials(made_up).to_pylist()}
    ended = [event for event in records.events(made_up) if event.kind == "ended"]
    assert sorted(table) == sorted(event.trial for event in ended)
    for event in ended:
        row = table[event.trial]
        assert (row["state"], row["epochs"], row["code"], row["reason"]) == (
            event.state,
            event.epoch,
            event.code,
            event.reason,
        )
        assert {name: row[f"metrics.{name}"] for name in event.metrics} == event.metrics
        assert row["options.learning_rate"] == event.config["learning_rate"]
        assert row["options.fooling_rates"] == "+".join(str(rate) for rate in event.config["fooling_rates"])
        assert row["options.extra_share"] == event.config.get("extra_share")
        assert row["ended"] >= row["started"]


def test_the_scores_are_those_of_the_last_epoch(made_up: Path) -> None:
    last: dict[int, float] = {}
    for row in records.epochs(made_up).to_pylist():
        last[row["trial"]] = row["metrics.mce"]
    table = records.trials(made_up)
    assert dict(zip(table["number"].to_pylist(), table["metrics.mce"].to_pylist(), strict=True)) == last


def test_column_types_come_from_the_domains_and_not_from_the_rows(made_up: Path, tmp_path: Path) -> None:
    study = records.read_study(made_up)
    Ledger.create(tmp_path / "empty", study, {}).close()
    assert records.trials(tmp_path / "empty").schema == records.trials(made_up).schema
    assert records.epochs(tmp_path / "empty").schema == records.epochs(made_up).schema


@pytest.mark.parametrize(
    ("domain", "values", "column"),
    [
        (Whole(0, 5), [3, None], pa.array([3, None], pa.int64())),
        (LogUniform(1e-5, 1.0), [1e-3, None], pa.array([1e-3, None], pa.float64())),
        (Subset((5, 20)), [[5, 20], [], None], pa.array(["5+20", "", None])),
        (Choice((True, False)), [True, None], pa.array([True, None])),
        (Choice((1, 0.5)), [1, 0.5], pa.array([1.0, 0.5])),
        (Choice((1, "a", True)), [1, "a", True], pa.array(["1", "a", "True"])),
        (Choice(("none",)), [None], pa.array([None], pa.string())),
    ],
)
def test_an_option_is_a_typed_column(domain: Any, values: list[Any], column: pa.Array) -> None:
    assert records.option_column(domain, values).equals(column)


def test_exported_files_hold_the_tables_and_leave_nothing_aside(made_up: Path, tmp_path: Path) -> None:
    paths = records.export(made_up, tmp_path)
    assert pq.read_table(paths["trials.parquet"]).equals(records.trials(made_up))
    assert pq.read_table(paths["epochs.parquet"]).equals(records.epochs(made_up))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epochs.parquet", "trials.parquet"]


def test_a_reader_sees_each_commit_and_never_stops_the_writer(tmp_path: Path, study_of: Callable[..., Study]) -> None:
    folder = tmp_path / "live"
    with Ledger.create(folder, study_of(), {}) as ledger:
        events = records.events(folder)
        assert list(events) == []
        for number in range(3):
            ledger.ask(number, {}, number, {})
            assert records.counts(folder)["running"] == number + 1
        started = records.events(folder)
        assert next(started).trial == 0
        ledger.ask(3, {}, 3, {})
        assert [event.trial for event in started] == [1, 2]
    assert [path.name for path in folder.iterdir()] == ["ledger.sqlite"]


def test_reading_leaves_no_file_behind(made_up: Path) -> None:
    before = sorted(path.name for path in made_up.iterdir())
    content = (made_up / "ledger.sqlite").read_bytes()
    records.trials(made_up)
    records.check(made_up)
    assert sorted(path.name for path in made_up.iterdir()) == before
    assert (made_up / "ledger.sqlite").read_bytes() == content


def test_tables_are_of_one_moment(made_up: Path) -> None:
    study, trials, epochs = records.tables(made_up)
    assert study == records.read_study(made_up)
    assert trials.equals(records.trials(made_up))
    assert epochs.equals(records.epochs(made_up))


def test_a_ledger_that_cannot_be_reached_is_not_called_damaged(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError) as closed, closing(sqlite3.connect(tmp_path / "none" / "ledger")):
        pass
    assert unusable(closed.value).startswith("it cannot be read (unable to open database file)")
    with closing(sqlite3.connect(":memory:")) as empty, pytest.raises(sqlite3.OperationalError) as wrong:
        empty.execute("SELECT * FROM study")
    assert unusable(wrong.value).startswith("not a whole ledger (no such table: study)")


def test_no_ledger_and_no_whole_ledger_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(records.LedgerError, match="holds no ledger") as told:
        records.trials(tmp_path)
    assert told.value.missing
    (tmp_path / "ledger.sqlite").write_bytes(b"")
    with pytest.raises(records.LedgerError, match="not a whole ledger") as told:
        records.trials(tmp_path)
    assert not told.value.missing
