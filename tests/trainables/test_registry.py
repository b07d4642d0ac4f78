import json
import subprocess
import sys

import pytest

from trainables import registry
from trainables.architectures import MODELS
from trainables.errors import TrainableError


def test_vocabulary_is_plain_data_and_needs_no_torch() -> None:
    code = (
        "import json, sys; from trainables import registry; found = registry.vocabularies();"
        "from trainables.preparation import plan;"
        "plan('classification', 'embedded-digits', {}, {'fooling_rates': [5, 20]}, ('clean_accuracy',), 0);"
        "assert not {'torch', 'torchvision', 'ray', 'pydantic'} & set(sys.modules), sys.modules.keys();"
        "print(json.dumps(found))"
    )
    found = json.loads(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)
    assert found == registry.vocabularies()
    assert set(found["classification"]) == {"trainer", "options", "metrics", "data", "not_data"}
    assert "embedded-digits" in found["classification"]["data"]


def test_every_option_says_its_type_default_and_meaning() -> None:
    for name, law in registry.vocabulary("classification")["options"].items():
        assert {"type", "default", "description"} <= set(law), name
        assert law["description"], name


def test_an_unknown_trainer_is_named_with_the_known_ones() -> None:
    with pytest.raises(TrainableError, match="classification"):
        registry.vocabulary("nonsense")


def test_the_clean_metric_of_a_trainer_is_one_that_it_reports() -> None:
    found = {name: registry.clean_metric(name) for name in registry.trainer_names()}
    assert found == {"classification": "clean_accuracy", "closed-form": "", "segmentation": "miou"}
    for name, metric in found.items():
        assert not metric or metric in registry.vocabulary(name)["metrics"]


def test_models_are_those_of_torchvision() -> None:
    import torchvision.models as zoo

    assert sorted(MODELS) == zoo.list_models(module=zoo)
