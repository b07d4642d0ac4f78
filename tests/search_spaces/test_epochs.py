"""From which epoch on scores are measured and bounds hold."""

import json
from dataclasses import replace

import jsonschema
import pytest

from search_spaces import Study, StudyError
from search_spaces.schema import json_schema
from search_spaces.study import Constraint, Objective

LATE = 'metric = "mce"\ngoal = "min"\nreference = 1.2'
LATER_BOUND = """
[[constraints]]
metric = "clean_accuracy"
at_least = 0.8
from_epoch = 3
"""


@pytest.fixture
def late(lawful: str) -> str:
    """A study whose mce is measured from the third epoch on, where a bound grows too."""
    return lawful.replace(LATE, LATE + "\nfrom_epoch = 3") + LATER_BOUND


def test_each_epoch_has_its_objectives_and_its_bounds(read, late):
    study = read(late)
    assert [[one.metric for one in study.objectives_at(epoch)] for epoch in (1, 2, 3, 9)] == [
        ["clean_accuracy"],
        ["clean_accuracy"],
        ["clean_accuracy", "mce"],
        ["clean_accuracy", "mce"],
    ]
    assert [[one.at_least for one in study.constraints_at(epoch)] for epoch in (1, 2, 3, 9)] == [
        [0.6],
        [0.6],
        [0.8],
        [0.8],
    ]
    assert [one.at_least for one in study.bounds] == [0.8]
    assert study.from_epochs == {"mce": 3}


def test_a_metric_is_measured_from_the_first_epoch_that_asks_for_it(read, late):
    study = read(late)
    both = replace(study, constraints=(Constraint("mce", at_most=2.0, from_epoch=2),))
    assert both.from_epochs == {"mce": 2}
    assert replace(study, measure=("mce",)).from_epochs == {}
    assert replace(study, objectives=(Objective("mce", "min", 1.2),)).from_epochs == {}


def test_both_bounds_of_one_epoch_hold(read, lawful):
    study = replace(read(lawful), constraints=(Constraint("mce", at_least=0.1), Constraint("mce", at_most=2.0)))
    assert study.bounds == study.constraints


def test_it_travels_as_json_and_the_schema_knows_it(read, late, vocabularies):
    import tomllib

    study = read(late)
    assert Study.from_json(study.to_json()) == study
    jsonschema.validate(tomllib.loads(late), json_schema(vocabularies))


def test_the_first_epoch_is_the_default_and_leaves_the_digest_alone(read, lawful):
    named = lawful.replace(LATE, LATE + "\nfrom_epoch = 1")
    assert read(named).digest == read(lawful).digest
    assert read(lawful.replace(LATE, LATE + "\nfrom_epoch = 2")).digest != read(lawful).digest
    assert "from_epoch" not in json.dumps(read(lawful).content())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "at_least = 0.6",
            "at_least = 0.6\nfrom_epoch = 10",
            "constraints[0].from_epoch: 10 is more than the 9 epochs",
        ),
        ("from_epoch = 3", "from_epoch = 0", "from_epoch: 0"),
        ("at_least = 0.6", "at_least = 0.6\nfrom_epoch = 3", "constraints[1].metric: 'clean_accuracy' already stands"),
        (
            'goal = "max"\nreference = 0.5',
            'goal = "max"\nreference = 0.5\nfrom_epoch = 2',
            "early_stopping.grace: trials are compared after 1 epoch, where no objective is measured yet; let one "
            "begin by then, or set grace = 2",
        ),
    ],
)
def test_what_cannot_hold_is_refused_with_its_key(read, late, old, new, said):
    with pytest.raises(StudyError) as refused:
        read(late.replace(old, new))
    assert said in str(refused.value)


def test_fewer_epochs_from_outside_are_held_to_what_begins_later(read, late):
    study = read(late)
    assert study.override(epochs=3).budget.epochs == 3
    with pytest.raises(StudyError, match="3 is more than the 2 epochs of the budget, so mce would never") as caught:
        study.override(epochs=2)
    assert [one.key for one in caught.value.complaints] == ["objectives[1].from_epoch", "constraints[1].from_epoch"]
