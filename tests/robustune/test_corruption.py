"""From a study with mce to its evaluation under all corruptions, as a user walks it, on a real Ray of this machine."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from analysis import records
from trainables.corruption_overlaps import EXTRA, FIFTEEN

pytestmark = [pytest.mark.ray, pytest.mark.slow]

Run = Callable[..., "subprocess.CompletedProcess[str]"]
STUDY = """
trainer = "classification"
data = "embedded-digits"
measure = ["ce/fog", "mce_without_overlap"]
[options]
model = "resnet18"
width = 8
stem = "strided"
training_images = 200
steps_per_epoch = 6
augmentation_images = 16
evaluation_images = 16
out_of_distribution_images = 8
baseline_epochs = 2
corruption_images = 60
early_corruptions = ["spatter", "saturate"]
early_corruption_severities = [3]
corruption_severities = [3, 5]
extra_sets = ["gaussian"]
[space]
learning_rate = { log_uniform = [1e-5, 6e-3], points = [6e-3, 1e-5] }
[[objectives]]
metric = "clean_accuracy"
goal = "max"
reference = 0.0
[[objectives]]
metric = "mce"
goal = "min"
reference = 2.0
[budget]
trials = 2
epochs = 2
[sampler]
name = "grid"
"""


def done(run: Run, *arguments: str) -> list[str]:
    ended = run(*arguments, timeout=540, OMP_NUM_THREADS="1", COLUMNS="80")
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stdout.splitlines()


def test_scores_are_relative_to_a_named_baseline_from_the_search_to_the_evaluation(
    robustune: Run, tmp_path: Path
) -> None:
    (tmp_path / "small.toml").write_text(STUDY)
    said = done(robustune, "search", "small.toml", "--concurrency", "1")
    assert sum(line.startswith("warning: ") and "fog" in line for line in said) == 1
    assert sum(line.startswith("warning: ") and "speckle_noise" in line for line in said) == 1
    assert "prepared corrupted/validation: 5 corruptions, 600 images" in said
    joined = " ".join(" ".join(said).split())  # wrapped lines keep the blank they end in
    assert "relative to the baseline, trained by preparation: start scratch, transform crop_flip, 2 epochs" in joined
    assert "the search saw other corruptions than the four extra ones: fog" in joined

    folder = tmp_path / "results" / "small"
    table = records.trials(folder)
    assert table["metrics.mce"].null_count == 0
    assert min(table["metrics.mce"].to_pylist()) > 0
    assert [first for first, _ in records.measured(folder)["mce"]] == [1, 2]
    assert not any("test" in name for name in records.sets(folder))

    said = done(robustune, "evaluate", "small", "--trial", "0")
    assert max(len(line) for line in said if not line.startswith(("evaluation", "corruption-errors"))) <= 80 + len(
        str(tmp_path)
    )
    assert "prepared corrupted/test: 19 corruptions, 38,000 images" in said
    check_evaluation(folder)


def check_evaluation(folder: Path) -> None:
    """The columns are the closed form of the rows: sums over severities, over the baseline's, and their mean."""
    (row,) = pq.read_table(folder / "evaluation.parquet").to_pylist()
    rows = pq.read_table(folder / "corruption-errors.parquet").to_pylist()
    assert len(rows) == 2 * 19 * 5
    mine = [one for one in rows if one["trial"] == 0]
    ratios = {
        name: sum(one["error"] for one in mine if one["corruption"] == name)
        / sum(one["baseline_error"] for one in mine if one["corruption"] == name)
        for name in (*FIFTEEN, *EXTRA)
    }
    for name, ratio in ratios.items():
        assert row[f"corruption.ce.{name}"] == pytest.approx(ratio)
    assert row["corruption.mce_all"] == pytest.approx(sum(ratios.values()) / 19)
    unseen = [ratios[name] for name in FIFTEEN if name != "fog"]
    assert row["corruption.mce_unseen"] == pytest.approx(sum(unseen) / 14)
    assert {one["corruption"] for one in rows if one["seen"]} == {"fog", *EXTRA}
    assert {one["corruption"] for one in rows if one["overlap"]} == {"gaussian_noise", "shot_noise", "speckle_noise"}
    told = json.loads(pq.read_schema(folder / "evaluation.parquet").metadata[b"corruption"])
    assert told["images"] == 400
