"""The command `compare`: studies beside each other, and which of them is better."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from robustune.arguments import Results

Places = Annotated[
    list[str],
    typer.Argument(
        metavar="STUDY...",
        help="Studies that were begun, by name or folder, a trials.parquet, or an MLflow tracking URI. Those that "
        "differ in name and seed alone are several seeds of one method.",
    ),
]
Names = Annotated[
    list[str] | None, typer.Option("--study", metavar="NAME", help="Study of a tracking URI; may come again.")
]
Objectives = Annotated[
    str | None,
    typer.Option(
        "--objectives",
        metavar="NAME[=REFERENCE],...",
        help="Compare by these, which every study records. [default: the objectives, which must be the same]",
    ),
]
Apart = Annotated[
    Literal["none", "folders", "studies"],
    typer.Option(
        "--apart", help="What else makes another method: another results folder, or each study is one by itself."
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Folder of all files. [default: compare-A-and-B beside the first study]"),
]


def compare(
    studies: Places,
    study: Names = None,
    objectives: Objectives = None,
    apart: Apart = "none",
    out: Out = None,
    results: Results = "results",
) -> None:
    """Compare studies: fronts over each other, attainment over seeds, hypervolume, and which is better, how surely."""
    from robustune.comparing import compare as run
    from robustune.errors import printable
    from robustune.settings import Settings

    done = run(studies, Settings(results), study or (), objectives, apart, out)
    for line in done.verdict:
        typer.echo(printable(line))
    for line in done.pairs:
        typer.echo(printable(f"- {line}"))
    for line in done.notes:
        typer.echo(printable(f"note: {line}"))
    for name, path in done.paths.items():
        typer.echo(f"{name}: {printable(str(path))}")
