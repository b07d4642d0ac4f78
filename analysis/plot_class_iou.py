"""Draws IoU per class of evaluated trials: `python -m analysis.plot_class_iou results/weight-noise --trial 12`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from analysis import command, printing, records
from analysis.class_iou import CLASS_BARS, SPLITS, read_class_iou, table_of
from analysis.class_iou_figure import draw_class_iou
from analysis.evaluated import CLASS_IOU_FILE
from analysis.segmentation_evaluated import not_evaluated


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes class-iou-bars as PNG, SVG, PDF and Parquet, prints the paths, and returns the status: 0, 2, 3 or 4."""
    parser = command.parser(
        "analysis.plot_class_iou",
        "Draw the intersection over union of every class, without weight noise and under it, of evaluated trials.",
        "results/weight-noise --trial 12 --split hold_out --out /tmp/classes",
    )
    command.add_places(parser)
    command.add_trials(parser)
    parser.add_argument(
        "--split",
        choices=tuple(SPLITS),
        default="",
        help="images that it was measured on, which the files' names then end with; original: the search's validation "
        "images (default: test, or what else the data have)",
    )
    given = parser.parse_args(arguments)
    return command.draw(given, lambda folders, out: write(folders[0], out, given.trial, given.split))


def write(folder: Path, out: Path, trials: Sequence[int] = (), split: str = "") -> dict[str, Path]:
    """Writes the figure and its numbers into `out`, which is made if it is not there; returns paths by file name.

    Raises:
        NotDrawable: the study or a trial was not evaluated, or not on the split.
        LedgerError: no ledger in the folder, or one that cannot be read.
        OSError: a file cannot be read or written.
    """
    study = records.read_study(folder)
    every = read_class_iou(folder, study, trials, split)
    if not every:
        raise not_evaluated(study, CLASS_IOU_FILE)
    out.mkdir(parents=True, exist_ok=True)
    parts = [CLASS_BARS, *([split.replace("_", "-")] if split else []), *map(str, sorted(set(trials)))]
    name = "-".join(parts)
    paths = printing.save(draw_class_iou(every, study.description or study.name), out, name)
    return {**paths, f"{name}.parquet": records.write_parquet(table_of(every), out / f"{name}.parquet")}


if __name__ == "__main__":
    sys.exit(main())
