"""Where a search stands is what its ledger says, and the time left is what this run's pace says."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from analysis import report
from analysis.records import LedgerError
from robustune.grid import points
from robustune.ledger import Ledger
from robustune.screen import Screen, line
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
        _play(ledger)
    return fresh


def _play(ledger: Ledger) -> None:
    for number in range(4):
        ledger.ask(number, CONFIG, 1, {})
    for epoch in range(1, 5):
        scores = {"accuracy": 0.6, "robustness": 0.7}
        ledger.report(0, epoch, scores, 1.0, 0.1, end="complete" if epoch == 4 else None)
    ledger.report(1, 1, {"accuracy": 0.9, "robustness": 0.9}, 1.0, 0.1, end="stopped")
    ledger.fail(2, "NONFINITE", "epoch 1: the loss is nan")


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
    # Of 4 trials one ended before its first epoch, and of 2 that trained it one went on, to its fourth and last. So 4
    # trials to come train 0.75 + 3 * 0.375 epochs each, and the one in flight a third more.
    epochs = 4 * 1.875 + 1.875 / 0.75
    assert standing(begun).seconds_left is None
    assert standing(begun, seconds=30.0).seconds_left == pytest.approx(30.0 / 5 * epochs)
    # Of the five epochs, three had been trained before this driver began: two took it 30 s.
    assert standing(begun, seconds=30.0, earlier=3).seconds_left == pytest.approx(30.0 / 2 * epochs)
    assert standing(begun, seconds=30.0, earlier=5).seconds_left is None


@pytest.mark.parametrize(("bound", "left"), [("hours = 0.001", 3.6), ("total_epochs = 7", 30.0 / 5 * 2)])
def test_the_time_left_ends_with_the_first_bound_of_the_budget(
    curves: Curves, tmp_path: Path, bound: str, left: float
) -> None:
    study = curves(epochs=f"4\n{bound}")
    with Ledger.create(tmp_path / "results" / "curves", read_study(study, vocabularies()), {}) as ledger:
        _play(ledger)
        now = standing(ledger.folder, seconds=30.0)
    assert now.seconds_left is not None
    assert 0 <= now.seconds_left <= left


def test_a_grid_smaller_than_the_budget_counts_its_points(curves: Curves, tmp_path: Path) -> None:
    text = curves(sampler="grid").read_text()
    text = text.replace("uniform = [0, 1] }", "uniform = [0, 1], points = [0.1, 0.5] }")
    path = tmp_path / "curves.toml"
    path.write_text(text)
    study = read_study(path, vocabularies())
    folder = tmp_path / "results" / "curves"
    Ledger.create(folder, study, {}).close()
    now = standing(folder)
    assert (now.trials, study.budget.trials) == (4, 8)
    assert now.trials == len(points(study, 0))
    assert line(now).startswith("0/4 trials")
    assert "<dt>Trials</dt><dd>0 of 4</dd>" in report.write(folder)["report.html"].read_text()


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
