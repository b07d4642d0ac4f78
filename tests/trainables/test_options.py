import dataclasses
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from trainables.classification.options import ClassificationOptions, read
from trainables.errors import TrainableError


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"learning_rate": 0.0}, "learning_rate: 0.0 is not above 0"),
        ({"batch_size": 1}, "batch_size: 1 is not at least 2"),
        ({"batch_size": True}, "not of type integer"),
        ({"learning_rate": float("nan")}, "not of type number"),
        ({"model": "resnet19"}, "none of"),
        ({"fooling_rates": [5, -1]}, "fooling_rates: -1 is not above 0"),
        ({"fooling_rates": [5, 5.0]}, "fooling_rates"),
        ({"model": "vgg11", "unfrozen_layers": 3}, "residual stages"),
        ({"model": "vgg11", "width": 16}, "width"),
        ({"model": "densenet121", "activation": "gelu"}, "built in"),
        ({"start": "pretrained", "width": 16}, "pretrained"),
        ({"start": "checkpoint"}, "checkpoint_path"),
        ({"model": "vgg11", "baseline_unfrozen_layers": 3}, "baseline_unfrozen_layers: it counts residual stages"),
        ({"baseline_unfrozen_layers": 4}, "with 4 the random layers .* never train; use 5, or another baseline_start"),
        ({"transform": "augmix", "augmix_severity": 0.1}, "augmix_severity: 0.1 is not above 0.1"),
        ({"transform": "augmix", "augmix_depth": 0}, "augmix_depth: 0 is not at least 1"),
        ({"transform": "augmix", "consistency_weight": -1}, "consistency_weight: -1 is not at least 0"),
    ],
)
def test_a_broken_law_is_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(TrainableError, match=words) as caught:
        read(options)
    assert caught.value.code == "OPTION_INVALID"
    assert "\n" not in str(caught.value)


def test_a_baseline_may_freeze_layers_that_are_not_random_or_that_are_not_made() -> None:
    for more in ({"baseline_start": "pretext"}, {"baseline_weights": "one.safetensors"}):
        assert read({"baseline_unfrozen_layers": 0, **more}).baseline_unfrozen_layers == 0


def test_all_breaches_come_at_once() -> None:
    with pytest.raises(TrainableError, match=r"batch_size.*momentum"):
        read({"batch_size": 0, "momentum": 1.0})


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(TrainableError, match="'learning_rte'"):
        read({"learning_rte": 1})


def test_pydantic_validates_from_outside() -> None:
    adapter = TypeAdapter(ClassificationOptions)
    options = adapter.validate_python({"fooling_rates": [5, 20], "learning_rate": "1e-4"})
    assert options == ClassificationOptions(fooling_rates=(5.0, 20.0), learning_rate=1e-4)
    with pytest.raises(ValidationError):
        adapter.validate_python({"batch_size": 0})
    assert adapter.validate_json(adapter.dump_json(options)) == options


def test_defaults_are_lawful_and_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ClassificationOptions().batch_size = 3  # type: ignore[misc]
