"""Draws errors under corruptions of an evaluated trial: `python -m analysis.plot_corruption results/corruption`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from analysis import command, records
from analysis.corruption import chosen, errors_of, read_errors
from analysis.corruption_figure import save_errors
from analysis.evaluated import ERRORS_FILE
from analysis.knobs import NotDrawable


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the two figures as PNG, SVG and PDF, prints their paths, and returns the exit status: 0, 2, 3 or 4."""
    parser = command.parser(
        "analysis.plot_corruption",
        "Draw the errors of an evaluated trial under each corruption and severity beside the baseline's, and their "
        "ratio to the baseline's by group.",
        "results/corruption --trial 12 --out /tmp/corruption",
    )
    command.add_places(parser)
    parser.add_argument(
        "--trial",
        type=int,
        metavar="N",
        help="an evaluated trial, whose number the files' names then end with (default: the one with the least mCE "
        "over corruptions that the search did not see)",
    )
    given = parser.parse_args(arguments)
    return command.draw(given, lambda folders, out: write(folders[0], out, given.trial))


def write(folder: Path, out: Path, number: int | None = None) -> dict[str, Path]:
    """Writes both figures of a trial into `out`, which is made if it is not there; returns paths by file name.

    Raises:
        NotDrawable: the study or the trial was not evaluated under corruptions.
        LedgerError: no ledger in the folder, or one that cannot be read.
        OSError: a file cannot be read or written.
    """
    study = records.read_study(folder)
    table = read_errors(folder, study)
    if table is None:
        told = f"its folder has no {ERRORS_FILE} of its own: none of its trials was evaluated under corruptions; let "
        raise NotDrawable(study, told + "`robustune evaluate` do it, for a study with such a metric as mce")
    out.mkdir(parents=True, exist_ok=True)
    suffix = "" if number is None else f"-{number}"
    return save_errors(chosen(errors_of(table, study), number, study), study.description or study.name, out, suffix)


if __name__ == "__main__":
    sys.exit(main())
