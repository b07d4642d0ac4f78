"""The command `register`: trained networks into MLflow's model registry."""

from typing import Annotated

import typer

from robustune.arguments import BegunName, Results, Storage, TrackingUri

TrialNumbers = Annotated[
    list[int] | None, typer.Option("--trial", metavar="NUMBER", help="Trial; may come again. [default: the front]")
]


def register(
    study: BegunName,
    trial: TrialNumbers = None,
    every: Annotated[bool, typer.Option("--all", help="All trials that spent their full epochs.")] = False,
    name: Annotated[str | None, typer.Option(help="Of the registered model. [default: the study's]")] = None,
    storage: Storage = None,
    tracking_uri: TrackingUri = None,
    results: Results = "results",
) -> None:
    """Put trained networks into MLflow's model registry, for `mlflow.pytorch.load_model`."""
    from robustune.errors import Mistake
    from robustune.registering import register as run
    from robustune.screen import Screen
    from robustune.settings import Settings

    if every and trial:
        raise Mistake("OPTION_INVALID", "--all: it takes every trial, --trial some of them; give one of the two")
    settings = Settings(results, storage=storage, tracking_uri=tracking_uri)
    screen = Screen(progress=True)
    for one in run(study, "all" if every else trial or (), settings, name, screen.say):
        screen.say(f"trial {one.trial}: {one.uri}{'' if one.new else ' (was there already)'}")
