"""Draws what one knob does as lines and bars: `python -m analysis.plot_knob results/knob-batch-size`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from analysis import command, printing, records
from analysis.arms import Recorded
from analysis.knob_figure import draw_knob
from analysis.sweep import sweep


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes knob.png, .svg and .pdf, prints their paths, and returns the exit status: 0, 2, 3 or 4."""
    parser = command.parser(
        "analysis.plot_knob",
        "Draw what one knob does: a line over the epochs and bars for each of its values. Studies that differ in their "
        "seed alone are drawn as one, with the mean of their trials; others, such as a control, beside each other.",
        "results/knob-batch-size results/knob-batch-size-equal-updates --out /tmp/knob",
    )
    command.add_places(parser, many=True)
    command.add_metrics(parser, "clean, perturbed training and perturbed validation accuracy, or all that is recorded")
    given = parser.parse_args(arguments)
    if len(given.places) > 1 and given.out is None:
        parser.error(
            "--out DIR is needed where several studies are drawn: the folder of each has a knob.png of its own"
        )
    return command.draw(given, lambda folders, out: write(folders, out, given.metric))


def write(folders: Sequence[Path], out: Path, metrics: Sequence[str] = ()) -> dict[str, Path]:
    """Writes lines and bars of the studies into `out`, which is made if it is not there; returns paths by file name.

    Raises:
        NotDrawable: as `analysis.sweep.sweep` says.
        LedgerError: no ledger in a folder, or one that cannot be read.
    """
    recorded = [Recorded(*records.tables(folder)) for folder in folders]
    drawn = sweep(recorded, metrics)
    names = list(dict.fromkeys(one.study.name for one in recorded))
    first = recorded[0].study
    title = f"{drawn.knob.label} in {' and '.join(names)}" if len(names) > 1 else first.description or first.name
    out.mkdir(parents=True, exist_ok=True)
    return printing.save(draw_knob(drawn, title), out, "knob")


if __name__ == "__main__":
    sys.exit(main())
