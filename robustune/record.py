"""What a driver needs of whoever keeps its record: a ledger on a disk, or nothing but memory."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from analysis.records import Event
from search_spaces.study import Study


@dataclass(frozen=True)
class Requeued:
    """A trial that was in flight, put back to its last whole checkpoint: epoch 0 and None where it starts anew."""

    number: int
    config: Mapping[str, Any]
    seed: int
    epoch: int
    checkpoint: str | None


@dataclass(frozen=True)
class Past:
    """What drivers before this one left.

    Attributes:
        events: everything that happened to trials, in order.
        taught: configurations and scores of trials of other studies.
        extended: the event after which the budget was last extended; 0 where it never was.
        seconds: that drivers have spent on the study.
    """

    events: Iterable[Event] = ()
    taught: Sequence[tuple[Mapping[str, Any], Mapping[str, float]]] = ()
    extended: int = 0
    seconds: float = 0.0


class Record(Protocol):
    """Keeps what a driver commits; `robustune.ledger.Ledger` says what each method does."""

    @property
    def study(self) -> Study:
        """The study that is searched."""

    def requeue(self) -> list[Requeued]:
        """Trials that were in flight."""

    def past(self) -> Past:
        """What happened before, without what `requeue` dropped."""

    def ask(self, number: int, config: Mapping[str, Any], seed: int, attributes: Mapping[str, Any]) -> None:
        """A trial begins."""

    def report(
        self,
        number: int,
        epoch: int,
        metrics: Mapping[str, float],
        train_seconds: float,
        score_seconds: float,
        checkpoint: Mapping[str, Any] | None = None,
        end: Literal["complete", "stopped"] | None = None,
    ) -> None:
        """A trial has trained an epoch."""

    def fail(self, number: int, code: str, reason: str) -> None:
        """A trial failed."""

    def retried(self, number: int) -> None:
        """A trial lost its worker and goes on."""
