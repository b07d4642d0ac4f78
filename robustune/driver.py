"""The driver's side of every trial: what is asked, what a result decides, and the one order in which it is recorded."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from analysis.ending import End
from robustune.budget import Spending
from robustune.halving import rungs
from robustune.record import Past, Record
from robustune.rules import rule_of
from robustune.sampler import Sampler
from robustune.teaching import Teaching
from search_spaces import Study
from trainables.seeds import derive

WORKER_LOST = "WORKER_LOST"
NOT_THE_OPTIONS = ("WORKER_", "CKPT_", "CACHE_")


@dataclass(frozen=True)
class Proposal:
    """A trial to run: a fresh one, or one that was in flight when a driver ended.

    Checkpoints beyond `resume_epoch` are not the ledger's: a killed driver's, or those of a study that was here before.
    """

    number: int
    seed: int
    config: Mapping[str, Any]
    resume_epoch: int


class Driver:
    """Asks, decides and records; everything it knows can be rebuilt from the ledger.

    The order is fixed: the rule decides, the ledger commits result and decision in one transaction, and only then
    the sampler is told. What is committed is therefore what a resumed search tells its sampler again.

    Args:
        ledger: of the study, which other studies have taught already where they are to.
        changed: told of every commit.
        stop: whether somebody asked for an end. No trial begins any more, and one that runs is put aside at its next
            checkpoint, to go on when the search is resumed.
        clock: seconds from any moment on.
        teaching: the rule that says what trials teach the sampler; others than ours are for comparisons.
    """

    def __init__(
        self,
        ledger: Record,
        changed: Callable[[], None],
        stop: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
        teaching: type[Teaching] = Teaching,
    ) -> None:
        self._ledger = ledger
        self._changed = changed
        self._stop = stop
        self._clock = clock
        self._study: Study = ledger.study
        self._rungs = rungs(self._study.early_stopping, self._study.budget.epochs)
        self._rule = rule_of(self._study)
        self._sampler = Sampler(self._study, self._rungs, teaching)
        self._epochs: dict[int, int] = {}
        self._in_flight: set[int] = set()
        self._aside = 0
        self._waiting = [
            Proposal(trial.number, trial.seed, trial.config, trial.epoch if trial.checkpoint else 0)
            for trial in ledger.requeue()
        ]
        self.requeued = len(self._waiting)
        past = ledger.past()
        self._spending = Spending(self._study, past.extended)
        self._replay(past)
        self._spent = past.seconds
        self._began = clock()
        self._ended: End | None = None

    @property
    def remaining(self) -> int:
        """Trials that are still to run, those in flight at the last end included; none of them beyond the budget."""
        return len(self._waiting) + self._spending.left(self._seconds())

    @property
    def end(self) -> End | None:
        """Which bound of the budget was the first to keep further trials from beginning; None: there is none yet."""
        self._ended = self._ended or self._spending.end(self._seconds())
        return self._ended

    @property
    def put_aside(self) -> int:
        """Trials that have begun and neither run nor ended: a stop was asked for."""
        return len(self._waiting) + self._aside

    def ready(self) -> bool:
        """Whether `next` answers at once; while trials are in flight, it is not to be asked before."""
        if not self._in_flight or self._waiting or self._stop() or self.end is not None:
            return True
        return self._sampler.ready(len(self._epochs))

    def next(self) -> Proposal | None:
        """Returns the next trial; None where the budget is spent, a grid is exhausted, or a stop was asked for."""
        if self._stop():
            return None
        proposal = self._waiting.pop(0) if self._waiting else self._new()
        if proposal is not None:
            self._in_flight.add(proposal.number)
        return proposal

    def _new(self) -> Proposal | None:
        number = len(self._epochs)
        config = self._sampler.ask(number) if self.end is None else None
        if config is None:
            return None
        seed = derive(self._study.seed, number, "trial")
        self._ledger.ask(number, config, seed, self._sampler.attributes(number))
        self._epochs[number] = 0
        self._spending.asked()
        self._changed()
        return Proposal(number, seed, config, 0)

    def report(self, number: int, report: Mapping[str, Any]) -> bool:
        """Records one report of a trial and returns whether the trial goes on.

        A report of an epoch that the ledger has already is a trial that started again from its checkpoint: it was
        decided before, and goes on. Its scores stay; a checkpoint that it wrote anew is the one that counts.
        """
        if report["failure"] is not None:
            self._fail(number, report["failure"]["code"], report["failure"]["message"])
            return False
        epoch, metrics = report["epoch"], report["metrics"]
        known = epoch <= self._epochs[number]
        if known and report["checkpoint"] is None:
            return True  # also where a stop was asked for: without a checkpoint the epoch would be lost
        end = None if known else self._verdict(number, epoch, metrics)
        self._ledger.report(
            number, epoch, metrics, report["train_seconds"], report["score_seconds"], report["checkpoint"], end
        )
        if not known:
            self._tell(number, epoch, metrics, end)
            self._changed()
        if end is None and report["checkpoint"] is not None and self._stop():
            self._in_flight.discard(number)
            self._aside += 1
            return False
        return end is None

    def lost(self, number: int) -> None:
        """Ends a trial whose worker was lost more often than it is retried."""
        self._fail(number, WORKER_LOST, "the trial's worker was lost more often than a trial is retried")

    def retried(self, number: int) -> int:
        """Counts a start over after a lost worker, and returns the epoch up to which checkpoints may be taken up."""
        self._ledger.retried(number)
        self._changed()
        return self._epochs[number]

    def _verdict(self, number: int, epoch: int, metrics: Mapping[str, float]) -> Literal["complete", "stopped"] | None:
        goes_on = self._rule is None or self._rule.report(number, epoch, metrics)
        if epoch >= self._study.budget.epochs:
            return "complete"
        return None if goes_on else "stopped"

    def _tell(self, number: int, epoch: int, metrics: Mapping[str, float], end: str | None) -> None:
        self._epochs[number] = epoch
        self._spending.reported()
        if epoch in self._rungs:
            self._sampler.observe(number, epoch, metrics)
        if end is not None:
            self._in_flight.discard(number)
            self._spending.ended(end, metrics)
            self._sampler.end(number, end, metrics)

    def _fail(self, number: int, code: str, reason: str) -> None:
        self._ledger.fail(number, code, reason)
        self._in_flight.discard(number)
        self._spending.ended("failed", {})
        self._sampler.end(number, _blame(code), None)
        self._changed()

    def _seconds(self) -> float:
        return self._spent + self._clock() - self._began

    def _replay(self, past: Past) -> None:
        self._sampler.learn(past.taught)
        for event in past.events:
            if event.kind == "asked":
                self._epochs[event.trial] = 0
                self._spending.asked()
                self._sampler.restore(event.trial, event.config, event.attributes)
            elif event.kind == "reported":
                if self._rule is not None:
                    self._rule.remember(event.trial, event.epoch, event.metrics)
                self._epochs[event.trial] = event.epoch
                self._spending.reported()
                if event.epoch in self._rungs:
                    self._sampler.observe(event.trial, event.epoch, event.metrics)
            else:
                if self._rule is not None and event.state == "stopped":
                    self._rule.stopped(event.trial)
                state = _blame(event.code) if event.state == "failed" else event.state
                self._spending.ended(event.state, event.metrics, event.seq)
                self._sampler.end(event.trial, state, event.metrics)


def _blame(code: str | None) -> str:
    """What the sampler hears of a failed trial: a lost worker or storage that failed says nothing of its options."""
    return "lost" if code is not None and code.startswith(NOT_THE_OPTIONS) else "failed"
