"""Draws options and objectives as parallel coordinates: `python -m analysis.plot_parallel results/quickstart`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from analysis import command, printing, records
from analysis.front import front
from analysis.parallel import parallel
from analysis.parallel_figure import draw_parallel


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes parallel.png, .svg, .pdf and .parquet, prints their paths, and returns the exit status: 0, 2, 3 or 4."""
    return command.drawn(
        arguments,
        "analysis.plot_parallel",
        "Draw the options and objectives of a study's trials, also of one still running, as parallel coordinates.",
        "results/quickstart --out /tmp/parallel",
        write,
    )


def write(folder: Path, out: Path) -> dict[str, Path]:
    """Writes figure and table into `out`, which is made if it is not there; returns paths by file name.

    Raises:
        LedgerError: no ledger in the folder, or one that cannot be read.
    """
    study, trials, _ = records.tables(folder)
    out.mkdir(parents=True, exist_ok=True)
    drawn = parallel(trials, front(trials, study), study)
    paths = printing.save(draw_parallel(drawn, study.description or study.name), out, "parallel")
    file = "parallel.parquet"
    return paths | {file: records.write_parquet(drawn.table(), out / file)}


if __name__ == "__main__":
    sys.exit(main())
