"""Draws how far a search had come over trials and time: `python -m analysis.plot_progress results/quickstart`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from analysis import command, printing, records
from analysis.progress_curves import progress, progress_curves
from analysis.progress_figure import draw_progress


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes progress.png, .svg, .pdf and .parquet, prints their paths, and returns the exit status: 0, 2, 3 or 4."""
    return command.drawn(
        arguments,
        "analysis.plot_progress",
        "Draw the hypervolume of a search, also of one still running, over trials, wall clock and epochs.",
        "results/quickstart --out /tmp/progress",
        write,
    )


def write(folder: Path, out: Path) -> dict[str, Path]:
    """Writes figure and table into `out`, which is made if it is not there; returns paths by file name.

    Raises:
        LedgerError: no ledger in the folder, or one that cannot be read.
    """
    study, trials, _ = records.tables(folder)
    out.mkdir(parents=True, exist_ok=True)
    reached = progress(trials, study)
    figure = draw_progress(progress_curves(reached, study), study.description or study.name)
    file = "progress.parquet"
    return printing.save(figure, out, "progress") | {file: records.write_parquet(reached, out / file)}


if __name__ == "__main__":
    sys.exit(main())
