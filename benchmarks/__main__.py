"""Runs benchmarks by name, prints a table and writes the rows as JSON."""

import argparse
import json
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.rows import Row

NAMES = {
    "trial-overhead": "benchmarks.trial_overhead",
    "suggestion": "benchmarks.suggestion",
    "ledger-scale": "benchmarks.ledger_scale",
    "training-share": "benchmarks.training_share",
    "input-path": "benchmarks.input_path",
    "ingestion": "benchmarks.ingestion",
    "corruptions-224": "benchmarks.corruptions_224",
    "corruptions-64": "benchmarks.corruptions_64",
    "fooling": "benchmarks.fooling",
    "pgd": "benchmarks.pgd",
    "cka": "benchmarks.cka",
    "augmix": "benchmarks.augmix",
    "weight-noise": "benchmarks.weight_noise",
    "confirmation": "benchmarks.confirmation",
    "search-quality": "benchmarks.search_quality",
    "report-page": "benchmarks.report_page",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures ours beside the peer, in turn, in one run.",
        epilog="Example: python -m benchmarks trial-overhead --json overhead.json",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all where none is named")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the rows go as JSON")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.names if name not in NAMES]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there is {', '.join(NAMES)}")
    rows: list[Row] = []
    for name in chosen.names or NAMES:
        rows += import_module(NAMES[name]).rows(chosen.device)
    Console(width=200).print(table(rows))
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=2))


def table(rows: list[Row]) -> Table:
    shown = Table(title=f"ratio above 1: ours is better; on {rows[0]['machine']}" if rows else None)
    for heading in ("name", "ours", "peer", "unit", "ratio", "target"):
        shown.add_column(heading)
    for row in rows:
        peer = "" if row["peer"] is None else f"{row['peer']:.4g}"
        shown.add_row(row["name"], f"{row['ours']:.4g}", peer, row["unit"], f"{row['ratio']:.3g}", row["target"])
    return shown


if __name__ == "__main__":
    main()
