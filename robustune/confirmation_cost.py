"""What a confirmation will cost, from what the ledger of the search knows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis import records
from robustune.arguments import cpus
from robustune.confirmation_nets import clock_time
from robustune.settings import Settings


@dataclass(frozen=True)
class Cost:
    """Of nets that are still to train.

    Attributes:
        nets: how many.
        epochs: of all of them.
        seconds: of training all of them, one after the other, as the search took them.
        slots: nets side by side.
    """

    nets: int
    epochs: int
    seconds: float
    slots: int

    @property
    def wall_seconds(self) -> float:
        """Of training them side by side."""
        rounds = math.ceil(self.nets / self.slots)
        return self.seconds / self.nets * rounds if self.nets else 0.0

    @property
    def words(self) -> str:
        """The cost in words."""
        if not self.nets:
            return "no net is left to train"
        each = "net" if self.nets == 1 else "nets"
        return (
            f"{self.nets} {each} to train, {self.epochs} epochs in all: about {clock_time(self.wall_seconds)} with "
            f"{self.slots} at a time for the epochs alone, if these take as long as in the search; making sets and "
            "scoring nets come on top"
        )


def cost(folder: Path, lacking: Sequence[tuple[int, int]], slots: int) -> Cost:
    """Returns what it takes to train nets, each by its trial and the epochs that it still lacks.

    A trial's epochs take what they took in the search, scores left aside.

    Args:
        folder: of the study.
        lacking: number of a trial and epochs, for each net.
        slots: nets side by side.
    """
    seconds = epoch_seconds(folder)
    usual = sum(seconds.values()) / len(seconds) if seconds else 0.0
    total = sum(seconds.get(trial, usual) * epochs for trial, epochs in lacking)
    return Cost(len(lacking), sum(epochs for _, epochs in lacking), total, max(1, slots))


def slots(settings: Settings) -> int:
    """Returns how many nets train side by side, as far as can be known before Ray answers."""
    return settings.concurrency or max(1, int(cpus() / settings.cpus_per_trial))


def epoch_seconds(folder: Path) -> Mapping[int, float]:
    """Returns the mean time that an epoch of each trial trained, in seconds."""
    epochs = records.epochs(folder)
    means = epochs.group_by("trial").aggregate([("train_seconds", "mean")])
    return dict(zip(means["trial"].to_pylist(), means["train_seconds_mean"].to_pylist(), strict=True))
