"""A grid is counted as a slow listing counts it, and a huge one in no time."""

from dataclasses import replace
from itertools import product

import pytest

from search_spaces import Study
from search_spaces.domains import Choice, Subset, Uniform, Whole
from search_spaces.extent import trial_limit
from search_spaces.study import Budget, Objective, Sampler

SPACE = {
    "transform": Choice(("none", "crop", "augmix")),
    "rates": Subset((5, 20)),
    "share": Uniform(0.0, 1.0, points=(0.1, 0.5), when={"rates": "nonempty"}),
    "severity": Whole(1, 3, when={"transform": ("crop", "augmix"), "share": 0.5}),
}
# By hand: 3 without rates; with one of three sets of rates, 3 with a share of 0.1, and 1 + 2 * 3 with 0.5.
POINTS = 3 + 3 * (3 + 1 + 2 * 3)


@pytest.fixture
def study() -> Study:
    return Study(
        name="grid",
        trainer="classification",
        data="embedded-digits",
        space=SPACE,
        objectives=(Objective("clean_accuracy", "max", 0.5),),
        budget=Budget(trials=1000, epochs=9),
        sampler=Sampler("grid"),
    )


def test_conditions_take_points_away(study: Study) -> None:
    assert trial_limit(study) == POINTS


def test_the_budget_may_be_smaller(study: Study) -> None:
    for trials in (1, POINTS - 1, POINTS, POINTS + 1):
        assert trial_limit(replace(study, budget=Budget(trials, 9))) == min(trials, POINTS)


def test_other_samplers_draw_as_many_as_the_budget_has(study: Study) -> None:
    assert trial_limit(replace(study, sampler=Sampler("random"))) == 1000


def test_a_first_configuration_counts_once_on_the_grid_and_beside_it(study: Study) -> None:
    on = {"transform": "crop", "rates": (5,), "share": 0.5, "severity": 2}
    beside = {"transform": "crop", "rates": (5,), "share": 0.3}
    assert trial_limit(replace(study, first=(on,))) == POINTS
    assert trial_limit(replace(study, first=(on, beside))) == POINTS + 1


def test_a_grid_of_10_to_the_40_is_counted_as_far_as_the_budget(study: Study) -> None:
    space = {f"knob_{place}": Whole(0, 9_999) for place in range(10)}
    space["last"] = Whole(0, 9, when={"knob_0": 3, "knob_1": 4})
    assert trial_limit(replace(study, space=space)) == 1000


def test_a_plain_grid_has_the_product_of_its_sizes(study: Study) -> None:
    space = {"a": Choice((1, 2, 3)), "b": Subset((1, 2)), "c": Whole(1, 5)}
    assert trial_limit(replace(study, space=space)) == len(list(product(range(3), range(4), range(5))))
