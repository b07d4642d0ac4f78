"""A small table of learning curves in closed form."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.tables.making import make, pack
from robustune import checks

STUDY = """
trainer = "closed-form"
data = "none"
[options]
diverges_above = 0.9
[space]
angle = { uniform = [0, 1], points = [0, 0.25, 0.5, 0.75, 1] }
loss = { choice = [0.0, 0.3, 0.6, 1.0] }
[[objectives]]
metric = "accuracy"
goal = "max"
reference = 0.0
[[objectives]]
metric = "robustness"
goal = "max"
reference = 0.0
[budget]
trials = 30
epochs = 9
[sampler]
name = "tpe"
[early_stopping]
name = "pareto_halving"
"""


@pytest.fixture
def small_table(tmp_path: Path) -> Path:
    """20 configurations, of which 5 diverge at once; an epoch takes a second."""
    (tmp_path / "small.toml").write_text(STUDY)
    study = checks.read(tmp_path / "small.toml")
    curves = make(study, tmp_path / "curves", seeds=1, workers=1, limit=None, device="cpu", say=lambda line: None)
    even = tuple(replace(curve, seconds=(1.0,) * len(curve.seconds)) for curve in curves)
    pack(study, even, tmp_path / "small.parquet")
    return tmp_path / "small.parquet"
