"""What an evaluation tells and leaves of segmentation trials under corruptions of test images."""

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console

from analysis.evaluated import CORRUPTION_MIOU_FILE
from robustune import segmentation_evaluation
from robustune.segmentation_corruption import columns, notes, rows, table
from trainables.corruption_facts import CORRUPTIONS
from trainables.corruption_overlaps import EXTRA


def told(seen: tuple[str, ...] = EXTRA, unseen: float | None = 0.25) -> dict[str, Any]:
    return {
        "images": 64,
        "clean": 0.54321,
        "corruptions": list(CORRUPTIONS),
        "severities": [1, 2, 3, 4, 5],
        "seen": list(seen),
        "cells": {name: [0.5, 0.4, 0.3, None, 0.1] for name in CORRUPTIONS},
        "by": dict.fromkeys(CORRUPTIONS, 0.3) | {"snow": None},
        "mean": {"unseen": unseen, "all": 0.125},
    }


def test_the_table_has_the_means_and_those_of_groups_and_fits_eighty_columns() -> None:
    console = Console(file=io.StringIO(), width=80)
    console.print(table({0: told(), 12345: told(CORRUPTIONS, None)}))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue().splitlines()
    assert shown[0].split() == ["mIoU"] * 8
    assert shown[1].split() == ["trial", "clean", "unseen", "all", "noise", "blur", "weather", "digital", "extra"]
    kinds = ["0.3000", "0.3000", "-", "0.3000", "0.3000"]  # no score under snow, which is weather
    assert shown[3].split() == ["0", "0.5432", "0.2500", "0.1250", *kinds]
    assert shown[4].split() == ["12345", "0.5432", "-", "0.1250", *kinds]
    assert max(map(len, shown)) <= 80


def test_the_notes_tell_the_images_what_the_search_saw_and_what_leaves_its_mask() -> None:
    images, seen, moving = notes({0: told()})
    assert (
        "the first 64 test images, with clean weights, for each of 19 corruptions and severities 1, 2, 3, 4, 5"
        in images
    )
    assert seen == f"the search saw {', '.join(EXTRA)}, the four extra ones; mIoU unseen is over all the others"
    assert "glass_blur, motion_blur, elastic_transform move what is seen" in moving
    assert notes({0: told(("fog",))})[1].startswith("the search saw fog; ")


def test_every_cell_is_a_row_and_every_mean_a_column() -> None:
    both = {7: told(), 2: told()}
    found = rows(both)
    assert found.column_names == ["trial", "corruption", "group", "severity", "miou", "seen"]
    assert found.num_rows == 2 * 19 * 5
    fog = [row for row in found.to_pylist() if (row["trial"], row["corruption"]) == (2, "fog")]
    assert [(row["severity"], row["miou"]) for row in fog] == [(1, 0.5), (2, 0.4), (3, 0.3), (4, None), (5, 0.1)]
    assert {(row["group"], row["seen"]) for row in fog} == {("weather", False)}
    assert {row["corruption"] for row in found.to_pylist() if row["seen"]} == set(EXTRA)
    means = columns(both)
    assert means["corruption.miou_unseen"].to_pylist() == [0.25, 0.25]
    assert means["corruption.miou_clean"].to_pylist() == [0.54321, 0.54321]
    assert means["corruption.miou.snow"].null_count == 2
    assert {"corruption.miou_all", *(f"corruption.miou.{name}" for name in CORRUPTIONS)} <= set(means)


def test_an_evaluation_has_all_that_only_where_it_was_measured(tmp_path: Path) -> None:
    scores = {name: {"test": 0.5} for name in ("miou", "noisy_miou", "noisy_miou_deviation", "pixel_accuracy")}
    noise = {"scale": 0.1, "clip": 2.0, "maximum": "per_kernel", "targets": {"layers": ["conv"], "names": ["*"]}}
    noise |= {"matched": False, "draws": 1, "search_images": 0}
    plain: dict[str, Any] = {"scores": scores, "images": {"test": 9}, "noise": noise, "classes": ["ground"]}
    with_them = {3: {**plain, "corruption": told()}}
    report = segmentation_evaluation.REPORT
    assert (len(report.shown({3: plain})), len(report.shown(with_them))) == (1, 2)
    added = set(report.columns(with_them)) - set(report.columns({3: plain}))
    assert added == set(columns({3: told()}))
    assert "corruption" not in report.said({3: plain})
    assert json.loads(report.said(with_them)["corruption"]) == {"images": 64, "seen": list(EXTRA)}
    for name in ("class-iou", "noise-curve", "examples"):
        pq.write_table(pa.table({"row": pa.array([], pa.int64())}), tmp_path / f"{name}.parquet")
    assert report.files({3: plain}, lambda number: tmp_path) == {}
    assert set(report.files(with_them, lambda number: tmp_path)) == {CORRUPTION_MIOU_FILE}
