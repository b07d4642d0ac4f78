"""Draws a grid over two knobs as heat maps: `python -m analysis.plot_grid results/baseline-coarse`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from analysis import command, printing, records
from analysis.grid_figure import draw_grid
from analysis.heat_maps import heat_maps


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes grid.png, .svg and .pdf, prints their paths, and returns the exit status: 0, 2, 3 or 4."""
    parser = command.parser(
        "analysis.plot_grid",
        "Draw a study that is a grid over two knobs, also one still running, as a heat map for each metric.",
        "results/baseline-coarse --out /tmp/grid",
    )
    command.add_places(parser)
    command.add_metrics(parser, "every recorded metric")
    given = parser.parse_args(arguments)
    return command.draw(given, lambda folders, out: write(folders[0], out, given.metric))


def write(folder: Path, out: Path, metrics: Sequence[str] = ()) -> dict[str, Path]:
    """Writes the heat maps of a study into `out`, which is made if it is not there; returns paths by file name.

    Raises:
        NotDrawable: the study is no grid over two knobs, or does not record a metric.
        LedgerError: no ledger in the folder, or one that cannot be read.
    """
    study, trials, _ = records.tables(folder)
    maps = heat_maps(trials, study, metrics)
    out.mkdir(parents=True, exist_ok=True)
    return printing.save(draw_grid(maps, study), out, "grid")


if __name__ == "__main__":
    sys.exit(main())
