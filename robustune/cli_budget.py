"""`robustune extend` and `robustune stop`: a study gets more of its budget, or ends before it."""

from typing import Annotated

import typer

from robustune.arguments import (
    Address,
    BegunName,
    Concurrency,
    CpusPerTrial,
    GpusPerTrial,
    Results,
    Storage,
    TrackingUri,
)


def extend(
    study: BegunName,
    trials: Annotated[int | None, typer.Option(help="Trials to add to the budget.")] = None,
    hours: Annotated[float | None, typer.Option(help="Hours to add, where the budget has a bound of hours.")] = None,
    total_epochs: Annotated[
        int | None, typer.Option("--total-epochs", help="Epochs to add, where the budget has a bound of them.")
    ] = None,
    address: Address = None,
    storage: Storage = None,
    tracking_uri: TrackingUri = None,
    cpus_per_trial: CpusPerTrial = 1.0,
    gpus_per_trial: GpusPerTrial = 0.0,
    concurrency: Concurrency = None,
    results: Results = "results",
) -> None:
    """Add to the budget of a finished study and go on with it."""
    from robustune.api import extend as run
    from robustune.cli import show_result

    show_result(
        run(
            study,
            trials=trials,
            hours=hours,
            total_epochs=total_epochs,
            address=address,
            storage=storage,
            tracking_uri=tracking_uri,
            cpus_per_trial=cpus_per_trial,
            gpus_per_trial=gpus_per_trial,
            concurrency=concurrency,
            results=results,
        )
    )


def stop(study: BegunName, storage: Storage = None, results: Results = "results") -> None:
    """End a search from another terminal: trials that run finish their epoch and are kept for resume."""
    from robustune.settings import Settings
    from robustune.stopping import stop as ask
    from robustune.stopping import told

    typer.echo(told(ask(study, Settings(results, storage=storage), typer.echo)))
