"""What several commands take: names, options and their help, each said once."""

import os
from typing import Annotated

import typer

StudyName = Annotated[str, typer.Argument(metavar="STUDY", help="Name of a shipped study, or path of a study file.")]
BegunName = Annotated[str, typer.Argument(metavar="STUDY", help="Name of a study that was begun, or its folder.")]
Results = Annotated[str, typer.Option("--results", help="Folder that holds one folder for every study.")]
Address = Annotated[str | None, typer.Option(help="HOST:PORT of a Ray head node, or 'auto'. [default: this machine]")]
Storage = Annotated[
    str | None,
    typer.Option(help="Path or URI that every node reaches, for sets and checkpoints. [default: the results folder]"),
]
TrackingUri = Annotated[
    str | None, typer.Option("--tracking-uri", help="MLflow tracking URI. [default: mlflow.db in the results folder]")
]
CpusPerTrial = Annotated[float, typer.Option("--cpus-per-trial", help="CPUs of each trial.")]
GpusPerTrial = Annotated[float, typer.Option("--gpus-per-trial", help="GPUs of each trial; may be a fraction.")]
Concurrency = Annotated[int | None, typer.Option(help="Trials at a time. [default: as many as fit]")]
Trials = Annotated[int | None, typer.Option(help="Budget of trials, instead of the study's.")]
Epochs = Annotated[int | None, typer.Option(help="Epochs of a trial, instead of the study's.")]
Seed = Annotated[int | None, typer.Option(help="Seed of the search, instead of the study's.")]
BaselineFrom = Annotated[
    str | None,
    typer.Option(
        "--baseline-from",
        metavar="STUDY",
        help="Finished study whose best trial by clean accuracy is the baseline. [default: preparation trains one]",
    ),
]
Gpus = Annotated[float, typer.Option(help="GPUs of each task; may be a fraction.")]


def cpus() -> int:
    """CPUs that this process may use; systems that do not say have all of theirs counted."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
