"""The nets of a confirmation: their seeds, their ledger, and handing them to Ray one by one."""

import json
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from analysis import records
from analysis.schema import reading
from robustune.driver import NOT_THE_OPTIONS, WORKER_LOST, Proposal
from robustune.errors import printable
from robustune.ledger import Ledger
from robustune.preparation import OUTCOMES
from search_spaces import Study
from search_spaces.study import Budget, EarlyStopping, Sampler
from trainables.seeds import derive

PURPOSE: Final = "confirmation"
SCORED: Final = f"{OUTCOMES}/"
"""Begins the name of the step that scores a net."""
DIVERGED: Final = "NONFINITE"
QUARTERS: Final = 4
"""A net that was interrupted loses at most one of so many parts of its epochs."""


@dataclass(frozen=True)
class Wanted:
    """One net to train: a trial's options under a seed that no search used."""

    trial: int
    replicate: int
    seed: int
    config: Mapping[str, Any]

    @property
    def key(self) -> tuple[int, int]:
        """Trial and replicate."""
        return self.trial, self.replicate


@dataclass(frozen=True)
class Net:
    """What the ledger says of one net; `checkpoint` and `sha256` are those of its newest checkpoint, "" without one.

    Times are unix seconds.
    """

    number: int
    trial: int
    replicate: int
    seed: int
    state: str
    epochs: int
    train_seconds: float
    checkpoint: str
    sha256: str
    code: str
    reason: str
    started: float = 0.0
    ended: float | None = None

    @property
    def key(self) -> tuple[int, int]:
        """Trial and replicate."""
        return self.trial, self.replicate

    @property
    def may_be_tried_again(self) -> bool:
        """Whether it failed for what says nothing of its options, as a worker that was lost."""
        return self.state == "failed" and self.code.startswith(NOT_THE_OPTIONS)


def search_seeds(folder: Path) -> frozenset[int]:
    """Returns every seed that the search of a study used for itself or a trial."""
    asked = {event.seed for event in records.events(folder) if event.kind == "asked"}
    return frozenset(asked | {records.read_study(folder).seed})


def net_seed(study_seed: int, trial: int, replicate: int, taken: Collection[int]) -> int:
    """Returns the seed of a net: a function of study seed, trial and replicate, and none of those taken.

    Args:
        study_seed: of the search.
        trial: number.
        replicate: from 0.
        taken: seeds of the search.
    """
    attempt = 0
    while (seed := derive(study_seed, PURPOSE, trial, replicate, attempt)) in taken:
        attempt += 1
    return seed


def sets_seed(study_seed: int) -> int:
    """Returns the seed of everything that is made anew for all nets alike: the baseline and the sets."""
    return derive(study_seed, PURPOSE, "sets")


def images_seed(study_seed: int) -> int:
    """Returns the seed of attacks and noise draws, the same for all nets."""
    return derive(study_seed, PURPOSE, "images")


def retraining_of(study: Study) -> Study:
    """Returns the study whose ledger holds the nets: the same but for what decides only how a search goes on."""
    return replace(
        study,
        budget=Budget(trials=1, epochs=study.budget.epochs),
        sampler=Sampler("random"),
        early_stopping=EarlyStopping(),
        first=(),
        warm_start_from=(),
        source="",
    )


def kept_epochs(epochs: int) -> tuple[int, ...]:
    """Returns the epochs after which a net leaves a checkpoint, ascending: four at most, and the last among them."""
    return tuple(sorted({-(-epochs * part // QUARTERS) for part in range(1, QUARTERS + 1)}))


def nets(folder: Path) -> list[Net]:
    """Returns the newest net of each trial and replicate, in that order, as a confirmation's ledger has them.

    One that trained to its end and then had no finite scores has failed.

    Raises:
        LedgerError: there is no whole ledger in the folder.
    """
    with reading(folder) as connection:
        rows = connection.execute(_NETS_QUERY).fetchall()
    sets = records.sets(folder)
    found = {}
    for number, attributes, seed, state, epochs, seconds, checkpoint, sha256, code, reason, *times in rows:
        told = json.loads(attributes)
        net = Net(
            number=number,
            trial=told["trial"],
            replicate=told["replicate"],
            seed=seed,
            state=state,
            epochs=epochs,
            train_seconds=seconds,
            checkpoint=checkpoint or "",
            sha256=sha256 or "",
            code=code or "",
            reason=reason or "",
            started=times[0],
            ended=times[1],
        )
        said = sets.get(scoring_name(number), {}).get("failure")
        found[net.key] = net if said is None else replace(net, state="failed", code=DIVERGED, reason=said)
    return [found[key] for key in sorted(found)]


def scoring_name(number: int) -> str:
    """Returns the name of the step that scores a net."""
    return f"{SCORED}{number:05d}"


def still_to_train(wanted: Iterable[Wanted], there: Iterable[Net]) -> list[Wanted]:
    """Returns the nets that the ledger has not begun, and those that ended for a lost worker or storage."""
    known = {net.key for net in there if not net.may_be_tried_again}
    return [one for one in wanted if one.key not in known]


class Retraining:
    """Hands out nets and commits what they report; `robustune.tuning.run_trials` runs it as it runs a search.

    Nets that were in flight when a run ended go on first. None is stopped early.

    Args:
        ledger: of the confirmation.
        wanted: nets that its ledger lacks.
        say: takes one line for each net that ends.
        clock: seconds from any moment on.
    """

    def __init__(
        self,
        ledger: Ledger,
        wanted: Sequence[Wanted],
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._say = say
        self._clock = clock
        self._began = clock()
        self._requeued = ledger.requeue()
        self._waiting = list(wanted)
        self._numbers = _count(ledger.folder)
        self._epochs = {one.number: one.epoch for one in self._requeued}
        self._keys = {net.number: net.key for net in nets(ledger.folder)}
        self._total = len(self._requeued) + len(self._waiting)
        self._ended = 0

    @property
    def remaining(self) -> int:
        """Nets that are still to run."""
        return len(self._requeued) + len(self._waiting)

    def ready(self) -> bool:
        """Whether `next` answers at once: always."""
        return True

    def next(self) -> Proposal | None:
        """Returns the next net; None where all are handed out."""
        if self._requeued:
            old = self._requeued.pop(0)
            return Proposal(old.number, old.seed, old.config, old.epoch if old.checkpoint else 0)
        if not self._waiting:
            return None
        new, number = self._waiting.pop(0), self._numbers
        self._ledger.ask(number, new.config, new.seed, {"trial": new.trial, "replicate": new.replicate})
        self._numbers += 1
        self._epochs[number] = 0
        self._keys[number] = new.key
        return Proposal(number, new.seed, new.config, 0)

    def report(self, number: int, report: Mapping[str, Any]) -> bool:
        """Commits one report of a net and returns whether it goes on: until its last epoch, or until it failed."""
        if report["failure"] is not None:
            self._fail(number, report["failure"]["code"], report["failure"]["message"])
            return False
        epoch = report["epoch"]
        known = epoch <= self._epochs[number]
        if known and report["checkpoint"] is None:
            return True
        last = not known and epoch >= self._ledger.study.budget.epochs
        self._ledger.report(
            number,
            epoch,
            report["metrics"],
            report["train_seconds"],
            report["score_seconds"],
            report["checkpoint"],
            "complete" if last else None,
        )
        self._epochs[number] = max(epoch, self._epochs[number])
        if last:
            self._tell(number, "trained")
        return not last

    def lost(self, number: int) -> None:
        """Ends a net whose worker was lost more often than it is retried; the next run tries it again."""
        self._fail(number, WORKER_LOST, "the net's worker was lost more often than a net is retried")

    def retried(self, number: int) -> int:
        """Counts a start over after a lost worker, and returns the epoch up to which checkpoints may be taken up."""
        self._ledger.retried(number)
        return self._epochs[number]

    def _fail(self, number: int, code: str, reason: str) -> None:
        self._ledger.fail(number, code, reason)
        self._tell(number, f"failed ({code}: {printable(reason)})")

    def _tell(self, number: int, what: str) -> None:
        self._ended += 1
        trial, replicate = self._keys[number]
        left = (self._clock() - self._began) / self._ended * (self._total - self._ended)
        told = f"; about {clock_time(left)} of training left" if self._ended < self._total else ""
        self._say(f"net {self._ended} of {self._total}: trial {trial} under seed {replicate} {what}{told}")


def clock_time(seconds: float) -> str:
    """Tells a time as hours, minutes and seconds, the hours only where there are some."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _count(folder: Path) -> int:
    with reading(folder) as connection:
        return int(connection.execute("SELECT count(*) FROM trials").fetchone()[0])


_NETS_QUERY: Final = """
SELECT number, attributes, seed, state, trials.epoch,
       coalesce((SELECT sum(train_seconds) FROM epochs WHERE trial = number), 0.0),
       (SELECT path FROM checkpoints WHERE trial = number ORDER BY epoch DESC LIMIT 1),
       (SELECT sha256 FROM checkpoints WHERE trial = number ORDER BY epoch DESC LIMIT 1), code, reason,
       started, ended
FROM trials ORDER BY number
"""
