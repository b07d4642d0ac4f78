"""Draws learning curves of trials: `python -m analysis.plot_learning_curves results/quickstart --trial 3 --trial 7`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from analysis import command, printing, records
from analysis.front import front
from analysis.learning_curves import learning_curves
from analysis.learning_figure import draw_learning


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes learning-curves.png, .svg and .pdf, prints the paths, and returns the status: 0, 2, 3 or 4."""
    parser = command.parser(
        "analysis.plot_learning_curves",
        "Draw the scores of trials after each epoch, a panel for each metric.",
        "results/quickstart --trial 3 --out /tmp/curves",
    )
    command.add_places(parser)
    parser.add_argument(
        "--trial",
        type=int,
        action="append",
        default=[],
        metavar="N",
        help="may be given several times (default: the front)",
    )
    command.add_metrics(parser, "every recorded metric")
    given = parser.parse_args(arguments)
    return command.draw(given, lambda folders, out: write(folders[0], out, given.trial, given.metric))


def write(folder: Path, out: Path, trials: Sequence[int] = (), metrics: Sequence[str] = ()) -> dict[str, Path]:
    """Writes the learning curves into `out`, which is made if it is not there; returns paths by file name.

    Raises:
        NotDrawable: a metric is not recorded, or no epoch of these trials.
        LedgerError: no ledger in the folder, or one that cannot be read.
    """
    study, table, epochs = records.tables(folder)
    numbers = list(dict.fromkeys(trials)) or front(table, study)["number"].to_pylist()
    drawn = learning_curves(epochs, study, numbers, metrics)
    out.mkdir(parents=True, exist_ok=True)
    return printing.save(draw_learning(drawn, study.description or study.name), out, "learning-curves")


if __name__ == "__main__":
    sys.exit(main())
