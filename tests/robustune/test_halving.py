from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from robustune.halving import ParetoHalving, place, rungs
from search_spaces.study import EarlyStopping, Study

GOALS = ("max", "min", "max")


def study(objectives=2, constraints=(), reduction=3, epochs=9, grace=1):
    return Study(
        name="toy",
        trainer="none",
        data="none",
        space={"x": {"uniform": [0, 1]}},
        objectives=[{"metric": f"m{i}", "goal": GOALS[i], "reference": 0.0} for i in range(objectives)],
        constraints=constraints,
        budget={"trials": 10, "epochs": epochs},
        early_stopping={"name": "pareto_halving", "reduction": reduction, "grace": grace},
    )


BOUND = ({"metric": "c", "at_most": 0.0},)


def metrics(row, violation=None):
    return {f"m{i}": float(value) for i, value in enumerate(row)} | (
        {} if violation is None else {"c": float(violation)}
    )


def arrive(asked, reports):
    """Sends reports to a fresh rule in their order; returns its decisions."""
    rule = ParetoHalving(asked)
    return [rule.report(number, 1, report) for number, report in enumerate(reports)]


def last(asked, reports):
    return arrive(asked, reports)[-1]


# Whole numbers from a small range make ties and twins common, and stay exact under the rescaling below.
VALUE = st.integers(-6, 6)


@st.composite
def arrivals(draw, constrained=False, least=1):
    """A study's settings and the reports of one rung in their order."""
    objectives, reduction = draw(st.integers(1, 3)), draw(st.integers(2, 4))
    row = st.tuples(*[VALUE] * objectives)
    rows = draw(st.lists(row, min_size=least, max_size=24))
    violations = [draw(st.integers(-2, 3)) for _ in rows] if constrained else [None] * len(rows)
    asked = study(objectives, BOUND if constrained else (), reduction)
    return asked, [metrics(one, bad) for one, bad in zip(rows, violations, strict=True)]


@pytest.mark.parametrize(
    ("settings", "epochs", "expected"),
    [
        ({}, 9, (1, 3, 9)),
        ({}, 10, (1, 3, 9, 10)),
        ({"grace": 2, "reduction": 4}, 40, (2, 8, 32, 40)),
        ({"grace": 9}, 9, (9,)),
        ({"grace": 20}, 9, (9,)),
        ({}, 1, (1,)),
    ],
)
def test_rungs_grow_by_the_reduction_and_end_with_the_budget(settings, epochs, expected):
    assert rungs(EarlyStopping(name="pareto_halving", **settings), epochs) == expected
    assert rungs(EarlyStopping(name="none", **settings), epochs) == (epochs,)


@given(arrivals(constrained=True))
@settings(max_examples=150, deadline=None)
def test_a_newcomer_that_dominates_all_others_goes_on(case):
    asked, reports = case
    every = {name: [report[name] for report in reports] for name in reports[0]}
    best = {
        one.metric: max(every[one.metric]) + 1 if one.goal == "max" else min(every[one.metric]) - 1
        for one in asked.objectives
    }
    assert last(asked, [*reports, best | {"c": 0.0}])
    # Equal to the best on one objective, and better than all on the others, is enough.
    tied = asked.objectives[0]
    if len(asked.objectives) > 1:
        best[tied.metric] = (max if tied.goal == "max" else min)(every[tied.metric])
        assert last(asked, [*reports, best | {"c": 0.0}])


@given(arrivals(constrained=True))
@settings(max_examples=150, deadline=None)
def test_an_infeasible_newcomer_goes_on_where_all_others_violate_more(case):
    asked, reports = case
    assert last(asked, [*[report | {"c": 2.0 + abs(report["c"])} for report in reports], reports[-1] | {"c": 1.0}])
    twins = [reports[0] | {"c": 2.0}] * 5  # collapsed to one answer
    assert last(asked, [*twins, reports[-1] | {"c": 1.0}])


@given(arrivals())
@settings(max_examples=100, deadline=None)
def test_without_constraints_nothing_but_scores_counts(case):
    asked, reports = case
    bounded = study(len(asked.objectives), BOUND, asked.early_stopping.reduction)
    assert arrive(asked, reports) == arrive(bounded, [report | {"c": -1.0} for report in reports])


@given(arrivals(constrained=True), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_the_order_in_which_the_others_arrived_changes_nothing(case, chance):
    asked, reports = case
    others, newcomer = reports[:-1], reports[-1]
    expected = last(asked, reports)
    chance.shuffle(others)
    assert last(asked, [*others, newcomer]) == expected


@given(
    arrivals(constrained=True),
    st.lists(st.tuples(st.floats(1e-3, 1e3), st.floats(-100, 100)), min_size=3, max_size=3),
    st.floats(1e-3, 1e3),
)
@settings(max_examples=150, deadline=None)
def test_units_and_zero_points_of_objectives_and_constraints_change_nothing(case, laws, unit):
    asked, reports = case
    rescaled = [
        {f"m{i}": laws[i][0] * report[f"m{i}"] + laws[i][1] for i in range(len(asked.objectives))}
        | {"c": unit * report["c"]}
        for report in reports
    ]
    assert arrive(asked, rescaled) == arrive(asked, reports)


@given(st.lists(st.tuples(VALUE, VALUE, VALUE), min_size=4, max_size=24), st.floats(1e-3, 1e3))
@settings(max_examples=100, deadline=None)
def test_the_unit_of_one_of_two_constraints_changes_nothing(rows, unit):
    asked = study(1, ({"metric": "c", "at_most": 0.0}, {"metric": "d", "at_most": 0.0}))
    reports = [{"m0": float(score), "c": float(one), "d": float(other)} for score, one, other in rows]
    assert arrive(asked, [report | {"d": unit * report["d"]} for report in reports]) == arrive(asked, reports)


@given(arrivals(constrained=True))
@settings(max_examples=100, deadline=None)
def test_nobody_is_stopped_while_fewer_than_the_reduction_have_reported(case):
    asked, reports = case
    assert all(arrive(asked, reports)[: asked.early_stopping.reduction - 1])


@given(arrivals(constrained=True), st.data())
@settings(max_examples=150, deadline=None)
def test_the_best_feasible_on_any_objective_is_never_stopped(case, data):
    asked, reports = case
    one = data.draw(st.sampled_from(asked.objectives))
    feasible = [report[one.metric] for report in reports if report["c"] <= 0] or [0.0]
    best = max(feasible) + 1 if one.goal == "max" else min(feasible) - 1
    assert last(asked, [*reports, reports[-1] | {one.metric: best, "c": 0.0}])


@given(arrivals(constrained=True, least=6))
@settings(max_examples=100, deadline=None)
def test_an_infeasible_newcomer_never_goes_on_where_enough_feasible_ones_stand(case):
    asked, reports = case
    distinct = {tuple((report | {"c": max(0.0, report["c"])}).values()): report["c"] <= 0 for report in reports}
    assume(sum(distinct.values()) >= (len(distinct) + 1) // asked.early_stopping.reduction)
    best = {one.metric: 99.0 if one.goal == "max" else -99.0 for one in asked.objectives}
    assert not last(asked, [*reports, best | {"c": 1.0}])


@given(arrivals(constrained=True, least=4), st.integers(0, 23))
@settings(max_examples=100, deadline=None)
def test_replayed_reports_rebuild_a_rule_that_decides_alike(case, cut):
    asked, reports = case
    decisions = arrive(asked, reports)
    rebuilt = ParetoHalving(asked)
    for number, report in enumerate(reports[:cut]):
        rebuilt.report(number, 1, report)
    for number, report in enumerate(reports):  # those below the cut report again, as after a lost worker
        assert rebuilt.report(number, 1, report) == decisions[number]


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=40, unique=True), st.integers(2, 4))
@settings(max_examples=100, deadline=None)
def test_one_objective_is_ordinary_ranking(values, reduction):
    expected = []
    for count, value in enumerate(values, start=1):
        place = sorted(values[:count], reverse=True).index(value)
        expected.append(count < reduction or place < max(1, count // reduction))
    assert arrive(study(1, reduction=reduction), [metrics([value]) for value in values]) == expected


@given(st.lists(st.tuples(VALUE, st.integers(0, 3)), min_size=1, max_size=30))
@settings(max_examples=150, deadline=None)
def test_the_place_by_one_objective_is_the_ordinary_rank_after_feasibility(rows):
    """Ties go to the earlier row; among infeasible rows the smaller violation comes first."""
    costs, violations = np.array([[float(cost)] for cost, _ in rows]), np.array([float(bad) for _, bad in rows])
    ranked = sorted(range(len(rows)), key=lambda row: (violations[row], costs[row, 0], row))
    assert place(costs, violations) == ranked.index(len(rows) - 1)


def slow_place(rows, violations):
    """The newcomer's place by definition, in pure Python: smaller is better."""

    def dominates(a, b):
        return all(x <= y for x, y in zip(a, b, strict=True)) and a != b

    peers = [row for row, bad in zip(rows, violations, strict=True) if bad == violations[-1]]
    scales = [max(column) - min(column) or 1.0 for column in zip(*peers, strict=True)]
    ahead, rest = sum(bad < violations[-1] for bad in violations), list(enumerate(peers))
    while True:
        front = [(i, a) for i, a in rest if not any(dominates(b, a) for _, b in rest)]
        if front[-1][0] == len(peers) - 1:
            break
        ahead += len(front)
        rest = [one for one in rest if one not in front]

    def room(i):
        total = 0.0
        for k, scale in enumerate(scales):
            own, others = dict(front)[i][k], [b[k] for j, b in front if j != i]
            below = max((x for x in others if x <= own), default=-float("inf"))
            above = min((x for x in others if x >= own), default=float("inf"))
            total += (above - below) / scale if above > below else 0.0
        return round(total, 9)

    own = len(peers) - 1
    return ahead + sum(room(i) >= room(own) for i, _ in front if i != own)


@given(arrivals(constrained=True, least=4))
@settings(max_examples=150, deadline=None)
def test_places_are_those_of_the_definition(case):
    asked, reports = case
    goals = [-1 if one.goal == "max" else 1 for one in asked.objectives]
    rows = [[sign * report[f"m{i}"] for i, sign in enumerate(goals)] for report in reports]
    violations = [max(0.0, report["c"]) for report in reports]
    feasible = [row for row, bad in zip(rows[:-1], violations[:-1], strict=True) if bad == 0]
    leads = violations[-1] == 0 and any(
        all(rows[-1][k] < row[k] for row in feasible) for k in range(len(asked.objectives))
    )
    few = len(reports) < asked.early_stopping.reduction
    earlier = sorted(set(zip(map(tuple, rows[:-1]), violations[:-1], strict=True)))
    count = len({*earlier, (tuple(rows[-1]), violations[-1])})
    distinct = [list(row) for row, _ in earlier] + rows[-1:], [bad for _, bad in earlier] + violations[-1:]
    expected = few or leads or slow_place(*distinct) < max(1, count // asked.early_stopping.reduction)
    assert last(asked, reports) == expected


@pytest.mark.parametrize("objectives", [1, 2, 3])
@pytest.mark.parametrize("reduction", [2, 3, 4])
def test_the_share_of_exchangeable_arrivals_that_goes_on_tends_to_the_allowed_one(objectives, reduction):
    rows = np.random.default_rng(objectives * 10 + reduction).normal(size=(900, objectives))
    decisions = arrive(study(objectives, reduction=reduction), [metrics(row) for row in rows])
    assert np.mean(decisions[300:]) == pytest.approx(1 / reduction, abs=0.05)


def test_a_collapsed_objective_spares_nobody():
    """All share one value of it, so being as good as the best there is no merit."""
    asked = study(2, reduction=3)
    decisions = arrive(asked, [metrics([-value, 1.0]) for value in range(30)])
    assert sum(decisions) == asked.early_stopping.reduction - 1


@given(arrivals(least=5), st.integers(1, 10))
def test_copies_of_an_earlier_row_take_no_places(arrived, copies):
    asked, reports = arrived
    *earlier, newcomer = reports
    assert last(asked, [*earlier, *[earlier[0]] * copies, newcomer]) == last(asked, reports)


def test_rungs_are_judged_apart_and_only_there():
    rule = ParetoHalving(study(1))
    for number in range(9):
        assert rule.report(number, 2, metrics([-number]))
        assert rule.report(number, 9, metrics([-number]))
    assert [rule.report(number, 1, metrics([-number])) for number in range(4)] == [True, True, False, False]
    assert [rule.report(number, 3, metrics([-number])) for number in (3, 2)] == [True, True]


@pytest.mark.parametrize("broken", [{}, {"m0": float("nan"), "m1": 0.0}, {"m0": 0.0, "m1": float("inf")}])
def test_unusable_scores_do_not_go_on_and_leave_no_trace(broken):
    rule, clean = ParetoHalving(study(2)), ParetoHalving(study(2))
    assert not rule.report(0, 1, broken)
    for number, row in enumerate([(0, 0), (1, 1), (2, 2), (-1, 3)], start=1):
        assert rule.report(number, 1, metrics(row)) == clean.report(number, 1, metrics(row))


def test_a_rung_compares_by_what_is_measured_there_alone():
    asked = study(objectives=2, reduction=2, epochs=9)
    late = replace(asked, objectives=(asked.objectives[0], replace(asked.objectives[1], from_epoch=3)))
    rule = ParetoHalving(late)
    assert [rule.report(number, 1, {"m0": value}) for number, value in enumerate([3.0, 2.0, 4.0])] == [
        True,
        False,
        True,
    ]
    # The second epoch is a rung where the other objective is not measured yet, the fourth one where it must be there.
    assert [rule.report(number, 4, {"m0": 1.0}) for number in range(2)] == [False, False]
    assert rule.report(2, 4, metrics([1, 1]))


def test_a_rung_holds_trials_to_the_bounds_of_its_epoch():
    bounds = ({"metric": "c", "at_most": 2.0}, {"metric": "c", "at_most": 0.0, "from_epoch": 3})
    rule = ParetoHalving(study(objectives=1, constraints=bounds, reduction=2))
    # A feasible one that is worse goes on before an infeasible one that is better.
    assert [rule.report(number, 1, metrics([number], 1.0)) for number in range(3)] == [True, True, True]
    assert [rule.report(number, 4, metrics([value], bad)) for number, (value, bad) in enumerate([(1, 0), (5, 1)])] == [
        True,
        False,
    ]


@st.composite
def journeys(draw):
    """Trials on their way through the rungs 1, 3 and 9 of a study whose scores and bounds begin at different ones."""
    asked = study(3, ({"metric": "c", "at_most": 2.0}, {"metric": "c", "at_most": 0.0, "from_epoch": 3}))
    late = tuple(replace(one, from_epoch=begins) for one, begins in zip(asked.objectives, (1, 3, 2), strict=True))
    ways = draw(st.lists(st.tuples(st.integers(0, 9), st.tuples(VALUE, VALUE, VALUE), VALUE), min_size=4, max_size=40))
    reached: dict[int, int] = {}
    steps = []
    for trial, row, bad in ways:
        epoch = {0: 1, 1: 3}.get(reached.get(trial, 0))
        if epoch is not None:
            reached[trial] = reached.get(trial, 0) + 1
            report = metrics(row, bad)
            steps.append((trial, epoch, report if epoch == 3 else {"m0": report["m0"], "c": report["c"]}))
    return replace(asked, objectives=late), steps


@given(journeys(), st.integers(0, 40))
@settings(max_examples=100, deadline=None)
def test_rungs_that_fill_side_by_side_are_restored_at_any_moment(case, cut):
    asked, steps = case
    rule, restored = ParetoHalving(asked), ParetoHalving(asked)
    decisions = [rule.report(*step) for step in steps]
    for step in steps[:cut]:
        restored.report(*step)
    assert [restored.report(*step) for step in steps] == decisions
    for rung in (1, 3):
        alone = ParetoHalving(asked)
        apart = [alone.report(*step) for step in steps if step[1] == rung]
        assert apart == [said for said, step in zip(decisions, steps, strict=True) if step[1] == rung]


@given(journeys())
@settings(max_examples=100, deadline=None)
def test_where_scores_begin_later_a_dominating_newcomer_goes_on_and_what_begins_later_counts_for_nothing(case):
    asked, steps = case
    rule, told_more = ParetoHalving(asked), ParetoHalving(asked)
    early = [step for step in steps if step[1] == 1]
    decisions = [rule.report(*step) for step in early]
    # Scores and bounds of later epochs, should a trainer tell them, decide nothing.
    assert [told_more.report(trial, 1, report | {"m1": 7.0 * trial, "m2": -trial}) for trial, _, report in early] == (
        decisions
    )
    assert rule.report(99, 1, {"m0": max([0.0, *(report["m0"] for _, _, report in early)]) + 1, "c": 2.0})


@pytest.mark.parametrize("reduction", [2, 3])
def test_the_share_tends_to_the_allowed_one_also_where_most_are_infeasible(reduction):
    chance = np.random.default_rng(reduction)
    rows, bad = chance.normal(size=(900, 2)), chance.normal(1.0, 1.0, size=900)
    decisions = arrive(study(2, BOUND, reduction), [metrics(*one) for one in zip(rows, bad, strict=True)])
    assert np.mean(decisions[300:]) == pytest.approx(1 / reduction, abs=0.05)
