"""What an evaluation shows of segmentation trials: mean IoU with and without noise, of classes, and over its scale."""

import json
from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from rich.box import SIMPLE_HEAD
from rich.table import Table

from analysis.evaluated import CLASS_IOU_FILE, CORRUPTION_MIOU_FILE, NOISE_CURVE_FILE, SEGMENTATION_EXAMPLES_FILE
from robustune import segmentation_corruption
from robustune.corruption_evaluation import under_corruptions
from robustune.evaluation_reports import FolderOf, Report, Shown, Told, by_split
from trainables.segmentation.evaluation_step import CLASS_IOU, EXAMPLES, NOISE_CURVE

HEADS: Final = {"original": "original", "test": "test", "hold_out": "hold-out"}
_SCORES: Final = ("miou", "noisy_miou", "noisy_miou_deviation", "pixel_accuracy")
_FILES: Final = {
    CLASS_IOU_FILE: CLASS_IOU,
    NOISE_CURVE_FILE: NOISE_CURVE,
    SEGMENTATION_EXAMPLES_FILE: EXAMPLES,
}
"""Names in the study's folder, and in that of one trial's evaluation."""


def columns(told: Told) -> dict[str, pa.Array]:
    """Returns scores, also under corruptions if measured, and counts of images as columns with a row for each trial."""
    scores = {number: {**one["scores"], "images": one["images"]} for number, one in told.items()}
    found = by_split(scores, {**dict.fromkeys(_SCORES, pa.float64()), "images": pa.int64()}, tuple(HEADS))
    corrupted = under_corruptions(told)
    return {**found, **(segmentation_corruption.columns(corrupted) if corrupted else {})}


def said(told: Told) -> dict[str, str]:
    """Returns as JSON the classes, by the trial's number the noise of its scores, and what there is of corruptions."""
    noise = {number: one["noise"] for number, one in told.items()}
    found = {"classes": json.dumps(_first(told)["classes"]), "noise": json.dumps(noise)}
    if corrupted := under_corruptions(told):
        found["corruption"] = json.dumps(segmentation_corruption.said(corrupted))
    return found


def files(told: Told, folder_of: FolderOf) -> dict[str, pa.Table]:
    """Returns tables of IoU by class, curves, examples and cells under corruptions by file name; none without a row."""
    found = {}
    for name, own in _FILES.items():
        tables = [_of_trial(number, pq.read_table(folder_of(number) / own)) for number in told]
        if any(table.num_rows for table in tables):
            found[name] = pa.concat_tables(tables)
    if corrupted := under_corruptions(told):
        found[CORRUPTION_MIOU_FILE] = segmentation_corruption.rows(corrupted)
    return found


def shown(told: Told) -> list[Shown]:
    """Returns the table of scores with its notes, and that under corruptions where they were measured."""
    found = [Shown(table(told), notes(told))]
    if corrupted := under_corruptions(told):
        found.append(Shown(segmentation_corruption.table(corrupted), segmentation_corruption.notes(corrupted)))
    return found


def table(told: Told) -> Table:
    """Mean IoU with clean and with noisy weights on each split, a line for each trial, under the number of images."""
    shown = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))  # fits 80 columns
    shown.add_column("trial", justify="right", vertical="bottom")
    counts = _first(told)["images"]
    splits = [split for split in HEADS if split in counts]
    for kind in ("mIoU", "noisy"):
        for split in splits:
            shown.add_column(f"{kind}\n{HEADS[split]}\n{counts[split]:,}", justify="right", vertical="bottom")
    for number, one in told.items():
        scores = one["scores"]
        clean = [f"{scores['miou'][split]:.4f}" for split in splits]
        shown.add_row(str(number), *clean, *(_noisy(scores, split) for split in splits))
    return shown


def notes(told: Told) -> list[str]:
    """What must be known to read the scores: the noise, the images, and who picked the trials."""
    one = _first(told)
    lines = [f"noisy: mean IoU under weight noise, {_noise(told)}; ± is the standard deviation over its draws"]
    if one["noise"]["search_images"]:
        lines.append(
            f"noisy mIoU is of all images here; the search measured it on the first {one['noise']['search_images']:,} "
            "validation images"
        )
    unseen = [HEADS[split] for split in ("test", "hold_out") if split in one["images"]]
    if not unseen:
        return [
            *lines,
            "The search picked these trials by validation scores, which flatter them, and the data have no other "
            "images to score on: add a test split.",
        ]
    return [
        *lines,
        f"The search picked these trials by validation scores, which flatter them; {' and '.join(unseen)} images had "
        "no part in that. Each is one seed: intervals over seeds come with confirmation.",
    ]


def _noise(told: Told) -> str:
    noise = _first(told)["noise"]
    scale = "that of each trial's own training" if noise["matched"] else f"of scale {noise['scale']:g}"
    layers, names = ", ".join(noise["targets"]["layers"]) or "no layers", noise["targets"]["names"]
    layers += "" if list(names) == ["*"] else f" named {', '.join(names)}"
    how = "" if noise["matched"] else f" on {layers}, clamped at {noise['clip']:g} sigma, {noise['maximum']}"
    return f"{scale}{how}, {noise['draws']} draws that are the same in all trials"


def _noisy(scores: Mapping[str, Any], split: str) -> str:
    return f"{scores['noisy_miou'][split]:.4f}±{scores['noisy_miou_deviation'][split]:.3f}"


def _of_trial(number: int, rows: pa.Table) -> pa.Table:
    return rows.add_column(0, "trial", pa.array([number] * rows.num_rows, pa.int64()))


def _first(told: Told) -> Mapping[str, Any]:
    return next(iter(told.values()))


REPORT: Final = Report(columns, said, files, shown)
