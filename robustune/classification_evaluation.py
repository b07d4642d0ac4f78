"""What an evaluation shows of classification trials: accuracies on five sets and clean test images, and corruptions."""

import json
from collections.abc import Mapping
from typing import Final

import pyarrow as pa
from rich.box import SIMPLE_HEAD
from rich.table import Table

from analysis.evaluated import ERRORS_FILE
from robustune import corruption_evaluation
from robustune.corruption_evaluation import under_corruptions
from robustune.evaluation_reports import FolderOf, Report, Shown, Told, by_split

HEADS: Final = {
    "original": "original",
    "perturbed_training": "perturbed training",
    "perturbed_validation": "perturbed validation",
    "hold_out": "hold-out",
    "out_of_distribution": "out of distribution",
    "test": "clean test",
}
_KINDS: Final = {"accuracy": pa.float64(), "clean": pa.float64(), "images": pa.int64()}


def columns(told: Told) -> dict[str, pa.Array]:
    """Returns the scores as columns with a row for each trial, under corruptions too where they were measured."""
    found = by_split(told, _KINDS, tuple(HEADS))
    corrupted = under_corruptions(told)
    return {**found, **(corruption_evaluation.columns(corrupted) if corrupted else {})}


def said(told: Told) -> dict[str, str]:
    """Returns what is the same for all trials, as JSON: the attacks, and what there is of corruptions."""
    found = {"attacks": json.dumps(next(iter(told.values()))["attacks"])}
    if corrupted := under_corruptions(told):
        found["corruption"] = json.dumps(corruption_evaluation.said(corrupted))
    return found


def files(told: Told, folder_of: FolderOf) -> dict[str, pa.Table]:
    """Returns every error rate under corruptions, a line each, by the name of its file; nothing where none is known."""
    corrupted = under_corruptions(told)
    return {ERRORS_FILE: corruption_evaluation.errors(corrupted)} if corrupted else {}


def shown(told: Told) -> list[Shown]:
    """Returns the table of scores with its notes, and that under corruptions where they were measured."""
    found = [Shown(table(told), notes(told))]
    if corrupted := under_corruptions(told):
        found.append(Shown(corruption_evaluation.table(corrupted), corruption_evaluation.notes(corrupted)))
    return found


def table(told: Told) -> Table:
    """The scores, a line for each trial, under the number of images in each set."""
    shown = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))  # fits 80 columns
    shown.add_column("trial", justify="right", vertical="bottom")
    counts = next(iter(told.values()))["images"]
    for name, head in HEADS.items():
        words = "\n".join([*head.rsplit(" ", 1), f"{counts[name]:,}"])
        shown.add_column(words, justify="right", vertical="bottom")
    for number, one in told.items():
        shown.add_row(str(number), *(f"{one['accuracy'][name]:.4f}" for name in HEADS))
    return shown


def notes(told: Told) -> list[str]:
    """What must be known to read the scores: the attacks, and who picked the trials."""
    attacks: Mapping[str, str] = next(iter(told.values()))["attacks"]
    names = {
        attack: ", ".join(head for name, head in HEADS.items() if attacks.get(name) == attack)
        for attack in dict.fromkeys(attacks[name] for name in HEADS if name in attacks)
    }
    return [
        f"attacks, made for the baseline: {'; '.join(f'{attack} ({sets})' for attack, sets in names.items())}",
        "The search picked these trials by validation scores, which flatter them; hold-out, out-of-distribution and "
        "clean test images had no part in that. Each is one seed: intervals over seeds come with confirmation.",
    ]


REPORT: Final = Report(columns, said, files, shown)
