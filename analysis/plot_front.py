"""Draws the front of a study from its ledger: `python -m analysis.plot_front results/quickstart`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from analysis import command
from analysis.report import write_to


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the figures, the page and the tables, prints their paths, and returns the exit status: 0, or 3."""
    parser = command.parser(
        "analysis.plot_front",
        "Draw the front of a study, also of one still running: figures, page and tables.",
        "results/quickstart --out /tmp/front",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a study's folder, holding ledger.sqlite")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write (default: the study's folder)")
    given = parser.parse_args(arguments)
    out = given.out or given.folder
    return command.run(out, lambda: write_to(given.folder, out))


if __name__ == "__main__":
    sys.exit(main())
