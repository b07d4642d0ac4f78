"""`training-share`: how much of a search's wall-clock, after start-up, its slots spend inside the trainer."""

import os
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.rows import Row, row
from robustune import search

LIMIT = 0.8


def rows(device: str) -> list[Row]:
    """Runs `quickstart` as shipped; start-up ends where the first trial begins its first epoch."""
    with tempfile.TemporaryDirectory() as folder:
        gpus = 0.5 if device == "cuda" else 0.0
        result = search("quickstart", results=Path(folder), gpus_per_trial=gpus, progress=False)
        share = training_share(result.epochs.to_pylist(), result.trials.to_pylist(), slots(gpus))
    return [row("training-share", share, None, "share of slot time", share / LIMIT, f"at least {LIMIT}")]


def slots(gpus: float) -> int:
    return 2 if gpus else os.cpu_count() or 1


def training_share(epochs: list[dict[str, Any]], trials: list[dict[str, Any]], slots: int) -> float:
    """Returns trainer seconds over slot seconds, from the beginning of the first epoch to the end of the last trial."""
    spent = [epoch["train_seconds"] + epoch["score_seconds"] for epoch in epochs]
    begun = min(epoch["recorded"] - seconds for epoch, seconds in zip(epochs, spent, strict=True))
    ended = max(trial["ended"] for trial in trials)
    share: float = sum(spent) / (slots * (ended - begun))
    return share
