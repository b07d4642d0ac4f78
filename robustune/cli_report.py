"""The command `report`: the page of a study, with its figures and tables."""

from pathlib import Path
from typing import Annotated

import typer

from robustune.arguments import BegunName, Results, TrackingUri

Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder of all files. [default: the study's]")]


def report(study: BegunName, out: Out = None, tracking_uri: TrackingUri = None, results: Results = "results") -> None:
    """Write the page of a study, its figures and its tables, also of one without a front or still running."""
    from robustune.reporting import report as run
    from robustune.settings import Settings

    for name, path in run(study, Settings(results, tracking_uri=tracking_uri), out).items():
        typer.echo(f"{name}: {path}")
