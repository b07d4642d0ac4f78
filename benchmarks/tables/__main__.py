"""Makes the tables of real learning curves, and tells how early epochs rank their nets."""

import argparse
from pathlib import Path

from benchmarks import commands
from benchmarks.tables.making import make, pack
from benchmarks.tables.tau import told
from robustune import checks
from robustune.arguments import cpus
from robustune.curve_files import read

FOLDER = Path(__file__).parent


def main() -> None:
    chosen = _parser().parse_args()
    with commands.told():
        if chosen.what == "tau":
            study = checks.read(chosen.study or chosen.table.with_suffix(".toml"))
            print(told(study, read(chosen.table, study)))
        else:
            _make(chosen)


def _make(chosen: argparse.Namespace) -> None:
    known = FOLDER / f"{chosen.what}.toml"
    study = checks.read(known if known.is_file() else chosen.what)
    curves = make(
        study,
        chosen.shards,
        chosen.seeds,
        chosen.workers,
        chosen.limit,
        chosen.device,
        lambda line: print(line, flush=True),
    )
    whole = chosen.limit is None and known.is_file()
    path = chosen.out or (FOLDER if whole else chosen.shards) / f"{study.name}.parquet"
    pack(study, curves, path)
    seconds = sum(sum(curve.seconds) for curve in curves)
    print(f"{path}: {len(curves)} curves, {seconds / 60:.1f} min of training and scoring")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables", description=__doc__)
    kinds = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    known = sorted(path.stem for path in FOLDER.glob("*.toml"))
    tau = kinds.add_parser("tau", help="Kendall's tau from each epoch to the last one, of every objective")
    tau.add_argument("table", type=Path, metavar="TABLE")
    tau.add_argument("--study", metavar="FILE", help="default: beside the table, of its name, ending in .toml")
    for name in known:
        _takes_making(kinds.add_parser(name, help=f"make the table of {name}.toml; goes on where it was ended"))
    made = kinds.add_parser("of", help="make the table of any study file")
    made.add_argument("what", metavar="STUDY")
    _takes_making(made)
    return parser


def _takes_making(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--shards", type=Path, required=True, metavar="DIR", help="where finished curves are kept")
    parser.add_argument("--limit", type=commands.count, metavar="N", help="configurations; default: all")
    parser.add_argument("--seeds", type=commands.count, default=2, metavar="N", help="nets of each; default: 2")
    parser.add_argument(
        "--workers", type=commands.count, default=cpus(), metavar="N", help="at a time; default: a CPU each"
    )
    parser.add_argument("--device", choices=["cpu", "auto"], default="cpu")
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: beside the study file; DIR under --limit")


if __name__ == "__main__":
    main()
