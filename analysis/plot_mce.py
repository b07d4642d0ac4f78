"""Draws mCE by training recipe: `python -m analysis.plot_mce results/mce-scratch-transform --out /tmp/mce`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from analysis import command, mce_scores, printing, records
from analysis.mce_bars import recipe_chart, table_of
from analysis.mce_figure import draw_recipes
from analysis.mce_scores import Scores


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes mce.png, .svg, .pdf and .parquet, prints their paths, and returns the exit status: 0, 2, 3 or 4."""
    parser = command.parser(
        "analysis.plot_mce",
        "Draw the mean corruption error of each training recipe in one or more studies, the baseline at 1, and the "
        "clean error beside it. Nets that differ in their seed alone are one bar, the mean with its range.",
        "results/mce-scratch-transform results/mce-scratch-stylised --out /tmp/mce",
    )
    command.add_places(parser, many=True)
    parser.add_argument(
        "--scores",
        choices=get_args(Scores),
        default="test",
        help="test: what `robustune evaluate` measured under corruptions that the search did not see (default); "
        "validation: the search's own mce",
    )
    given = parser.parse_args(arguments)
    if len(given.places) > 1 and given.out is None:
        parser.error("--out DIR is needed where several studies are drawn: the folder of each may have an mce.png")
    return command.draw(given, lambda folders, out: write(folders, out, given.scores))


def write(folders: Sequence[Path], out: Path, scores: Scores = "test") -> dict[str, Path]:
    """Writes the chart and its table into `out`, which is made if it is not there; returns paths by file name.

    Raises:
        NotDrawable: as `analysis.mce_scores.read` says, or no net has an mCE.
        LedgerError: no ledger in a folder, or one that cannot be read.
        OSError: a file cannot be read or written.
    """
    chart = recipe_chart(mce_scores.read(list(dict.fromkeys(folders)), scores), scores)
    out.mkdir(parents=True, exist_ok=True)
    paths = printing.save(draw_recipes(chart), out, "mce")
    return {**paths, "mce.parquet": records.write_parquet(table_of(chart, scores), out / "mce.parquet")}


if __name__ == "__main__":
    sys.exit(main())
