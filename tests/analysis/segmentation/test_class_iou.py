"""Bars of IoU per class hold what the file says, and what cannot be drawn is told in one line."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis import plot_class_iou
from analysis.bars import miou_bars
from analysis.class_iou import ACROSS, SERIES, class_charts, read_class_iou, table_of
from analysis.figure_files import figure_files
from search_spaces.study import Study

FILE = "class-iou.parquet"


def test_bars_hold_every_class_of_the_file(
    folder: Path, study: Study, class_iou: Callable[..., Path], class_scores: Callable[..., float]
) -> None:
    class_iou(folder, study, [0, 1, 2], absent=[4, 10])
    every = read_class_iou(folder, study, [2, 1], "hold_out")
    assert [one.trial for one in every] == [2, 1]
    for one in every:
        (chart,) = class_charts(one)
        assert chart.groups == one.names
        assert chart.series == SERIES
        assert (chart.y.low, len(chart.bars)) == (0, 2 * 9)
        for bar in chart.bars:
            assert bar.value == bar.low == bar.high == class_scores(one.trial, bar.group, "hold_out", bar.series == 1)
        assert [place for place, note in enumerate(chart.notes) if note == "no pixel"] == [4, 10]
    assert class_charts(every[0])[0].title == "Trial 2: mIoU 0.700, under noise 0.500"


def test_a_class_that_only_noise_predicts_is_told_apart(folder: Path, study: Study) -> None:
    table = pq.read_table(folder / FILE)
    rows = [
        {**row, "iou": None if not row["noisy"] else 0.0} if row["class"] == 3 else row for row in table.to_pylist()
    ]
    pq.write_table(pa.Table.from_pylist(rows, table.schema), folder / FILE)
    (chart,) = class_charts(read_class_iou(folder, study, [0])[0])
    assert chart.notes[3] == "no pixel without noise"
    assert [bar.value for bar in chart.bars if bar.group == 3] == [0.0]


@pytest.mark.parametrize("count", [1, ACROSS, ACROSS + 1, 150])
def test_many_classes_are_parted_into_charts_that_hold_each_once(
    folder: Path, study: Study, class_iou: Callable[..., Path], count: int
) -> None:
    names = [f"class {number}" for number in range(count)]
    class_iou(folder, study, [0], names)
    (one,) = read_class_iou(folder, study)
    charts = class_charts(one)
    assert [name for chart in charts for name in chart.groups] == names
    assert max(len(chart.groups) for chart in charts) <= ACROSS
    assert len({chart.y for chart in charts}) == 1
    assert [chart.title.endswith("continued") for chart in charts] == [False] + [True] * (len(charts) - 1)


def test_the_first_split_that_was_evaluated_is_shown(folder: Path, study: Study) -> None:
    assert {one.split for one in read_class_iou(folder, study)} == {"test"}
    table = pq.read_table(folder / FILE)
    only = table.filter(pa.array([split == "original" for split in table["split"].to_pylist()]))
    pq.write_table(only, folder / FILE)
    assert {one.split for one in read_class_iou(folder, study)} == {"original"}


def test_the_same_file_gives_the_same_bytes_and_the_numbers_beside(
    folder: Path, study: Study, class_iou: Callable[..., Path], tmp_path: Path
) -> None:
    class_iou(folder, study, [0, 1, 2], ["<script>", "\x1b[31mred", "$x^", "long " * 40, "gone"], absent=[4])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        once, again = (plot_class_iou.write(folder, tmp_path / name, [2, 0], "original") for name in ("a", "b"))
    assert set(once) == {
        *figure_files("class-iou-bars-original-0-2"),
        "class-iou-bars-original-0-2.parquet",
    }
    assert all(path.read_bytes() == again[name].read_bytes() for name, path in once.items())
    table = pq.read_table(once["class-iou-bars-original-0-2.parquet"])
    assert table.equals(table_of(read_class_iou(folder, study, [2, 0], "original")))
    assert table["trial"].to_pylist() == [2] * 5 + [0] * 5
    assert table["iou"].null_count == table["noisy_iou"].null_count == 2
    said = " ".join(ElementTree.parse(once["class-iou-bars-original-0-2.svg"]).getroot().itertext())
    for words in ("<script>", "\\x1b[31mred", "no pixel", "Trial 0: mIoU", "on validation images", "under noise"):
        assert words in said


def test_mean_iou_by_set_has_the_deviation_over_draws_and_no_other_whisker() -> None:
    row = {"number": 3, "miou.original": 0.8, "noisy_miou.original": 0.95, "noisy_miou_deviation.original": 0.1}
    bars = miou_bars(pa.Table.from_pylist([{**row, "miou.hold_out": None, "noisy_miou.hold_out": 0.1}]))
    assert bars.series == ("Validation", "Validation, under noise", "Hold-out", "Hold-out, under noise")
    found = [(bar.series, bar.value, bar.low, bar.high) for bar in bars.bars]
    assert found == [(0, 0.8, 0.8, 0.8), (1, 0.95, pytest.approx(0.85), 1.0), (3, 0.1, 0.1, 0.1)]


def damaged(folder: Path, name: str) -> None:
    path = folder / FILE
    table = pq.read_table(path)
    rows: list[dict[str, Any]] = table.to_pylist()
    if name == "away":
        path.unlink()
    elif name == "cut":
        path.write_bytes(path.read_bytes()[:100])
    elif name:
        first = next(place for place, row in enumerate(rows) if row["split"] == "test")
        kept = {
            "hole": [row for place, row in enumerate(rows) if place != first],
            "twice": [*rows, rows[first]],
            "beyond": [{**row, "iou": 1.5} if place == first else row for place, row in enumerate(rows)],
            "endless": [{**row, "iou": float("inf")} if place == first else row for place, row in enumerate(rows)],
            "alone": [row for row in rows if row["trial"] != 2 or row["split"] == "original"],
        }.get(name, rows)
        changed = pa.Table.from_pylist(kept, table.schema)
        pq.write_table(changed.drop_columns(["noisy"]) if name == "column" else changed, path)


@pytest.mark.parametrize(
    ("damage", "arguments", "status", "said"),
    [
        ("", ["--trial", "7", "--trial", "0"], 2, "OPTION_INVALID: noisy: trial 7 was not evaluated"),
        ("away", [], 2, f"OPTION_INVALID: noisy: its folder has no {FILE} of its own"),
        ("alone", [], 2, "OPTION_INVALID: noisy: trial 2 was not evaluated on the split test (splits: original)"),
        ("hole", [], 3, "lacks class 0 of trial 0 on test without noise"),
        ("twice", [], 3, "has class 0 of trial 0 on test without noise twice"),
        ("beyond", [], 3, "has an IoU of 1.5 for class 0 of trial 0 on test"),
        ("endless", [], 3, "has an IoU of inf for class 0 of trial 0 on test"),
        ("column", [], 3, "has no column noisy"),
        ("cut", [], 3, "is no whole Parquet file"),
    ],
)
def test_a_mistake_is_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], damage: str, arguments: list[str], status: int, said: str
) -> None:
    damaged(folder, damage)
    assert plot_class_iou.main([str(folder), *arguments]) == status
    told = capsys.readouterr().err
    assert told.startswith(said if status == 2 else f"RESULTS_UNWRITABLE: {folder / FILE} {said}")
    assert told.count("\n") == 1
