"""Draws which trials were stopped when, and which failed: `python -m analysis.plot_endings results/quickstart`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from analysis import command, printing, records
from analysis.endings import endings
from analysis.endings_figure import draw_endings


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes endings.png, .svg, .pdf and .parquet, prints their paths, and returns the exit status: 0, 2, 3 or 4."""
    return command.drawn(
        arguments,
        "analysis.plot_endings",
        "Draw when the trials of a study, also of one still running, ended: complete, stopped early or failed.",
        "results/quickstart --out /tmp/endings",
        write,
    )


def write(folder: Path, out: Path) -> dict[str, Path]:
    """Writes figure and table into `out`, which is made if it is not there; returns paths by file name.

    Raises:
        LedgerError: no ledger in the folder, or one that cannot be read.
    """
    study, trials, epochs = records.tables(folder)
    out.mkdir(parents=True, exist_ok=True)
    found = endings(trials, epochs, study)
    paths = printing.save(draw_endings(found, study.description or study.name), out, "endings")
    file = "endings.parquet"
    return paths | {file: records.write_parquet(found.table(), out / file)}


if __name__ == "__main__":
    sys.exit(main())
