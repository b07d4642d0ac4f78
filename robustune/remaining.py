"""How many epochs a search has still to train, told from how long its trials have lived so far."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

ENOUGH: Final = 3
"""Trials that have to have ended before anything is told of how long others will live."""


@dataclass(frozen=True)
class Life:
    """How far a trial has come, in epochs, and whether it still runs."""

    epochs: int
    running: bool


@dataclass(frozen=True)
class Pace:
    """From when, and from how many epochs on, the pace of a run is counted: the first ones take its workers' start too.

    Attributes:
        seen: epochs that had been trained when the run was first looked at; None: it was not yet.
        earlier: epochs that had been trained when the first of this run were seen; before, more than there can be.
        since: when that was, in seconds of the clock of whoever looks.
    """

    seen: int | None = None
    earlier: int = sys.maxsize
    since: float = 0.0

    def looked(self, at: float, epochs: int) -> "Pace":
        """The pace after a look at that time, which found so many epochs."""
        if self.seen is None:
            return Pace(epochs)
        return Pace(self.seen, epochs, at) if self.earlier == sys.maxsize and epochs > self.seen else self


def epochs_left(lives: Sequence[Life], to_begin: int, epochs: int) -> float | None:
    """Returns how many epochs trials in flight and trials to begin will train; None where too few have ended.

    The first trials to end are those that were stopped early, so a mean over ended ones would be far too low: the share
    that lives on beyond an epoch is counted among all that came to it, trials in flight included. Nobody is thought to
    end after an epoch where none has yet.

    Args:
        lives: of all trials that have begun.
        to_begin: how many others will.
        epochs: of a trial that is never stopped.

    Source: the product-limit estimate of Kaplan & Meier 1958; a trial in flight is censored at its last epoch.
    """
    if sum(not life.running for life in lives) < ENOUGH:
        return None
    share, beyond = 1.0, []  # the share of trials that train on after so many epochs
    for epoch in range(epochs):
        came = sum(life.epochs >= epoch for life in lives)
        ended = sum(life.epochs == epoch and not life.running for life in lives)
        share *= 1.0 - ended / came if came else 1.0
        beyond.append(share)
    in_flight = [life.epochs for life in lives if life.running and life.epochs < epochs]
    return to_begin * sum(beyond) + sum(sum(beyond[trained:]) / beyond[trained] for trained in in_flight)
