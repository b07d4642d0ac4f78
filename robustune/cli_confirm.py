"""The command `confirm`: the front of a finished search under fresh seeds, on data that it never saw."""

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

Seeds = Annotated[int, typer.Option(help="Nets trained of each trial, 2 at least; with --budget the most of them.")]
Within = Annotated[
    float,
    typer.Option(
        metavar="B", help="Also trials so many standard deviations over seeds below the front. 0 takes the front alone."
    ),
]
BudgetOfEpochs = Annotated[
    int | None,
    typer.Option(
        "--budget",
        metavar="EPOCHS",
        min=1,
        help="Epochs of all nets, spent where the outcome is not clear. [default: --seeds nets of each]",
    ),
]
MoreTrials = Annotated[
    list[int] | None, typer.Option("--trial", metavar="NUMBER", help="Trial to confirm besides; may come again.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only tell what it would cost.")]
Despite = Annotated[
    bool, typer.Option("--despite-changes", help="Go on where data or code changed since the search, and record it.")
]


def confirm(
    study: BegunName,
    seeds: Seeds = 5,
    within: Within = 2.0,
    budget: BudgetOfEpochs = None,
    trial: MoreTrials = None,
    dry_run: DryRun = False,
    despite_changes: Despite = False,
    address: Address = None,
    storage: Storage = None,
    tracking_uri: TrackingUri = None,
    cpus_per_trial: CpusPerTrial = 1.0,
    gpus_per_trial: GpusPerTrial = 0.0,
    concurrency: Concurrency = None,
    results: Results = "results",
) -> None:
    """Retrain the front of a finished study under fresh seeds, and tell what of it holds on data it never saw."""
    from rich.console import Console

    from robustune.confirmation_screen import fronts_tables, lines, scores_tables
    from robustune.confirming import Asked
    from robustune.confirming import confirm as run
    from robustune.screen import Screen
    from robustune.settings import Settings

    settings = Settings(results, address, storage, tracking_uri, cpus_per_trial, gpus_per_trial, concurrency)
    screen, console = Screen(progress=True), Console(highlight=False, markup=False)
    asked = Asked(seeds, within, budget, tuple(trial or ()), despite_changes, dry_run)
    done = run(study, asked, settings, screen)
    if done is None:
        return
    for place, table in enumerate(fronts_tables(done.confirmation, done.study)):
        console.print(*(["", table] if place else [table]), sep="\n")
    for line in lines(done.confirmation, done.nets):
        console.print(line)
    for table in scores_tables(done.confirmation):
        console.print()
        console.print(table)
    for name, path in done.paths.items():
        screen.say(f"{name}: {path}")
