"""Runs the searches of `search-quality` side by side, and tells what they come to."""

import argparse
from pathlib import Path

from rich.console import Console

from benchmarks import commands
from benchmarks.__main__ import table
from benchmarks.search_quality.comparing import grouped, rows_of
from benchmarks.search_quality.methods import METHODS
from benchmarks.search_quality.shards import FOLDER, SEEDS, WORKERS, jobs, make
from benchmarks.search_quality.tables import MULTIPLE, shipped
from robustune.arguments import cpus


def main() -> None:
    chosen = _parser().parse_args()
    with commands.told():
        wanted = jobs(
            chosen.table or shipped(), chosen.method, chosen.workers, chosen.seeds, chosen.shards, chosen.multiple
        )
        make(wanted, chosen.processes, lambda line: print(line, flush=True))
        compared = grouped(wanted)
        if all("ours" in searches and len(searches) > 1 for searches in compared.values()):
            Console(width=200).print(table(rows_of(compared)))
            if chosen.docs:
                from benchmarks.search_quality.paper import write

                for path in write(compared, chosen.docs):
                    print(path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.search_quality",
        description=__doc__,
        epilog="Example: python -m benchmarks.search_quality --shards /tmp/searches --seeds 3 --workers 1 4",
    )
    parser.add_argument(
        "--shards",
        type=Path,
        default=FOLDER,
        metavar="DIR",
        help=f"of finished searches; default: {FOLDER}",
    )
    parser.add_argument("--seeds", type=commands.count, default=SEEDS, metavar="N", help=f"of each; default: {SEEDS}")
    parser.add_argument(
        "--workers", type=commands.count, nargs="+", default=WORKERS, metavar="N", help="default: 1 4 16"
    )
    parser.add_argument("--table", type=Path, nargs="+", metavar="FILE", help="default: those of benchmarks/tables")
    parser.add_argument(
        "--method",
        nargs="+",
        default=(),
        choices=METHODS,
        metavar="NAME",
        help=f"default: all of {', '.join(METHODS)}",
    )
    parser.add_argument(
        "--multiple",
        type=float,
        default=MULTIPLE,
        metavar="X",
        help=f"the horizon: full trials of each configuration that there is time for; default: {MULTIPLE:g}",
    )
    parser.add_argument(
        "--docs", type=Path, metavar="DIR", help="where figures and the tables of search-quality.md are written: docs"
    )
    parser.add_argument(
        "--processes", type=commands.count, default=cpus(), metavar="N", help="default: one for each CPU"
    )
    return parser


if __name__ == "__main__":
    main()
