"""What a study file says of its start and its end: [[first]], warm_start_from, the bounds of [budget], new samplers."""

import json

import jsonschema
import pytest

from search_spaces import Study, StudyError
from search_spaces.schema import json_schema

POINT = """
[[first]]
batch_size = 16
learning_rate = 1e-3
fooling_rates = [5, 100]
extra_share = 1
transform = "none"
"""


def complaint(read, text):
    """The one line that a text is refused with."""
    with pytest.raises(StudyError) as refused:
        read(text)
    (line,) = str(refused.value).splitlines()
    return line.split("mine.toml: ")[1]


def test_a_first_point_is_read_in_drawing_order_and_in_the_types_of_its_domains(read, lawful):
    study = read(lawful + POINT)
    (point,) = study.first
    assert dict(point) == {
        "batch_size": 16,
        "learning_rate": 1e-3,
        "fooling_rates": (5, 100),
        "transform": "none",
        "extra_share": 1.0,
    }
    assert list(point) == [name for name in study.space if name in point]
    assert type(point["extra_share"]) is float
    assert Study.from_json(study.to_json()) == study


@pytest.mark.parametrize(
    ("old", "new", "key", "said"),
    [
        ("batch_size = 16\n", "", "first[0].batch_size", "missing; it takes { choice = [8, 16, 32] }"),
        ("= 16\n", "= 17\n", "first[0].batch_size", "17 lies outside the space"),
        ("= 16\n", "= 16.5\n", "first[0].batch_size", "16.5 lies outside the space"),
        ("= [5, 100]", "= [100, 5]", "first[0].fooling_rates", "[100, 5] lies outside the space: it takes { subset"),
        ("= [5, 100]", "= []", "first[0].extra_share", "not drawn here: fooling_rates is []; leave it out"),
        ('transform = "none"', 'transform = "crop_flip"', "first[0].mirror", "the key is missing"),
        ('transform = "none"', 'transform = "none"\nmirror = true', "first[0].mirror", "transform is 'none'"),
        ("batch_size", "batch_sise", "first[0].batch_sise", "did you mean 'batch_size'"),
    ],
)
def test_a_point_outside_the_space_is_refused_with_what_would_do(read, lawful, old, new, key, said):
    with pytest.raises(StudyError) as refused:
        read(lawful + POINT.replace(old, new))
    told = [line.split("mine.toml: ")[1] for line in str(refused.value).splitlines()]
    assert any(line.startswith(f"{key}: ") and said in line for line in told), told


def test_first_points_are_distinct_and_no_more_than_the_trials(read, lawful):
    assert complaint(read, lawful + POINT + POINT).startswith("first[1]: the same point as first[0]")
    few = lawful.replace("trials = 48", "trials = 8")
    assert "at most 8, as many as the budget has trials" in complaint(read, few + POINT * 9)
    assert "list of tables" in complaint(read, "first = 3\n" + lawful)


@pytest.mark.parametrize(
    ("said", "key", "law"),
    [
        ('"quickstart"', "warm_start_from", "is not a list of studies"),
        ("[3]", "warm_start_from[0]", "not the name or folder"),
        ('[""]', "warm_start_from[0]", "not the name or folder"),
        ('["a", "a"]', "warm_start_from[1]", "twice"),
        (json.dumps([f"s{place}" for place in range(101)]), "warm_start_from", "at most 100"),
    ],
)
def test_teachers_are_named_in_a_list(read, lawful, said, key, law):
    told = complaint(read, f"warm_start_from = {said}\n{lawful}")
    assert told.startswith(f"{key}: ")
    assert law in told


def test_samplers_that_learn_nothing_refuse_teachers(read, lawful):
    text = 'warm_start_from = ["quickstart"]\n' + lawful
    assert read(text).warm_start_from == ("quickstart",)
    told = complaint(read, text.replace('"tpe"\nstartup_trials = 8', '"qmc"'))
    assert told == (
        "warm_start_from: the sampler 'qmc' learns from no trial; leave the key out, or take one of tpe, nsga2, nsga3, "
        "gp"
    )


@pytest.mark.parametrize(
    ("said", "key", "law"),
    [
        ("hours = 0", "hours", "greater than 0"),
        ("hours = -1.5", "hours", "greater than 0"),
        ("hours = inf", "hours", "finite"),
        ('hours = "2"', "hours", "a number"),
        ("total_epochs = 8", "total_epochs", "less than the 9 epochs of one trial"),
        ("total_epochs = 9.5", "total_epochs", "whole number"),
        ("patience = 0", "patience", "at least 1"),
        ("patience = 48", "patience", "not below the 48 trials"),
        ("patiense = 4", "patiense", "did you mean 'patience'"),
        ("wall_hours = 4", "wall_hours", "known here"),
    ],
)
def test_bounds_of_the_budget_keep_their_laws(read, lawful, said, key, law):
    told = complaint(read, lawful.replace("epochs = 9", f"epochs = 9\n{said}"))
    assert told.startswith(f"budget.{key}: ")
    assert law in told


def test_lawful_bounds_are_read_and_kept(read, lawful):
    study = read(lawful.replace("epochs = 9", "epochs = 9\nhours = 2\ntotal_epochs = 9\npatience = 47"))
    assert (study.budget.hours, study.budget.total_epochs, study.budget.patience) == (2.0, 9, 47)
    assert Study.from_json(study.to_json()) == study
    assert study.override(trials=100).budget.hours == 2.0


@pytest.mark.parametrize(
    ("said", "key", "law"),
    [
        ('"qmc"\nsequence = "sobal"', "sequence", "did you mean 'sobol'"),
        ('"qmc"\ncandidates = 3', "candidates", "unknown; known here: name, sequence"),
        ('"nsga3"\ndivisions = 0', "divisions", "at least 1"),
        ('"nsga3"\ndivisions = 2.5', "divisions", "whole number"),
        ('"nsga3"\npopulation_size = 49', "population_size", "at random"),
        ('"nsga2"\ndivisions = 3', "divisions", "unknown"),
        ('"gp"\nstartup_trials = 49', "startup_trials", "name the sampler 'random'"),
        ('"gp"\ncandidates = 3', "candidates", "unknown; known here: name, startup_trials"),
        ('"tpe"\nstartup_trials = 49', "startup_trials", "more than the 48 trials"),
    ],
)
def test_options_of_samplers_keep_their_laws(read, lawful, said, key, law):
    told = complaint(read, lawful.replace('"tpe"\nstartup_trials = 8', said))
    assert told.startswith(f"sampler.{key}: ")
    assert law in told


def test_reference_points_are_counted(vocabularies, read, lawful, monkeypatch):
    more = "".join(f'[[objectives]]\nmetric = "m{place}"\ngoal = "min"\nreference = 1\n' for place in range(5))
    for place in range(5):
        monkeypatch.setitem(vocabularies["classification"]["metrics"], f"m{place}", {"goal": "min"})
    text = lawful.replace("[[constraints]]", more + "[[constraints]]")
    told = complaint(read, text.replace('"tpe"\nstartup_trials = 8', '"nsga3"\ndivisions = 20'))
    assert "20 divisions of 7 objectives make 230,230 reference points" in told


def test_the_schema_knows_the_new_parts(vocabularies, lawful):
    import tomllib

    schema = json_schema(vocabularies)
    text = 'warm_start_from = ["quickstart"]\n' + lawful.replace("epochs = 9", "epochs = 9\nhours = 1.5\npatience = 9")
    whole = tomllib.loads(text + POINT)
    jsonschema.validate(whole, schema)
    for part in ({"warm_start_from": "quickstart"}, {"budget": {"trials": 1, "epochs": 1, "hours": 0}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(whole | part, schema)
