"""The driver's side of every trial: what is asked, what a result decides, and the one order in which it is recorded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from analysis import records
from robustune.halving import ParetoHalving, rungs
from robustune.ledger import Ledger
from robustune.sampler import Sampler
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
    """

    def __init__(self, ledger: Ledger, changed: Callable[[], None]) -> None:
        self._ledger = ledger
        self._changed = changed
        self._study: Study = ledger.study
        self._rungs = rungs(self._study.early_stopping, self._study.budget.epochs)
        self._halving = ParetoHalving(self._study) if self._study.early_stopping.name != "none" else None
        self._sampler = Sampler(self._study, self._rungs)
        self._epochs: dict[int, int] = {}
        self._waiting = [
            Proposal(trial.number, trial.seed, trial.config, trial.epoch if trial.checkpoint else 0)
            for trial in ledger.requeue()
        ]
        self.requeued = len(self._waiting)
        self._replay(ledger.folder)

    @property
    def remaining(self) -> int:
        """Trials that are still to run, those in flight at the last end included; none of them beyond the grid."""
        limit = min(self._study.budget.trials, self._sampler.size or self._study.budget.trials)
        return len(self._waiting) + max(0, limit - len(self._epochs))

    def next(self) -> Proposal | None:
        """Returns the next trial; None where the budget is spent or a grid is exhausted."""
        if self._waiting:
            return self._waiting.pop(0)
        number = len(self._epochs)
        config = self._sampler.ask(number) if number < self._study.budget.trials else None
        if config is None:
            return None
        seed = derive(self._study.seed, number, "trial")
        self._ledger.ask(number, config, seed, self._sampler.attributes(number))
        self._epochs[number] = 0
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
            return True
        end = None if known else self._verdict(number, epoch, metrics)
        self._ledger.report(
            number, epoch, metrics, report["train_seconds"], report["score_seconds"], report["checkpoint"], end
        )
        if not known:
            self._tell(number, epoch, metrics, end)
            self._changed()
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
        goes_on = self._halving is None or epoch not in self._rungs or self._halving.report(number, epoch, metrics)
        if epoch >= self._study.budget.epochs:
            return "complete"
        return None if goes_on else "stopped"

    def _tell(self, number: int, epoch: int, metrics: Mapping[str, float], end: str | None) -> None:
        self._epochs[number] = epoch
        if epoch in self._rungs:
            self._sampler.observe(number, epoch, metrics)
        if end is not None:
            self._sampler.end(number, end, metrics)

    def _fail(self, number: int, code: str, reason: str) -> None:
        self._ledger.fail(number, code, reason)
        self._sampler.end(number, _blame(code), None)
        self._changed()

    def _replay(self, folder: Path) -> None:
        for event in records.events(folder):
            if event.kind == "asked":
                self._epochs[event.trial] = 0
                self._sampler.restore(event.trial, event.config, event.attributes)
            elif event.kind == "reported":
                if self._halving is not None and event.epoch in self._rungs:
                    self._halving.report(event.trial, event.epoch, event.metrics)
                self._epochs[event.trial] = event.epoch
                if event.epoch in self._rungs:
                    self._sampler.observe(event.trial, event.epoch, event.metrics)
            else:
                state = _blame(event.code) if event.state == "failed" else event.state
                self._sampler.end(event.trial, state, event.metrics)


def _blame(code: str | None) -> str:
    """What the sampler hears of a failed trial: a lost worker or storage that failed says nothing of its options."""
    return "lost" if code is not None and code.startswith(NOT_THE_OPTIONS) else "failed"
