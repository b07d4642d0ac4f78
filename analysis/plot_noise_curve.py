"""Draws scores over weight noise: `python -m analysis.plot_noise_curve results/weight-noise-curve`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from analysis import command, noise_nets
from analysis.noise_chart import inference_chart, training_chart
from analysis.noise_figure import save_noise
from analysis.noise_nets import Split


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the figure and its table, prints their paths, and returns the exit status: 0, 2, 3 or 4."""
    parser = command.parser(
        "analysis.plot_noise_curve",
        "Draw two curves over the weight noise of training, a separately trained net at each point: the score with "
        "clean weights at inference, and under noise. Nets that differ in their seed alone are one line, their mean, "
        "with a band of one standard deviation over nets and draws of noise. With --trial, draw single nets over the "
        "noise of inference.",
        "results/weight-noise-curve --out /tmp/noise",
    )
    command.add_places(parser, many=True)
    parser.add_argument(
        "--trial",
        type=int,
        action="append",
        default=[],
        metavar="N",
        help="a trial that `robustune evaluate` scored: its score over the noise of inference; may be given several "
        "times",
    )
    parser.add_argument(
        "--split",
        choices=get_args(Split),
        help="images on which `robustune evaluate` scored, original being the validation images (default: the scores "
        "of the search itself; with --trial: test)",
    )
    given = parser.parse_args(arguments)
    if len(given.places) > 1 and given.trial:
        parser.error("--trial N is a trial of one study: give its folder alone")
    if len(given.places) > 1 and given.out is None:
        parser.error("--out DIR is needed where several studies are drawn: the folder of each has a figure of its own")
    return command.draw(given, lambda folders, out: write(folders, out, given.trial, given.split))


def write(
    folders: Sequence[Path], out: Path, numbers: Sequence[int] = (), split: Split | None = None
) -> dict[str, Path]:
    """Writes figure and table into `out`, which is made if it is not there; returns paths by file name.

    They are called `noise-curve`, with the trials and the split behind it where some are given.

    Args:
        folders: of studies; one where trials are given.
        out: where to write.
        numbers: of trials to draw over the noise of inference; none for the curves over that of training.
        split: images that `robustune evaluate` scored on; None for the scores of the search, and test with trials.

    Raises:
        NotDrawable: as `analysis.noise_nets.read` and the charts say.
        LedgerError: no ledger in a folder, or one that cannot be read.
        OSError: a file cannot be read or written.
    """
    if numbers:
        chart = inference_chart(folders[0], numbers, split or "test")
    else:
        chart = training_chart(noise_nets.read(list(dict.fromkeys(folders)), split))
    trials = ["trial", *map(str, dict.fromkeys(numbers))] if numbers else []
    out.mkdir(parents=True, exist_ok=True)
    return save_noise(chart, out, "-".join(["noise-curve", *trials, *([split] if split else [])]))


if __name__ == "__main__":
    sys.exit(main())
