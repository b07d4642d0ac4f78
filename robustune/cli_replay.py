"""The command `replay`: a search over a table of learning curves, without training."""

import math
from pathlib import Path
from typing import Annotated

import typer

from robustune.arguments import Seed, Trials


def replay(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="Parquet file of learning curves.")],
    study: Annotated[
        str | None, typer.Option(help="Study file of the table. [default: beside it, of its name, ending in .toml]")
    ] = None,
    sampler: Annotated[str | None, typer.Option(help="Sampler by name, instead of the study's.")] = None,
    early_stopping: Annotated[
        str | None, typer.Option("--early-stopping", help="Early stopping by name, instead of the study's.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=10_000, help="Trials at a time.")] = 1,
    seeds: Annotated[int, typer.Option(min=1, max=10_000, help="Searches, each with a seed of its own.")] = 10,
    seed: Seed = None,
    trials: Trials = None,
    seconds: Annotated[
        float | None,
        typer.Option(
            min=0, help="Virtual seconds after which nothing counts. [default: until the budget is spent]", metavar="S"
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Parquet file of hypervolume over time.")] = Path("replay.parquet"),
) -> None:
    """Search a table of learning curves with a virtual clock: what a sampler or an early stopping is worth."""
    from rich.console import Console

    from robustune.bars import bars
    from robustune.errors import printable
    from robustune.replaying import lines, run, write

    with bars(Console(), "searches") as progress:
        done = run(
            table,
            study,
            sampler,
            early_stopping,
            trials,
            workers,
            seeds,
            seed,
            lambda count: progress("replayed", count, seeds),
            math.inf if seconds is None else seconds,
        )
    write(done, out)
    for line in lines(done):
        typer.echo(printable(line))
    typer.echo(f"replay: {printable(str(out))}")
