"""Every shipped study reads cleanly against the real trainers, and editors' schema agrees with the reader."""

import tomllib

import jsonschema
import pytest

from search_spaces import StudyError, json_schema, read_study, shipped

pytest.importorskip("trainables.data.registry")
from trainables.registry import vocabularies as real_vocabularies


@pytest.fixture(scope="module")
def real():
    return real_vocabularies()


@pytest.fixture(scope="module")
def validator(real):
    schema = json_schema(real)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_study_reads_cleanly(real, validator, name):
    study = read_study(shipped()[name], real)
    assert study.source.startswith("description = ")
    assert study.description
    assert list(validator.iter_errors(tomllib.loads(study.source))) == []


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        ("learning_rate = {", "learning_rat = {"),
        ("log_uniform", "loguniform"),
        ('"clean_accuracy"', '"clean_acuracy"'),
        ('goal      = "max"', 'goal      = "min"'),
        ('name = "tpe"', 'name = "tep"'),
        ("trials = 16", "trials = 0"),
        ("width = 16", 'width = "16"'),
        ("[options]", "pgd_steps = 3\n[options]"),
        ("[space]", "[space]\npgd_steps = { whole = [1, 5] }"),
        ("[64, 128]", "[64, 128.5]"),
    ],
)
def test_what_the_schema_refuses_the_reader_refuses(real, validator, tmp_path, part, instead):
    text = shipped()["quickstart"].read_text()
    assert part in text
    path = tmp_path / "broken.toml"
    path.write_text(text.replace(part, instead, 1))
    assert list(validator.iter_errors(tomllib.loads(path.read_text())))
    with pytest.raises(StudyError):
        read_study(path, real)


def test_the_lawful_study_of_the_other_tests_fits_its_schema(vocabularies, lawful):
    jsonschema.Draft202012Validator(json_schema(vocabularies)).validate(tomllib.loads(lawful))


def test_the_first_study_is_as_promised(real):
    study = read_study(shipped()["quickstart"], real)
    assert study.data == "embedded-digits"
    assert study.budget.trials >= 16
    assert study.budget.epochs == 9
    assert len(study.objectives) == 2
    assert study.early_stopping.name == "pareto_halving"
