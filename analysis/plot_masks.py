"""Draws masks and their predictions: `python -m analysis.plot_masks results/weight-noise --trial 12`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from analysis import command, printing, records
from analysis.evaluated import SEGMENTATION_EXAMPLES_FILE
from analysis.mask_figure import draw_masks
from analysis.masks import IMAGES, read_masks
from analysis.segmentation_evaluated import not_evaluated


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes masks.png, .svg and .pdf, prints their paths, and returns the exit status: 0, 2, 3 or 4."""
    parser = command.parser(
        "analysis.plot_masks",
        "Draw test images beside their true masks, what evaluated trials predict, and what they predict under weight "
        "noise, in the colours of PASCAL VOC, with the mean IoU of each.",
        "results/weight-noise --trial 12 --trial 3 --out /tmp/masks",
    )
    command.add_places(parser)
    command.add_trials(parser)
    parser.add_argument(
        "--images", type=command.at_least_one, default=IMAGES, metavar="N", help=f"how many (default: {IMAGES})"
    )
    given = parser.parse_args(arguments)
    return command.draw(given, lambda folders, out: write(folders[0], out, given.trial, given.images))


def write(folder: Path, out: Path, trials: Sequence[int] = (), images: int = IMAGES) -> dict[str, Path]:
    """Writes the figure into `out`, which is made if it is not there; returns paths by file name.

    Raises:
        NotDrawable: the study or a trial was not evaluated, or the trials have no image in common.
        LedgerError: no ledger in the folder, or one that cannot be read.
        OSError: a file cannot be read or written.
    """
    study = records.read_study(folder)
    sheet = read_masks(folder, study, trials, images)
    if sheet is None:
        raise not_evaluated(study, SEGMENTATION_EXAMPLES_FILE)
    out.mkdir(parents=True, exist_ok=True)
    name = "-".join(map(str, ["masks", *sorted(set(trials))]))
    return printing.save(draw_masks(sheet, study.description or study.name), out, name)


if __name__ == "__main__":
    sys.exit(main())
