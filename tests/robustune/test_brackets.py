"""Brackets: each is a halving of its own, and which one a trial belongs to is settled before it begins."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustune import checks
from robustune.brackets import Brackets, shares
from robustune.errors import Mistake
from robustune.halving import ParetoHalving, rungs
from robustune.settings import Settings
from search_spaces.study import EarlyStopping, Study

BOUND = ({"metric": "c", "at_most": 0.0},)
Step = tuple[int, int, Mapping[str, float]]


def study(brackets: int = 2, grace: int = 1, reduction: int = 3, epochs: int = 27, seed: int = 0) -> Study:
    laws: dict[str, Any] = {
        "space": {"x": {"uniform": [0, 1]}},
        "objectives": [{"metric": name, "goal": goal, "reference": 0.0} for name, goal in (("a", "max"), ("b", "min"))],
        "constraints": BOUND,
        "budget": {"trials": 10, "epochs": epochs},
        "early_stopping": {
            "name": "pareto_halving",
            "grace": grace,
            "reduction": reduction,
            "brackets": brackets,
        },
    }
    return Study(name="toy", trainer="none", data="none", seed=seed, **laws)


@st.composite
def journeys(draw: st.DrawFn) -> tuple[Study, list[Step]]:
    """A study of several brackets, and reports of trials at all its rungs, interleaved."""
    reduction, brackets = draw(st.integers(2, 4)), draw(st.integers(1, 3))
    asked = study(brackets, draw(st.integers(1, 2)), reduction, epochs=130, seed=draw(st.integers(0, 5)))
    marks = asked.early_stopping.rungs(130)[:3]
    value = st.integers(-6, 6)
    ways = draw(st.lists(st.tuples(st.integers(0, 19), value, value, st.integers(-2, 2)), min_size=8, max_size=50))
    came: Counter[int] = Counter()
    steps = []
    for trial, a, b, c in ways:
        if came[trial] < len(marks):
            steps.append((trial, marks[came[trial]], {"a": float(a), "b": float(b), "c": float(c)}))
            came[trial] += 1
    return asked, steps


@given(journeys())
@settings(max_examples=80, deadline=None)
def test_each_bracket_decides_as_a_halving_without_brackets_that_begins_later(case: tuple[Study, list[Step]]) -> None:
    """So whatever tests/robustune/test_halving.py says of a halving holds within each bracket."""
    asked, steps = case
    rule = ParetoHalving(asked)
    said, drawn = [rule.report(*step) for step in steps], Brackets(asked)
    told = asked.early_stopping
    for bracket in range(told.brackets):
        later = replace(told, grace=told.grace * told.reduction**bracket, brackets=1)
        alone = ParetoHalving(replace(asked, early_stopping=later))
        own = [(step, goes_on) for step, goes_on in zip(steps, said, strict=True) if drawn.of(step[0]) == bracket]
        assert [alone.report(*step) for step, _ in own] == [goes_on for _, goes_on in own]


@given(journeys(), st.integers(0, 50))
@settings(max_examples=80, deadline=None)
def test_a_rule_that_remembers_what_came_before_decides_as_the_one_that_saw_it(
    case: tuple[Study, list[Step]], cut: int
) -> None:
    asked, steps = case
    rule, restored = ParetoHalving(asked), ParetoHalving(asked)
    said = [rule.report(*step) for step in steps]
    for step in steps[:cut]:
        restored.remember(*step)
    assert [restored.report(*step) for step in steps[cut:]] == said[cut:]
    # Those that came before the cut report again, as after a lost worker.
    assert [restored.report(*step) for step in steps[:cut]] == said[:cut]


def test_what_cannot_be_compared_is_not_remembered() -> None:
    rule, clean = ParetoHalving(study(1)), ParetoHalving(study(1))
    for broken in ({}, {"a": float("nan"), "b": 0.0, "c": 0.0}):
        rule.remember(0, 1, broken)
    for number in range(1, 9):
        scores = {"a": float(number % 4), "b": float(number % 3), "c": 0.0}
        assert rule.report(number, 1, scores) == clean.report(number, 1, scores)


@pytest.mark.parametrize(
    ("told", "epochs", "expected"),
    [
        ({"grace": 1, "reduction": 3, "brackets": 1}, 9, [(1, 3)]),
        ({"grace": 1, "reduction": 3, "brackets": 2}, 9, [(1, 3), (3,)]),
        ({"grace": 2, "reduction": 2, "brackets": 3}, 16, [(2, 4, 8), (4, 8), (8,)]),
    ],
)
def test_the_rungs_of_a_bracket_begin_a_factor_later_and_the_first_has_them_all(
    told: dict[str, int], epochs: int, expected: list[tuple[int, ...]]
) -> None:
    rule = EarlyStopping("pareto_halving", **told)
    assert [rule.rungs(epochs, bracket) for bracket in range(rule.brackets)] == expected
    assert rungs(rule, epochs) == (*sorted({rung for one in expected for rung in one}), epochs)


def test_the_shares_are_those_of_equal_budgets() -> None:
    # Of 9 epochs: 1 + 2/3 + 6/9 = 7/3 where rungs stand at 1 and 3, 3 + 6/3 = 5 where one stands at 3.
    assert shares(EarlyStopping("pareto_halving", brackets=2), 9) == (Fraction(15, 22), Fraction(7, 22))
    assert shares(EarlyStopping("pareto_halving"), 9) == (1,)


@given(st.integers(1, 4), st.integers(2, 5), st.integers(1, 4), st.integers(1, 300))
@settings(max_examples=100, deadline=None)
def test_shares_add_up_and_each_bracket_spends_the_same(grace: int, reduction: int, brackets: int, epochs: int) -> None:
    rule = EarlyStopping("pareto_halving", grace, reduction, brackets)
    found = shares(rule, epochs)
    assert sum(found) == 1
    spent = set()
    for bracket, share in enumerate(found):
        marks = [*rule.rungs(epochs, bracket), epochs]
        # An epoch is trained by those that passed every rung before it.
        trained = sum(Fraction(1, reduction ** sum(mark < epoch for mark in marks)) for epoch in range(1, epochs + 1))
        spent.add(share * trained)
    assert len(spent) == 1


@pytest.mark.parametrize("brackets", [2, 3])
def test_trials_are_drawn_by_the_shares_from_study_seed_and_number_alone(brackets: int) -> None:
    asked = study(brackets)
    drawn = Brackets(asked)
    counts = Counter(drawn.of(number) for number in range(6000))
    for bracket, share in enumerate(shares(asked.early_stopping, 27)):
        assert counts[bracket] / 6000 == pytest.approx(float(share), abs=0.025)
    again, other = Brackets(replace(asked, name="another")), Brackets(replace(asked, seed=1))
    assert [again.of(number) for number in range(9, -1, -1)] == [drawn.of(number) for number in range(9, -1, -1)]
    assert [other.of(number) for number in range(50)] != [drawn.of(number) for number in range(50)]


@pytest.mark.parametrize("epochs", [1, 2])
def test_where_fewer_epochs_leave_a_bracket_no_rung_its_trials_are_never_stopped(epochs: int) -> None:
    asked = study(3, epochs=epochs)
    rule, drawn = ParetoHalving(asked), Brackets(asked)
    late = [number for number in range(40) if drawn.of(number) == 2]
    assert late
    assert all(rule.report(number, 1, {"a": -float(place), "b": 0.0, "c": 0.0}) for place, number in enumerate(late))


@pytest.mark.parametrize(
    ("rule", "epochs", "told"),
    [
        ("", 9, "early stopping pareto_halving (compared after epochs 1 and 3), seed"),
        ("grace = 3", 9, "early stopping pareto_halving (compared after epoch 3), seed"),
        (
            "brackets = 2",
            9,
            "(68% of trials compared after epochs 1 and 3; 32% of trials compared after epoch 3), seed",
        ),
        ("", 1, "early stopping pareto_halving (never compared), seed"),
    ],
)
def test_the_check_tells_when_trials_are_compared(
    curves: Callable[..., Path], tmp_path: Path, rule: str, epochs: int, told: str
) -> None:
    asked = checks.read(curves(epochs=9, rule=rule), epochs=epochs)
    assert told in "\n".join(checks.describe(asked, Settings(str(tmp_path))))


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (EarlyStopping("pareto_halving", brackets=4), "early_stopping.brackets: 4 is more than 3: .* name at most 3"),
        (EarlyStopping("pareto_halving", grace=27), "early_stopping.grace: 27 is not below the 27 epochs"),
        (EarlyStopping("asha"), "early_stopping.name: asha compares trials by one objective, and the study has 2"),
    ],
)
def test_a_study_made_in_python_is_held_to_the_same_laws(rule: EarlyStopping, said: str) -> None:
    with pytest.raises(Mistake, match=f"^STUDY_INVALID: toy: {said}"):
        checks.read(replace(study(), early_stopping=rule))
