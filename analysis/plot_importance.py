"""Draws how much each option matters, and what it does: `python -m analysis.plot_importance results/quickstart`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from analysis import command, printing, records
from analysis.importance import Importances, importances
from analysis.importance_figure import draw_importance, draw_partial
from analysis.partial_panels import dependences
from search_spaces.study import Study


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes importance.* and partial.*, prints their paths, and returns the exit status: 0, 2, 3 or 4."""
    parser = command.parser(
        "analysis.plot_importance",
        "Draw how much each searched option matters for each objective, and what it does.",
        "results/quickstart --out /tmp/importance",
    )
    command.add_places(parser)
    parser.add_argument("--seed", type=int, default=0, help="of samples, forests, folds and shuffles (default: 0)")
    given = parser.parse_args(arguments)
    if given.seed < 0:
        parser.error("argument --seed: a seed is 0 or more")
    return command.draw(given, lambda folders, out: write(folders[0], out, given.seed))


def write(folder: Path, out: Path, seed: int = 0) -> dict[str, Path]:
    """Writes both figures and their tables into `out`, which is made if it is not there; returns paths by file name.

    Raises:
        LedgerError: no ledger in the folder, or one that cannot be read.
    """
    study, trials, _ = records.tables(folder)
    out.mkdir(parents=True, exist_ok=True)
    return save(importances(trials, study, seed), study, out)


def save(found: Importances, study: Study, out: Path) -> dict[str, Path]:
    """Writes importance.png, .svg, .pdf and .parquet, and the same of partial; returns paths by file name."""
    title = study.description or study.name
    paths = printing.save(draw_importance(found, title), out, "importance")
    paths |= printing.save(draw_partial(dependences(found, study), title), out, "partial")
    tables = {"importance.parquet": found.table, "partial.parquet": found.partial}
    return paths | {name: records.write_parquet(table, out / name) for name, table in tables.items()}


if __name__ == "__main__":
    sys.exit(main())
