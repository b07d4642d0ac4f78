"""Draws the front of a study from its ledger: `python -m analysis.plot_front results/quickstart`."""

import sys
from collections.abc import Sequence

from analysis import command
from analysis.report import write_to


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the figures, the page and the tables, prints their paths, and returns the exit status: 0, 3 or 4."""
    return command.drawn(
        arguments,
        "analysis.plot_front",
        "Draw the front of a study, also of one still running: figures, page and tables.",
        "results/quickstart --out /tmp/front",
        write_to,
    )


if __name__ == "__main__":
    sys.exit(main())
