"""Draws the front of a study from its ledger: `python -m analysis.plot_front results/quickstart`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from analysis.records import LedgerError
from analysis.report import write_to


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the figure, the page and the tables, prints their paths, and returns the exit status: 0, or 3."""
    given = _parser().parse_args(arguments)
    try:
        paths = write_to(given.folder, given.out or given.folder)
    except LedgerError as error:
        print(f"STUDY_MISSING: {error}" if error.missing else f"STATE_CORRUPT: {error}", file=sys.stderr)
        return 3
    except OSError as error:
        print(
            f"RESULTS_UNWRITABLE: {given.out or given.folder}: {error}; give another folder by --out", file=sys.stderr
        )
        return 3
    for path in paths.values():
        print(path)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m analysis.plot_front",
        description="Draw the front of a study, also of one still running: figure, page and tables.",
        epilog="Example: python -m analysis.plot_front results/quickstart --out /tmp/front",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a study's folder, holding ledger.sqlite")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write (default: the study's folder)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
