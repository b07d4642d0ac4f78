"""A small vocabulary, and studies written to disk."""

from pathlib import Path

import pytest

from search_spaces.reading import read_study

VOCABULARIES = {
    "classification": {
        "trainer": "classification",
        "options": {
            "model": {"type": "string", "enum": ["resnet18", "resnet34"], "default": "resnet18"},
            "batch_size": {"type": "integer", "minimum": 1, "maximum": 8192},
            "learning_rate": {"type": "number", "exclusiveMinimum": 0, "maximum": 10},
            "noise_scale": {"type": "number", "minimum": 0, "maximum": 1},
            "transform": {"type": "string", "enum": ["none", "crop_flip"]},
            "fooling_rates": {"type": "array", "items": {"type": "number", "exclusiveMinimum": 0}},
            "extra_share": {"type": "number", "minimum": 0, "maximum": 1},
            "mirror": {"type": "boolean"},
            "frozen": {"type": "boolean"},
            "path": {"type": "string"},
            "attack_steps": {"type": "integer", "minimum": 1, "fixed": True},
        },
        "metrics": {
            "clean_accuracy": {"goal": "max", "minimum": 0.0, "maximum": 1.0},
            "attacked_accuracy": {"goal": "max", "minimum": 0.0, "maximum": 1.0},
            "mce": {"goal": "min", "minimum": 0.0},
        },
        "data": {"embedded-digits": "digits on patches"},
    }
}

LAWFUL = """
description = "all parts at once"
trainer = "classification"
data = "embedded-digits"
seed = 7
measure = ["attacked_accuracy"]
[options]
model = "resnet18"
attack_steps = 5
[space]
extra_share = { uniform = [0.1, 1.0], when = { fooling_rates = "nonempty" } }
batch_size = { choice = [8, 16, 32] }
learning_rate = { log_uniform = [1e-5, 1e-2], points = [1e-5, 1e-3] }
fooling_rates = { subset = [5, 20, 100] }
mirror = { choice = [true, false], when = { transform = ["crop_flip"] } }
transform = { choice = ["none", "crop_flip"] }
[[objectives]]
metric = "clean_accuracy"
goal = "max"
reference = 0.5
[[objectives]]
metric = "mce"
goal = "min"
reference = 1.2
[[constraints]]
metric = "clean_accuracy"
at_least = 0.6
[budget]
trials = 48
epochs = 9
[sampler]
name = "tpe"
startup_trials = 8
[early_stopping]
name = "pareto_halving"
grace = 1
reduction = 3
"""


@pytest.fixture
def vocabularies():
    return VOCABULARIES


@pytest.fixture
def lawful():
    """The text of a study that uses every part."""
    return LAWFUL


@pytest.fixture
def written(tmp_path):
    """A function that writes a study file and gives its path."""

    def write(text: str | bytes, name: str = "mine.toml") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.fixture
def read(written):
    """A function that writes a study file and reads it."""
    return lambda text, name="mine.toml": read_study(written(text, name), VOCABULARIES)
