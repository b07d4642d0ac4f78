"""What the commands that draw one kind of an explanation's figures have in common."""

from collections.abc import Sequence
from pathlib import Path

from analysis import command
from analysis.explain_figures import write
from analysis.explained import FOLDER


def main(kind: str, description: str, arguments: Sequence[str] | None) -> int:
    """Writes the figures of a kind, prints their paths, and returns the exit status: 0 or 3."""
    module = f"analysis.plot_{kind.replace('-', '_')}"
    parser = command.parser(module, description, f"results/quickstart --out /tmp/{kind}")
    parser.add_argument(
        "folder",
        type=Path,
        metavar="FOLDER",
        help="a study's folder that `robustune explain` was called for, or the one that its --out named",
    )
    told = "where to write (default: where the tables are)"
    parser.add_argument("--out", type=Path, metavar="DIR", help=told)
    given = parser.parse_args(arguments)
    inside = given.folder / FOLDER
    out = given.out or (inside if inside.is_dir() else given.folder)
    return command.run(out, lambda: write(kind, given.folder, out))
