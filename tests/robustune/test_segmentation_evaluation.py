"""What an evaluation of segmentation trials tells and leaves, and one from a study file on a real Ray."""

import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console
from typer.testing import CliRunner

from analysis import records
from analysis.evaluated import (
    CLASS_IOU_FILE,
    CORRUPTION_MIOU_FILE,
    EVALUATION_FILE,
    NOISE_CURVE_FILE,
    SEGMENTATION_EXAMPLES_FILE,
)
from robustune import data as data_command
from robustune.cli import app
from robustune.errors import Mistake
from robustune.segmentation_evaluation import columns, files, notes, said, table

Run = Callable[..., "subprocess.CompletedProcess[str]"]

SPLITS = ("original", "test", "hold_out")
NOISE = {
    **{"scale": 0.1, "clip": 2.0, "maximum": "per_kernel"},
    "targets": {"layers": ["conv", "batch_norm"], "names": ["*"]},
    **{"matched": False, "training_scale": 0.05, "draws": 4, "search_images": 0, "scales": [0.0, 0.1]},
}
STUDY = """
trainer = "segmentation"
data = "squares"
measure = ["corrupted_miou"]
[options]
encoder = "resnet18"
encoder_width = 4
stem = "strided"
decoder_width = 1
batch_size = 4
steps_per_epoch = 2
evaluation_noise_draws = 2
corruptions = ["fog"]
corruption_images = 1
[space]
noise_scale = { choice = [0.0, 0.3] }
[[objectives]]
metric = "miou"
goal = "max"
reference = 0.0
[[objectives]]
metric = "noisy_miou"
goal = "max"
reference = 0.0
[budget]
trials = 2
epochs = 1
[sampler]
name = "grid"
[early_stopping]
name = "none"
"""


def told(splits: tuple[str, ...] = SPLITS, **noise: Any) -> dict[str, Any]:
    scores = {"miou": 0.54321, "noisy_miou": 0.43211, "noisy_miou_deviation": 0.01234, "pixel_accuracy": 0.98765}
    return {
        "scores": {name: dict.fromkeys(splits, value) for name, value in scores.items()},
        "images": dict.fromkeys(splits, 10_000),
        "noise": {**NOISE, **noise},
        "classes": ["background", "cat"],
    }


def lines(one: dict[int, Any]) -> list[str]:
    console = Console(file=io.StringIO(), width=80)
    console.print(table(one))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_the_table_has_every_score_under_its_count_and_fits_eighty_columns() -> None:
    shown = lines({0: told(), 12345: told()})
    assert shown[0].split() == ["mIoU"] * 3 + ["noisy"] * 3
    assert shown[1].split() == ["original", "test", "hold-out"] * 2
    assert shown[2].split() == ["trial", *["10,000"] * 6]
    assert [line.split() for line in shown[4:]] == [
        [number, *["0.5432"] * 3, *["0.4321±0.012"] * 3] for number in ("0", "12345")
    ]
    assert max(map(len, shown)) <= 80


def test_splits_that_the_data_lack_are_not_shown_and_the_reader_is_told() -> None:
    alone = {3: told(("original",))}
    assert lines(alone)[2].split() == ["trial", "10,000", "10,000"]
    assert set(columns(alone)) == {
        "miou.original",
        "noisy_miou.original",
        "noisy_miou_deviation.original",
        "pixel_accuracy.original",
        "images.original",
    }
    assert "no other images" in notes(alone)[-1]


def test_the_notes_tell_the_noise_and_who_picked_the_trials() -> None:
    noisy, picked = notes({0: told()})
    assert "of scale 0.1 on conv, batch_norm, clamped at 2 sigma, per_kernel, 4 draws" in noisy
    assert "picked these trials by validation scores" in picked
    assert "test and hold-out images had no part" in picked
    assert "confirmation" in picked
    assert "that of each trial's own training, 4 draws" in notes({0: told(matched=True)})[0]
    some = {"layers": ["conv"], "names": ["encoder.*", "head.weight"]}
    assert "on conv named encoder.*, head.weight, clamped" in notes({0: told(targets=some)})[0]
    assert "first 16 validation images" in notes({0: told(search_images=16)})[1]


def test_columns_have_a_row_for_each_trial_and_the_noise_stands_by_its_number() -> None:
    both = {7: told(), 2: told(training_scale=0.3)}
    found = columns(both)
    assert {f"{score}.{split}" for score in ("miou", "images") for split in SPLITS} <= set(found)
    assert found["images.test"].to_pylist() == [10_000] * 2
    assert found["noisy_miou.hold_out"].to_pylist() == [0.43211] * 2
    told_too = said(both)
    assert json.loads(told_too["classes"]) == ["background", "cat"]
    assert {number: one["training_scale"] for number, one in json.loads(told_too["noise"]).items()} == {
        "7": 0.05,
        "2": 0.3,
    }


def test_tables_of_all_trials_are_one_and_one_without_a_row_is_none(tmp_path: Path) -> None:
    for number in (2, 7):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name in ("class-iou.parquet", "noise-curve.parquet"):
            pq.write_table(pa.table({"iou": [0.5, float(number)]}), folder / name)
        pq.write_table(pa.table({"row": pa.array([], pa.int64())}), folder / "examples.parquet")
    found = files({7: told(), 2: told()}, lambda number: tmp_path / str(number))
    assert set(found) == {CLASS_IOU_FILE, NOISE_CURVE_FILE}
    assert found[CLASS_IOU_FILE].to_pydict() == {"trial": [7, 7, 2, 2], "iou": [0.5, 7.0, 0.5, 2.0]}


@pytest.mark.parametrize("given", ["0,much", "", "0;0.1"])
def test_scales_that_are_no_numbers_are_refused(given: str) -> None:
    ended = CliRunner().invoke(app, ["evaluate", "weight-noise", "--noise-scales", given])
    assert isinstance(ended.exception, Mistake)
    assert ended.exception.code == "OPTION_INVALID"
    assert ended.exception.message.startswith(f"--noise-scales {given!r}: expected numbers from 0 to 1")


@pytest.mark.ray
def test_a_search_is_evaluated_on_unseen_images(
    robustune: Run, squares: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROBUSTUNE_DATA", str(tmp_path / "library"))
    data_command.add("image-masks", squares, None, {})
    (tmp_path / "tiny.toml").write_text(STUDY)
    folder = tmp_path / "results" / "tiny"
    done(robustune, "search", "tiny.toml")
    refused(robustune, "--noise-scales", "0,2", says="tiny: noise scale 2.0: expected a number from 0 to 1")
    first = done(robustune, "evaluate", "tiny", "--all", "--noise-scales", "0,0.2")
    assert "preparing evaluation/00001" in first
    again = done(robustune, "evaluate", "tiny", "--all", "--noise-scales", "0.2,0")
    assert "preparing" not in again
    assert again.splitlines()[-5:] == first.splitlines()[-5:]

    rows = pq.read_table(folder / EVALUATION_FILE).to_pylist()
    assert [row["number"] for row in rows] == [0, 1]
    for row in rows:
        assert row["miou.original"] == pytest.approx(row["metrics.miou"], abs=1e-5)
        assert 0 <= row["noisy_miou.test"] <= 1
        assert row["images.hold_out"] == 2
    curve = pq.read_table(folder / NOISE_CURVE_FILE)
    assert curve.schema.metadata[b"study"].decode() == records.read_study(folder).digest
    assert curve.column_names == ["trial", "scale", "draw", "split", "miou"]
    assert set(zip(*(curve[name].to_pylist() for name in ("trial", "scale", "draw")), strict=True)) == {
        (row["number"], scale, draw)
        for row in rows
        for scale in {0.0, 0.1, 0.2, row["options.noise_scale"]}  # scored at 0.1
        for draw in range(2 if scale else 1)
    }
    shown = pq.read_table(folder / SEGMENTATION_EXAMPLES_FILE)
    assert shown.num_rows == 2 * 2
    assert len(json.loads(shown.schema.metadata[b"classes"])) == 2
    assert {len(image.as_py()) for image in shown["image"]} == {32 * 32 * 3}
    assert pq.read_table(folder / CLASS_IOU_FILE).num_rows == 2 * 3 * 2 * 2
    cells = pq.read_table(folder / CORRUPTION_MIOU_FILE)
    assert cells.num_rows == 2 * 19 * 5
    assert set(cells.filter(cells["seen"])["corruption"].to_pylist()) == {"fog"}
    assert "the search saw fog; mIoU unseen is over all the others" in first
    assert [name for name in records.sets(folder) if name != "data"] == ["corrupted/validation/fog"]


def done(run: Run, *arguments: str) -> str:
    ended = run(*arguments, OMP_NUM_THREADS="1")
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stdout


def refused(run: Run, *arguments: str, says: str) -> None:
    ended = run("evaluate", "tiny", *arguments)
    assert ended.returncode == 2
    assert ended.stderr == f"OPTION_INVALID: {says}\n"
