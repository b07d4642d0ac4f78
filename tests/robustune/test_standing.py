"""Where a search stands is what its ledger says, and the time left is what this run's pace says."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from analysis.records import LedgerError
from robustune.ledger import Ledger
from robustune.screen import Screen
from robustune.standing import standing
from search_spaces import read_study
from trainables.registry import vocabularies

Curves = Callable[..., Path]
CONFIG = {"angle": 0.5, "loss": 0.1}


@pytest.fixture
def fresh(curves: Curves, tmp_path: Path) -> Path:
    """A study that was begun, without a trial."""
    folder = tmp_path / "results" / "curves"
    Ledger.create(folder, read_study(curves(), vocabularies()), {}).close()
    return folder


@pytest.fixture
def begun(fresh: Path) -> Path:
    """One trial in each state; the complete one scored 0.6 and 0.7."""
    with Ledger.open(fresh) as ledger:
        for number in range(4):
            ledger.ask(number, CONFIG, 1, {})
        for epoch in range(1, 5):
            scores = {"accuracy": 0.6, "robustness": 0.7}
            ledger.report(0, epoch, scores, 1.0, 0.1, end="complete" if epoch == 4 else None)
        ledger.report(1, 1, {"accuracy": 0.9, "robustness": 0.9}, 1.0, 0.1, end="stopped")
        ledger.fail(2, "NONFINITE", "epoch 1: the loss is nan")
    return fresh


def test_trials_are_counted_by_state_and_the_front_has_its_rows(begun: Path) -> None:
    now = standing(begun)
    assert now.name == "curves"
    assert now.trials == 8
    assert now.counts == {"running": 1, "complete": 1, "stopped": 1, "failed": 1}
    assert now.ended == 3
    assert now.objectives == 2
    assert [row["trial"] for row in now.front] == ["0"]
    assert now.hypervolume == pytest.approx(0.6 * 0.7)  # one point over the reference (0, 0)


def test_the_time_left_assumes_the_pace_of_this_run(begun: Path) -> None:
    assert standing(begun).seconds_left is None
    assert standing(begun, seconds=30.0).seconds_left == pytest.approx(30.0 / 3 * 5)
    # Of the three trials that have ended, two had before this driver began: one took it 30 s.
    assert standing(begun, seconds=30.0, earlier=2).seconds_left == pytest.approx(30.0 * 5)
    assert standing(begun, seconds=30.0, earlier=3).seconds_left is None


def test_a_folder_without_a_ledger_stands_nowhere(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match=r"holds no ledger\.sqlite"):
        standing(tmp_path)


def test_before_the_first_ending_no_time_is_promised(fresh: Path) -> None:
    now = standing(fresh, seconds=30.0)
    assert now.seconds_left is None
    assert now.hypervolume == 0.0
    assert now.front == []
    assert now.ended == 0


def test_the_screen_follows_a_ledger_and_shows_the_last_standing(begun: Path) -> None:
    console = Console(file=io.StringIO(), width=40)
    screen = Screen(True, console)
    with screen.live(begun):
        screen.changed()
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue().splitlines()
    assert shown[-1].startswith("3/8 trials (1 running, 1 complete, 1 stopped, 1 failed); front 1")


def test_the_live_screen_leaves_the_terminal_clean(begun: Path) -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True)
    with Screen(True, console).live(begun):
        pass
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")  # the cursor is back
