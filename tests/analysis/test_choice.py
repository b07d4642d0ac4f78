"""Rules of choosing on fronts whose right member is known, and laws that hold on any front."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis import choice, records
from analysis import front as fronts
from analysis.choice import Choice, Clean, Members, Unchosen
from search_spaces.study import Objective, Study

CLEAN = Objective("clean_accuracy", "max", 0.0)
MCE = Objective("mce", "min", 1.2)
PGD = Objective("pgd_accuracy", "max", 0.0)


def members(*rows: tuple[float, ...], objectives: tuple[Objective, ...] = (CLEAN, MCE), first: int = 10) -> Members:
    numbers = tuple(range(first, first + len(rows)))
    return Members(numbers, np.array(rows, dtype=float), objectives, "searched")


def clean(of: Members, **changes: object) -> Clean:
    return replace(Clean("clean_accuracy", "max", of.values[:, 0]), **changes)  # type: ignore[arg-type]


def a_front(seed: int, objectives: int = 2, count: int = 12) -> Members:
    """A random front: losses on a bent surface, turned as the objectives have it."""
    draw = np.random.default_rng(seed)
    losses = draw.dirichlet(np.ones(objectives), count) ** 2
    wanted = (CLEAN, MCE, PGD)[:objectives]
    values = fronts.losses(losses, [one.goal for one in wanted])
    return Members(tuple(draw.permutation(count).tolist()), values, wanted, "searched")


FRONT = members((0.95, 0.9), (0.93, 0.6), (0.91, 0.5), (0.7, 0.4))


def test_of_those_within_the_drop_the_best_by_the_other_objective_is_picked() -> None:
    assert [choice.by_clean_drop(FRONT, clean(FRONT), drop).trial for drop in (0, 0.02, 0.04, 0.2, 0.25, 1)] == [
        10,
        11,
        12,
        12,
        13,
        13,
    ]


def test_a_bound_that_floating_point_misses_holds() -> None:
    pair = members((0.93, 0.9), (0.91, 0.5))
    assert 0.93 - 0.91 > 0.02
    assert choice.by_clean_drop(pair, clean(pair), 0.02).trial == 11


def test_the_reason_tells_score_rank_bound_and_yardstick() -> None:
    assert choice.by_clean_drop(FRONT, clean(FRONT), 0.04).why == (
        "mCE 0.5, the best of the 3 members (of 4) of the searched front whose clean accuracy is at most 0.04 below "
        "the best there, 0.95 of trial 10"
    )
    assert choice.by_clean_drop(FRONT, clean(FRONT), 0).why.startswith("mCE 0.9, the only member (of 4) of the")


@pytest.mark.parametrize("seed", range(5))
def test_a_larger_drop_never_gives_a_worse_robustness(seed: int) -> None:
    front = a_front(seed)
    drops = np.linspace(0, 1, 21)
    picked = [front.numbers.index(choice.by_clean_drop(front, clean(front), float(drop)).trial) for drop in drops]
    assert (np.diff(front.values[picked, 1]) <= 0).all()
    assert (front.values[picked, 0] >= front.values[:, 0].max() - drops - 1e-9).all()


def test_the_drop_can_be_measured_against_a_baseline() -> None:
    above = clean(FRONT, yardstick=("the baseline's", 0.9))
    assert choice.by_clean_drop(FRONT, above, 0.0).trial == 12  # what is better than the baseline has no drop
    assert "at most 0 below the baseline's 0.9" in choice.by_clean_drop(FRONT, above, 0.0).why
    with pytest.raises(Unchosen, match=r"at most 0.02 below the baseline's 0.99; the nearest, trial 10, is 0.04 below"):
        choice.by_clean_drop(FRONT, clean(FRONT, yardstick=("the baseline's", 0.99)), 0.02)


def test_a_clean_score_that_is_no_objective_bounds_the_choice() -> None:
    front = members((0.9, 0.1), (0.6, 0.4), (0.5, 0.6), objectives=(MCE, PGD))
    measured = Clean("clean_accuracy", "max", np.array([0.95, 0.94, 0.80]))
    # Both objectives count alike: (1 + 1) / 2, (0.25 + 0.4) / 2, (0 + 0) / 2 of scaled losses.
    assert choice.by_clean_drop(front, measured, 0.02).trial == 11
    assert choice.by_clean_drop(front, measured, 0.5).trial == 12
    unknown = Clean("clean_accuracy", "max", np.array([0.95, np.nan, np.nan]))
    assert choice.by_clean_drop(front, unknown, 0.5).trial == 10
    with pytest.raises(Unchosen, match="no member of the searched front has a score of clean_accuracy"):
        choice.by_clean_drop(front, Clean("clean_accuracy", "max", np.full(3, np.nan)), 0.5)


def test_of_a_clean_score_that_is_to_be_low_a_drop_is_a_rise() -> None:
    error = Objective("mce", "min", 1.0)
    front = members((0.1, 0.3), (0.12, 0.5), (0.4, 0.9), objectives=(error, PGD))
    picked = choice.by_clean_drop(front, Clean("mce", "min", front.values[:, 0]), 0.02)
    assert picked.trial == 11
    assert "mCE is at most 0.02 above the best there, 0.1 of trial 10" in picked.why


def test_weights_decide_among_several_other_objectives() -> None:
    front = members((0.95, 0.9, 0.1), (0.94, 0.5, 0.2), (0.93, 0.8, 0.6), objectives=(CLEAN, MCE, PGD))
    assert choice.by_clean_drop(front, clean(front), 0.1, {"mce": 1}).trial == 11
    assert choice.by_clean_drop(front, clean(front), 0.1, {"pgd_accuracy": 1}).trial == 12
    told = choice.by_clean_drop(front, clean(front), 0.1, {"mce": 1, "pgd_accuracy": 3})
    assert told.trial == 12
    assert "(mCE 1, PGD accuracy 3)" in told.why


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("objectives", [2, 3])
def test_weights_pick_what_a_plain_sum_over_scaled_objectives_picks(seed: int, objectives: int) -> None:
    front = a_front(seed, objectives)
    weights = dict(zip((one.metric for one in front.objectives), (1.0, 3.0, 0.5), strict=False))
    sums = []
    for row in front.values:
        total = 0.0
        for value, column, one in zip(row, front.values.T, front.objectives, strict=True):
            worst, best = (min(column), max(column)) if one.goal == "max" else (max(column), min(column))
            total += weights[one.metric] * (value - best) / (worst - best)
        sums.append(total)
    assert choice.by_weights(front, weights).trial == front.numbers[int(np.argmin(sums))]


@pytest.mark.parametrize("seed", range(4))
def test_units_order_and_signs_change_nothing(seed: int) -> None:
    front = a_front(seed)
    turned = (replace(CLEAN, goal="min"), replace(MCE, goal="max"))
    scaled = replace(front, values=front.values * [100.0, 0.01] + [5.0, -3.0])
    mirrored = replace(front, values=-front.values, objectives=turned)
    backwards = replace(front, values=front.values[::-1], numbers=front.numbers[::-1])
    for rule in (lambda it: choice.by_weights(it, {"clean_accuracy": 1, "mce": 2}), choice.by_knee):
        assert {rule(one).trial for one in (front, scaled, mirrored, backwards)} == {rule(front).trial}


def test_a_weight_of_nought_takes_an_objective_out() -> None:
    assert choice.by_weights(FRONT, {"clean_accuracy": 0, "mce": 5}) == choice.by_weights(FRONT, {"mce": 1})
    assert choice.by_weights(FRONT, {"clean_accuracy": 2}).trial == 10
    assert choice.by_weights(FRONT, {"mce": 1}).why == "mCE 0.4, the best of the 4 members of the searched front"


def test_the_knee_of_a_bent_front_lies_where_its_slope_is_that_of_the_line() -> None:
    place = np.linspace(0, 1, 21)
    front = members(*zip(1 - place, (1 - np.sqrt(place)) ** 2, strict=True))
    picked = choice.by_knee(front)
    assert place[front.numbers.index(picked.trial)] == 0.25
    assert picked.why.startswith(f"{0.5 / np.sqrt(2):.4g} of scaled losses below the line between the ends, the farthe")


@pytest.mark.parametrize("seed", range(4))
def test_the_knee_is_the_farthest_from_the_line_by_the_cross_product(seed: int) -> None:
    front = a_front(seed)
    points = front.scaled
    ends = points[np.argmin(points[:, 0])], points[np.argmin(points[:, 1])]
    run, rise = ends[1] - ends[0]
    distances = [run * (ends[0][1] - y) - (ends[0][0] - x) * rise for x, y in points]
    assert choice.by_knee(front).trial == front.numbers[int(np.argmax(distances))]


@pytest.mark.parametrize(
    "rows", [((0.9, 0.9), (0.5, 0.4)), ((0.9, 0.9), (0.7, 0.65), (0.5, 0.4)), ((1, 1), (0.9, 0.9), (0, 0))]
)
def test_a_front_that_is_straight_or_bulges_has_no_knee(rows: tuple[tuple[float, ...], ...]) -> None:
    with pytest.raises(Unchosen, match=r"no knee: none of its \d members.*--max-clean-drop or --weights"):
        choice.by_knee(members(*rows))


def test_the_knee_of_three_objectives_has_the_smallest_sum() -> None:
    front = members((1, 1, 0), (0, 0, 0), (0, 1, 1), (0.6, 0.5, 0.5), objectives=(CLEAN, MCE, PGD))
    picked = choice.by_knee(front)
    assert picked.trial == 13
    assert picked.why.startswith("sum of scaled losses 1.4, the smallest of the 4 members")


ONE = members((0.9, 0.5))


@pytest.mark.parametrize(
    "picked",
    [choice.by_knee(ONE), choice.by_weights(ONE, {"mce": 1}), choice.by_clean_drop(ONE, clean(ONE), 0)],
    ids=["knee", "weights", "drop"],
)
def test_a_front_of_one_member_gives_it_by_every_rule(picked: Choice) -> None:
    assert picked.trial == 10
    assert "the only member of the searched front" in picked.why


def test_with_one_objective_the_best_is_picked() -> None:
    twins = members((0.9,), (0.9,), objectives=(CLEAN,))
    rule = "the smaller sum of all scaled losses, then the lower number, decides"
    for picked in (
        choice.by_knee(twins),
        choice.by_clean_drop(twins, clean(twins), 0.1),
        choice.by_weights(twins, {"clean_accuracy": 1}),
    ):
        assert picked.trial == 10
        assert f"(as good: trial 11; {rule})" in picked.why


def test_of_equals_the_better_by_all_objectives_and_then_the_lower_number_is_picked() -> None:
    front = members((0.9, 0.5, 0.1), (0.8, 0.5, 0.4), (0.7, 0.5, 0.2), (0.6, 0.9, 0.5), objectives=(CLEAN, MCE, PGD))
    picked = choice.by_weights(front, {"mce": 1})
    sums = front.scaled.sum(axis=1)
    assert picked.trial == front.numbers[int(np.argmin(sums[:3]))]
    assert "as good: trials " in picked.why
    twins = members((0.9, 0.5), (0.9, 0.5), (0.1, 0.1), first=4)
    assert choice.by_clean_drop(twins, clean(twins), 0.0).trial == 4


def test_the_members_are_those_of_the_front_with_its_constraints(made_up: Path, study_of: Callable[..., Study]) -> None:
    trials, study = records.trials(made_up), study_of()
    found = choice.searched(trials, study)
    rows = fronts.front(trials, study)
    assert list(found.numbers) == rows["number"].to_pylist()
    assert (found.values[:, 0] >= 0.6).all()
    assert found.values[:, 1].tolist() == rows["metrics.mce"].to_pylist()
