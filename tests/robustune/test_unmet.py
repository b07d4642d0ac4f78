"""Constraints that nobody meets are told once enough trials came, and never where somebody met them."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from analysis import records
from robustune import checks
from robustune.cli import app
from robustune.ledger import Ledger
from robustune.screen import Screen
from robustune.standing import standing
from robustune.unmet import unmet, worth
from search_spaces import Study
from search_spaces.study import Budget, Constraint, EarlyStopping

Curves = Callable[..., Path]
BOUND = Constraint("accuracy", at_least=0.9)
LATE = Constraint("accuracy", at_least=0.9, from_epoch=3)


def study(
    *constraints: Constraint, epochs: int = 9, trials: int = 30, rule: str = "pareto_halving", grace: int = 1
) -> Study:
    return Study(
        name="toy",
        trainer="none",
        data="none",
        space={"x": {"uniform": [0, 1]}},
        objectives=[{"metric": "robustness", "goal": "max", "reference": 0.0}],
        constraints=constraints,
        budget=Budget(trials=trials, epochs=epochs),
        early_stopping=EarlyStopping(rule, grace=grace),
    )


def epochs_of(asked: Study, rows: Sequence[tuple[int, int, Mapping[str, float]]]) -> pa.Table:
    """Rows of trial, epoch and scores, as the ledger gives them."""
    columns = {f"metrics.{name}": [scores.get(name) for _, _, scores in rows] for name in asked.metrics}
    found = {"trial": [trial for trial, _, _ in rows], "epoch": [epoch for _, epoch, _ in rows], **columns}
    return pa.table(found)


def first_epochs(asked: Study, values: Sequence[float]) -> pa.Table:
    return epochs_of(asked, [(trial, 1, {"accuracy": value}) for trial, value in enumerate(values)])


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        (study(), 9),  # 9, then 3, then one of full epochs
        (study(epochs=3), 3),
        (study(epochs=81), 10),
        (study(epochs=9, grace=9), 3),
        (study(rule="none"), 10),
        (replace(study(), early_stopping=EarlyStopping("pareto_halving", brackets=2)), 6),  # 11 in 60 last
        (study(trials=4), 4),
    ],
)
def test_a_rungs_worth_is_what_successive_halving_starts_with(asked: Study, count: int) -> None:
    assert worth(asked) == count


def test_it_is_told_from_a_rungs_worth_on_with_constraint_epoch_count_and_best() -> None:
    asked, values = study(BOUND), [0.2, 0.41237, *[0.3] * 7]
    assert unmet(asked, first_epochs(asked, values[:8])) == ()
    (one,) = unmet(asked, first_epochs(asked, values))
    assert one.words == (
        "no trial has met accuracy at least 0.9: 9 trials came to epoch 1, and the best had 0.4124 (trial 1 after "
        "epoch 1); loosen it, or let it hold from a later epoch (from_epoch)"
    )


@given(st.lists(st.floats(0, 1), max_size=14))
def test_it_is_told_just_where_enough_came_and_none_met_it(values: list[float]) -> None:
    asked = study(BOUND)
    assert bool(unmet(asked, first_epochs(asked, values))) == (len(values) >= 9 and max(values) < 0.9)


def test_of_several_brackets_all_trials_that_come_to_the_first_rung_count() -> None:
    """Those of a later bracket are not compared there, but they are scored, and none of them met it either."""
    asked = replace(study(BOUND), early_stopping=EarlyStopping("pareto_halving", brackets=2))
    assert unmet(asked, first_epochs(asked, [0.3] * 5)) == ()
    assert "6 trials came to epoch 1" in unmet(asked, first_epochs(asked, [0.3] * 6))[0].words
    late = replace(asked, constraints=(LATE,))
    third = [(trial, 3, {"accuracy": 0.3}) for trial in range(6)]
    assert "6 trials came to epoch 3" in unmet(late, epochs_of(late, third))[0].words


def test_who_meets_it_later_has_met_it() -> None:
    asked = study(BOUND)
    rows = [(trial, 1, {"accuracy": 0.1}) for trial in range(9)]
    assert unmet(asked, epochs_of(asked, [*rows, (0, 2, {"accuracy": 0.5})]))[0].words.count(
        "0.5 (trial 0 after epoch 2)"
    )
    assert unmet(asked, epochs_of(asked, [*rows, (0, 2, {"accuracy": 0.95})])) == ()


def test_epochs_before_a_bound_holds_count_for_nothing() -> None:
    asked = study(LATE)
    early = [(trial, epoch, {"accuracy": 0.1}) for trial in range(9) for epoch in (1, 2)]
    assert unmet(asked, epochs_of(asked, early)) == ()
    late = [(trial, 3, {"accuracy": 0.2}) for trial in range(9)]
    assert "9 trials came to epoch 3" in unmet(asked, epochs_of(asked, early + late))[0].words
    # Once a later bound of the same metric holds, the earlier one judges nobody.
    eased = study(replace(BOUND, at_least=0.15), LATE)
    told = unmet(eased, epochs_of(eased, early + late))
    assert [one.name for one in told] == ["accuracy from epoch 1", "accuracy from epoch 3"]
    assert "at least 0.15" in told[0].words
    assert "had 0.1 (" in told[0].words


def test_a_bound_of_the_last_epoch_can_hold_from_no_later_one() -> None:
    asked = study(replace(LATE, from_epoch=9))
    (one,) = unmet(asked, epochs_of(asked, [(trial, 9, {"accuracy": 0.2}) for trial in range(9)]))
    assert one.words.endswith("(trial 0 after epoch 9); loosen it")


def test_bounds_that_are_met_one_by_one_and_never_together_are_told_as_such() -> None:
    asked = study(BOUND, Constraint("share", at_most=0.5))
    apart = [
        (trial, 1, {"accuracy": 0.95, "share": 0.9} if trial % 2 else {"accuracy": 0.1, "share": 0.1})
        for trial in range(9)
    ]
    (one,) = unmet(asked, epochs_of(asked, apart))
    assert one.words.startswith("no trial has met all constraints at once, each alone has been met: 9 trials came to")
    assert unmet(asked, epochs_of(asked, [*apart, (0, 2, {"accuracy": 0.95, "share": 0.2})])) == ()


def test_both_sides_of_a_bound_are_told_and_the_nearest_is_the_best() -> None:
    asked = study(Constraint("accuracy", at_least=0.4, at_most=0.6))
    (one,) = unmet(asked, first_epochs(asked, [0.1, 0.25, 0.7, *[0.9] * 6]))
    assert "accuracy at least 0.4 and at most 0.6: " in one.words
    assert "the best had 0.7 (trial 2 " in one.words


@pytest.fixture
def begun(curves: Curves, tmp_path: Path) -> Path:
    """Three trials of a search whose bound is beyond all of them."""
    path = curves(epochs=3)
    path.write_text(path.read_text() + '[[constraints]]\nmetric = "accuracy"\nat_least = 0.99\n')
    folder = tmp_path / "results" / "curves"
    with Ledger.create(folder, checks.read(path), {}) as ledger:
        for number in range(3):
            ledger.ask(number, {"angle": 0.5, "loss": 0.1}, 1, {})
            ledger.report(number, 1, {"accuracy": 0.25, "robustness": 0.5}, 1.0, 0.1)
    return folder


def test_the_status_tells_it_below_its_line_and_is_no_error(begun: Path) -> None:
    told = CliRunner().invoke(app, ["status", str(begun)])
    assert told.exit_code == 0, told.output
    line, warning = told.output.splitlines()
    assert line.startswith("0/8 trials")
    assert warning.startswith("warning: no trial has met accuracy at least 0.99: 3 trials came to epoch 1")


@pytest.mark.parametrize("terminal", [False, True])
def test_the_screen_says_it_once(begun: Path, terminal: bool) -> None:
    out = io.StringIO()
    screen = Screen(True, Console(file=out, width=200, force_terminal=terminal, color_system=None, highlight=False))
    for _ in range(2):
        with screen.live(begun):
            screen.changed()
    assert out.getvalue().count("warning: no trial has met accuracy at least 0.99") == 1
    assert standing(begun).unmet


def test_nothing_is_unmet_where_a_trial_stands_on_the_front_and_no_epoch_is_read(
    curves: Curves, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = curves(epochs=1, early_stopping="none")
    path.write_text(path.read_text() + '[[constraints]]\nmetric = "accuracy"\nat_least = 0.2\n')
    folder = tmp_path / "results" / "curves"
    with Ledger.create(folder, checks.read(path), {}) as ledger:
        for number in range(3):
            ledger.ask(number, {"angle": 0.5, "loss": 0.1}, 1, {})
            ledger.report(number, 1, {"accuracy": number / 4, "robustness": 0.5}, 1.0, 0.1, end="complete")
    assert unmet(checks.read(path), records.epochs(folder)) == ()
    monkeypatch.delattr(records, "epochs")
    assert standing(folder).unmet == ()
