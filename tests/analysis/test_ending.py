"""A page says what ended its search and who was stopped where, for as long as that is so."""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from analysis import records, report
from analysis.ending import STOPPED, End, ended, stopped_after
from analysis.schema import STUDY_SEAL, check, seal
from robustune.ledger import Ledger
from robustune.tracking import closing
from search_spaces.study import Study

SPENT = End("trials", "all 48 trials of the budget were run")
BY_HAND = End(STOPPED, "stopped by <the> user")
REPORT = {"train_seconds": 1.0, "score_seconds": 0.1}


@pytest.fixture
def folder(search: Callable[..., Path], study_of: Callable[..., Study]) -> Path:
    return search(study_of())


def conclude(folder: Path, end: End) -> None:
    with Ledger.open(folder) as ledger:
        ledger.conclude(end)


def test_what_ended_a_search_is_on_its_page(folder: Path) -> None:
    assert ended(folder) is None
    assert "The search ended" not in report.write(folder)["report.html"].read_text()
    conclude(folder, BY_HAND)
    assert "<p>The search ended: stopped by &lt;the&gt; user.</p>" in report.write(folder)["report.html"].read_text()


def test_the_page_lists_the_stopped_trials_by_the_epoch_after_which_they_were(folder: Path) -> None:
    trials = records.trials(folder)
    rows = trials.select(["number", "state", "epochs"]).to_pylist()
    stopped = [row["number"] for row in rows if row["state"] == "stopped"]
    assert stopped_after(trials) == {3: stopped}
    page = report.write(folder)["report.html"].read_text()
    section = page.partition('aria-label="Endings">')[2].partition("</section>")[0]
    came = sum(row["epochs"] >= 3 for row in rows)
    assert f'<th scope="row">3</th><td class="num">{came}</td><td class="num">{len(stopped)}</td>' in section
    assert all(f'<a href="#trial-{number}">{number}</a>' in section for number in stopped)


def test_mlflow_s_note_says_the_same_in_two_sentences(folder: Path) -> None:
    conclude(folder, SPENT)
    count = len(stopped_after(records.trials(folder))[3])
    said = f"The search ended: all 48 trials of the budget were run. Stopped early: {count} after epoch 3."
    assert said in closing.note(folder, "1", {}).splitlines()
    conclude(folder, BY_HAND)
    assert "The search ended: stopped by \\<the\\> user." in closing.note(folder, "1", {})


def test_without_a_stopped_trial_there_is_no_such_table(tmp_path: Path, study_of: Callable[..., Study]) -> None:
    with Ledger.create(tmp_path / "none", study_of(), {}) as ledger:
        assert stopped_after(records.trials(ledger.folder)) == {}
        assert "Stopped early</h2>" not in report.write(ledger.folder)["report.html"].read_text()


def test_a_spent_budget_ends_a_search_until_it_is_extended(folder: Path) -> None:
    conclude(folder, SPENT)
    with Ledger.open(folder) as ledger:
        assert ended(folder) == SPENT
        ledger.extend(replace(ledger.study, budget=replace(ledger.study.budget, trials=50)))
        assert ended(folder) is None
        ledger.conclude(SPENT)
        assert ended(folder) == SPENT
        ledger.ask(48, dict(next(records.events(folder)).config), 1, {})
        assert ended(folder) is None


def test_a_stop_ends_a_search_until_the_next_driver_begins(folder: Path) -> None:
    conclude(folder, BY_HAND)
    assert ended(folder) == BY_HAND
    Ledger.open(folder).close()
    assert ended(folder) is None


def test_what_is_no_news_is_not_committed_again(folder: Path) -> None:
    conclude(folder, SPENT)
    with Ledger.open(folder) as ledger:
        before = records.facts(folder)["commits"]
        ledger.conclude(SPENT)
        assert records.facts(folder)["commits"] == before
    check(folder)


def test_a_ledger_of_an_older_schema_says_nothing_and_is_read(folder: Path) -> None:
    for version in (1, 2):
        with sqlite3.connect(folder / "ledger.sqlite") as connection:
            connection.execute("UPDATE study SET value = ? WHERE key = 'schema_version'", (json.dumps(version),))
            connection.execute("UPDATE seals SET digest = ? WHERE trial = -1", (seal(connection, STUDY_SEAL),))
        check(folder)
        assert ended(folder) is None
        report.write(folder)
    conclude(folder, SPENT)
    assert records.facts(folder)["schema_version"] == 3
    assert ended(folder) == SPENT


def test_the_end_is_published_with_the_rest(tmp_path: Path, study_of: Callable[..., Study]) -> None:
    shared = str(tmp_path / "shared")
    with Ledger.create(tmp_path / "here" / "study", study_of(), {}, shared) as ledger:
        ledger.conclude(SPENT)
    Ledger.rebuild(tmp_path / "there" / "study", shared)
    assert ended(tmp_path / "there" / "study") == SPENT
