"""Laws of studies: round trips, digests, orders."""

import json
import math
import pickle
import tomllib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from search_spaces import Budget, Choice, Constraint, Objective, Sampler, Study, StudyError, Uniform, Whole

BASE = Study(
    name="base",
    trainer="classification",
    data="embedded-digits",
    options={"rates": (5, 20.0), "model": "resnet18"},
    space={"a": Uniform(0, 1), "b": Choice((1, 2.5, True, "x"))},
    objectives=(Objective("clean", "max", 0.5), Objective("mce", "min", 1.2)),
    constraints=(Constraint("clean", at_least=0.6),),
    measure=("pgd", "mce"),
    budget=Budget(16, 9),
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)


@st.composite
def studies(draw):
    names = draw(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=6, unique=True))
    space = {}
    for place, name in enumerate(names):
        when = {} if place == 0 or draw(st.booleans()) else {draw(st.sampled_from(names[:place])): 1}
        space[name] = draw(st.sampled_from([Choice((1, 2, 3), when=when), Whole(0, 5, when=when)]))
    return replace(
        BASE,
        space={name: space[name] for name in draw(st.permutations(names))},
        options=draw(
            st.dictionaries(st.sampled_from(["x", "y"]), st.one_of(NUMBERS, st.booleans(), st.integers(0, 9)))
        ),
        sampler=Sampler("tpe", draw(st.dictionaries(st.sampled_from(["startup_trials"]), st.integers(1, 9)))),
        seed=draw(st.integers(0, 2**63 - 1)),
        source=draw(st.text(st.characters(exclude_categories=["Cs"]))),
    )


@given(studies())
def test_json_brings_a_study_back_with_order_and_digest(study):
    again = Study.from_json(study.to_json())
    assert again == study
    assert list(again.space) == list(study.space)
    assert again.digest == study.digest
    assert pickle.loads(pickle.dumps(study)) == study


@given(studies())
def test_an_option_is_drawn_after_those_its_condition_looks_at(study):
    order = list(study.space)
    for name, domain in study.space.items():
        assert all(order.index(other) < order.index(name) for other in domain.when)


@given(studies(), st.randoms())
def test_the_digest_knows_neither_order_nor_name_nor_source(study, random):
    names = list(study.space)
    random.shuffle(names)
    other = replace(study, name="other", description="d", source="s", space={name: study.space[name] for name in names})
    assert other.digest == study.digest


def test_declared_order_stays_where_conditions_allow_it():
    study = replace(BASE, space={"c": Whole(0, 1, when={"z": 1}), "b": Whole(0, 1), "z": Whole(0, 1)})
    assert list(study.space) == ["b", "z", "c"]


@pytest.mark.parametrize(
    "changed",
    [
        {"seed": 1},
        {"budget": Budget(17, 9)},
        {"data": "other"},
        {"options": {"rates": (20.0, 5), "model": "resnet18"}},
        {"space": {"a": Uniform(0, 1), "b": Choice((1, 2.5, 1.5, "x"))}},
        {"objectives": BASE.objectives[::-1]},
        {"measure": ("pgd",)},
        {"constraints": ()},
        {"sampler": Sampler("random")},
    ],
)
def test_the_digest_knows_everything_else(changed):
    assert replace(BASE, **changed).digest != BASE.digest


def test_content_is_plain_and_complete():
    begun = replace(BASE, first=({"a": 0.5, "b": 1},), warm_start_from=("other",), budget=Budget(16, 9, hours=2.0))
    content = begun.content()
    assert json.loads(json.dumps(content)) == content
    assert set(content) == set(vars(begun)) - {"name", "description", "source"}
    assert content["space"]["a"] == {"uniform": [0.0, 1.0]}
    assert content["budget"] == {"trials": 16, "epochs": 9, "hours": 2.0}


def test_what_is_not_used_leaves_the_digest_as_it_was_before_there_was_such_a_key():
    assert BASE.digest == "81c83099194bf70291d79ea0d9e66745bc547aaf0b6991d8cf8784374693e2ea"
    old = json.loads(BASE.to_json())
    for key in ("first", "warm_start_from"):
        del old[key]
    old["budget"] = {"trials": 16, "epochs": 9}
    assert Study.from_json(json.dumps(old)) == BASE


def test_metrics_stand_once_in_the_order_of_objectives_constraints_measure():
    assert BASE.metrics == ("clean", "mce", "pgd")


@given(NUMBERS, NUMBERS, NUMBERS)
def test_a_violation_is_positive_exactly_outside_the_bounds(value, one, other):
    low, high = sorted([one, other])
    assert (Constraint("m", low, high).violation(value) <= 0) == (low <= value <= high)
    assert (Constraint("m", at_least=low).violation(value) <= 0) == (value >= low)
    assert (Constraint("m", at_most=high).violation(value) <= 0) == (value <= high)
    assert Constraint("m", low, high).violation(math.nan) == math.inf


def test_override_changes_what_it_is_told_and_nothing_else():
    assert BASE.override() == BASE
    assert BASE.override(trials=3).budget == Budget(3, 9)
    assert BASE.override(epochs=2, seed=5) == replace(BASE, budget=Budget(16, 2), seed=5)
    with pytest.raises(StudyError, match="trials") as caught:
        BASE.override(trials=0, epochs=-1)
    assert len(caught.value.complaints) == 2
    with pytest.raises(StudyError, match="seed"):
        BASE.override(seed=-1)


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "../x"},
        {"name": "a..b"},
        {"name": ""},
        {"name": "a" * 65},
        {"name": ".hidden"},
        {"name": "-rf"},
        {"name": "a b"},
        {"name": "ä"},
        {"objectives": ()},
        {"space": {"a": Whole(0, 1, when={"a": 1})}},
        {"space": {"a": Whole(0, 1, when={"b": 1}), "b": Whole(0, 1, when={"a": 1})}},
        {"space": {"a": Whole(0, 1, when={"gone": 1})}},
        {"seed": -1},
        {"seed": True},
    ],
)
def test_unlawful_studies_cannot_be_made(changed):
    with pytest.raises(ValidationError):
        replace(BASE, **changed)


def test_a_read_study_keeps_its_source_and_its_file_s_content(read, lawful):
    study = read(lawful)
    table = tomllib.loads(study.source)
    assert study.source == lawful
    assert study.name == "mine"
    assert study.seed == table["seed"]
    assert study.description == table["description"]
    assert Study.from_json(study.to_json()) == study
    content = study.content()
    for key in ("trainer", "data", "seed", "measure", "options", "space", "objectives", "budget", "early_stopping"):
        assert content[key] == table[key], key
