"""The section [early_stopping]: a rule that could stop nobody is refused, and its keys travel with the study."""

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces import Budget, EarlyStopping, Study, StudyError
from search_spaces.complaints import Complaints
from search_spaces.early_stopping import read_early_stopping
from search_spaces.schema import json_schema
from search_spaces.study import BRACKETS_LIMIT, EPOCHS_LIMIT

Read = Callable[..., Study]


def with_rule(lawful: str, rule: str, epochs: int = 9) -> str:
    """The lawful study with other lines under [early_stopping]."""
    head = lawful[: lawful.index("[early_stopping]")].replace("epochs = 9", f"epochs = {epochs}")
    return f"{head}[early_stopping]\n{rule}\n"


@pytest.mark.parametrize(
    ("rule", "epochs", "said"),
    [
        ("grace = 9", 9, "early_stopping.grace: 9 is not below the 9 epochs of the budget, so no trial could "),
        ("grace = 10", 9, 'ever be stopped; lower it, or write name = "none"'),
        ("", 1, 'below the 1 epoch of the budget, so no trial could ever be stopped; write name = "none"'),
        (
            "brackets = 3",
            9,
            "early_stopping.brackets: 3 is more than 2: with grace = 1 and reduction = 3 the first rung of bracket 3 "
            "would be epoch 9, not below the 9 epochs of the budget; name at most 2",
        ),
        ("grace = 3\nbrackets = 2", 9, "name at most 1"),
        ("brackets = 0", 9, "early_stopping.brackets: 0 is not at least 1"),
        ("brackets = 2.0", 9, "early_stopping.brackets: 2.0 is not a whole number"),
        ("bracket = 2", 9, "did you mean 'brackets'"),
    ],
)
def test_a_halving_without_a_rung_is_refused_and_told_what_would_do(
    read: Read, lawful: str, rule: str, epochs: int, said: str
) -> None:
    with pytest.raises(StudyError) as refused:
        read(with_rule(lawful, f'name = "pareto_halving"\n{rule}', epochs))
    assert said in str(refused.value)
    assert len(refused.value.complaints) == 1


@given(grace=st.integers(1, 12), reduction=st.integers(2, 5), brackets=st.integers(1, 6), epochs=st.integers(1, 40))
def test_a_rule_is_refused_just_where_a_bracket_would_have_no_rung(
    grace: int, reduction: int, brackets: int, epochs: int
) -> None:
    rule, complaints = EarlyStopping("pareto_halving", grace, reduction, brackets), Complaints("file")
    table = {key: value for key, value in asdict(rule).items() if key != "quorum"}
    assert read_early_stopping(table, Budget(trials=9, epochs=epochs), complaints) == rule
    assert len(complaints) == (not all(rule.rungs(epochs, bracket) for bracket in range(brackets)))


def test_no_rule_needs_more_brackets_than_the_limit() -> None:
    most = EarlyStopping("pareto_halving", 1, 2, BRACKETS_LIMIT)
    assert most.rungs(EPOCHS_LIMIT, BRACKETS_LIMIT - 1)
    assert not most.rungs(EPOCHS_LIMIT, BRACKETS_LIMIT)


def test_brackets_travel_and_one_alone_leaves_the_digest_as_it_was(
    read: Read, lawful: str, vocabularies: Mapping[str, Any]
) -> None:
    plain, named, two = (
        with_rule(lawful, f'name = "pareto_halving"\n{rule}') for rule in ("", "brackets = 1", "brackets = 2")
    )
    assert read(plain).digest == read(named).digest != read(two).digest
    assert "brackets" not in json.dumps(read(plain).content())
    assert read(two).content()["early_stopping"]["brackets"] == 2
    assert Study.from_json(read(two).to_json()) == read(two)
    # A ledger of before there were brackets.
    assert Study.from_json(read(plain).to_json().replace(',"brackets":1', "")) == read(plain)
    jsonschema.validate(tomllib.loads(two), json_schema(vocabularies))


def test_fewer_epochs_from_outside_leave_the_rule_alone(read: Read, lawful: str) -> None:
    """`--epochs 1` tries a study out; that nobody is stopped then is told by `robustune check`."""
    study = read(with_rule(lawful, 'name = "pareto_halving"\nbrackets = 2')).override(epochs=1)
    assert study.early_stopping.rungs(1) == ()


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (
            'name = "median_stopping"\nreduction = 4',
            "early_stopping.reduction: median_stopping has no such key; it takes",
        ),
        (
            'name = "asha"\nquorum = 4',
            "early_stopping.quorum: asha has no such key; it takes grace, reduction, brackets",
        ),
        ('name = "median_stopping"\nquorum = 0', "early_stopping.quorum: 0 is not at least 1"),
        ('name = "median_stopping"\ngrace = 9', "early_stopping.grace: 9 is not below the 9 epochs"),
        ('name = "asha"\nbrackets = 3', "early_stopping.brackets: 3 is more than 2"),
        ('name = "hyperband"', "early_stopping.name: hyperband is not offered: it pauses trials"),
        ('name = "hyperband"\nreduction = 3', 'goes on or ends; write name = "asha"'),
        ('name = "pbt"', "early_stopping.name: pbt is not offered: it changes the options of trials that run"),
        ('name = "median_stopping_rule"', 'write name = "median_stopping"'),
        ('name = "ahsa"', "did you mean 'asha'"),
    ],
)
def test_rays_rules_have_their_own_keys_and_those_not_offered_say_why(
    read: Read, lawful: str, rule: str, said: str
) -> None:
    with pytest.raises(StudyError) as refused:
        read(with_rule(one_objective(lawful), rule))
    assert said in str(refused.value)
    assert len(refused.value.complaints) == 1


@pytest.mark.parametrize("rule", ['name = "asha"\nbrackets = 2', 'name = "median_stopping"\ngrace = 2\nquorum = 5'])
def test_rays_rules_are_for_one_objective(read: Read, lawful: str, vocabularies: Mapping[str, Any], rule: str) -> None:
    text = with_rule(one_objective(lawful), rule)
    study = read(text)
    assert Study.from_json(study.to_json()) == study
    jsonschema.validate(tomllib.loads(text), json_schema(vocabularies))
    with pytest.raises(
        StudyError, match=r"compares trials by one objective, and the study has 2; write name"
    ) as refused:
        read(with_rule(lawful, rule))
    assert [one.key for one in refused.value.complaints] == ["early_stopping.name"]


def test_none_keeps_the_keys_of_any_rule_so_that_its_name_alone_switches_it_off(read: Read, lawful: str) -> None:
    study = read(with_rule(lawful, 'name = "none"\ngrace = 9\nbrackets = 4\nquorum = 2'))
    assert study.early_stopping.rungs(9) == ()


def one_objective(lawful: str) -> str:
    """The lawful study without its second objective."""
    head, first, second = lawful.split("[[objectives]]")
    return head + "[[objectives]]" + first + second[second.index("[[constraints]]") :]
