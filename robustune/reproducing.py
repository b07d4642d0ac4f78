"""Retrains one trial as it was trained, and says whether every bit came out the same, or what differs."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from analysis import records
from analysis.records import Event
from robustune import checks, whole_trials
from robustune.aside import own_folder
from robustune.building import bring
from robustune.checkpoints import fetched, whole_copy
from robustune.confirmation_changes import changes
from robustune.driver import WORKER_LOST
from robustune.errors import Mistake, readable
from robustune.preparation import addresses, steps
from robustune.screen import Screen
from robustune.settings import Settings
from robustune.whole_trials import Recorded
from trainables.errors import TrainableError
from trainables.storage import is_uri, opened

if TYPE_CHECKING:
    from trainables.trial import TrialPlan

FAILED: Final = "failed"
_PREPARED: Final = ("CACHE_", "SET_MISSING")
"""Begin the codes of a set that is not as the trial needs it, which says nothing of the trial."""


@dataclass(frozen=True)
class Reproduction:
    """What came of retraining a trial.

    Attributes:
        trial: its number.
        epochs: that were compared.
        scores: that were compared.
        weights: epoch whose weights were compared; 0 where none were.
        differences: a line for each thing that came out in another way, the first epoch's first; none where all is bit
            for bit the same.
        changes: a line for each condition that is another than it was.
        notes: what could not be compared, and why.
    """

    trial: int
    epochs: int
    scores: int
    weights: int
    differences: Sequence[str]
    changes: Sequence[str]
    notes: Sequence[str]


@dataclass(frozen=True)
class _Past:
    """What the ledger has of a trial: what was drawn, what each epoch reported, how it ended, and its checkpoint."""

    asked: Event
    reported: tuple[Event, ...]
    ended: Event
    epoch: int
    sha256: str
    whole: str
    conditions: Mapping[str, Any]

    @property
    def lost(self) -> bool:
        """Whether it was not the trial that ended, but the process that trained it."""
        return self.ended.code == WORKER_LOST


def reproduce(study: str, number: int, settings: Settings, screen: Screen, threads: int | None = None) -> Reproduction:
    """Trains a trial again from its seed, its options and the sets that it was trained with, and compares all of it.

    It trains in this process, without Ray: as many epochs as it was trained for, or up to its failure. Of a trial whose
    worker was lost the epochs before are compared. Nothing of the study is changed.

    Args:
        study: name, study file or folder of a study that was begun.
        number: of a trial that ended.
        settings: where results, checkpoints and store are, and the cluster where sets must be built again.
        screen: shows how it goes.
        threads: of the trial; None means those it had, or one where they were not recorded.

    Raises:
        Mistake: STUDY_MISSING, OPTION_INVALID for a trial that is not there, has not ended or reported nothing before
            its worker was lost, DATA_UNKNOWN, CACHE_*, and what building says.
    """
    folder = checks.stored(study, settings)
    settings = replace(settings, results=str(folder.parent))
    with readable():
        done = whole_trials.recorded(folder)
        past = _past(done, number, settings)
        then = records.versions(folder, past.ended.seq)
        changed = changes(folder, done.study, then)
    had = past.conditions.get("threads")
    given = threads or had or 1
    with own_folder("reproduce") as aside:
        sets = _sets(done, settings, screen)
        plan = _plan(done, past, sets, settings.store, aside, given)
        compared = _Comparison(past)
        _train(plan, compared, screen.say, changed)
        _compare_weights(compared, past, aside)
        changed += _other_conditions(past, given)
    notes = [*compared.notes, *_unrecorded(past, then, given)]
    weights = past.epoch if compared.checkpoint is not None else 0
    return Reproduction(number, compared.epochs, compared.scores, weights, compared.differences, changed, notes)


class _Comparison:
    """Gathers what a retrained trial does otherwise than the recorded one."""

    def __init__(self, past: _Past) -> None:
        self._past = past
        self.epochs = 0
        self.scores = 0
        self.differences: list[str] = []
        self.notes: list[str] = []
        self.checkpoint: Mapping[str, Any] | None = None

    @property
    def over(self) -> bool:
        """Whether the recorded trial went no further; a failed one comes to its failure in one epoch more."""
        return self.epochs >= len(self._past.reported) + (self._past.ended.state == FAILED and not self._past.lost)

    def take(self, report: Mapping[str, Any]) -> str:
        """Compares one report; returns a line for the user."""
        at = self.epochs + 1
        then = self._past.reported[self.epochs] if self.epochs < len(self._past.reported) else None
        self.epochs += 1
        failure = report["failure"]
        self.checkpoint = report.get("checkpoint") or self.checkpoint
        found = self._failure(then, failure) if failure or then is None else self._metrics(then, report["metrics"])
        if found:
            self.differences.append(f"epoch {at}: {found}")
        return f"epoch {at} of {len(self._past.reported)}: {found or 'as recorded'}"

    def _failure(self, then: Event | None, failure: Mapping[str, str] | None) -> str:
        old = f"{self._past.ended.code}: {self._past.ended.reason}" if then is None else "scores"
        new = f"{failure['code']}: {failure['message']}" if failure else "scores"
        return "" if old == new else f"{old} became {new}"

    def _metrics(self, then: Event, metrics: Mapping[str, float]) -> str:
        self.scores += len(then.metrics)
        names = dict.fromkeys([*then.metrics, *metrics])
        other = [name for name in names if then.metrics.get(name) != metrics.get(name)]
        return ", ".join(f"{name} {then.metrics.get(name)} became {metrics.get(name)}" for name in other)


def _past(done: Recorded, number: int, settings: Settings) -> _Past:
    own = [event for event in records.events(done.folder) if event.trial == number]
    if not own:
        count = done.trials.num_rows
        there = f"there are 0 to {count - 1}" if count else "none was begun"
        raise Mistake("OPTION_INVALID", f"{done.folder}: --trial {number}: there is none of that number; {there}")
    if own[-1].kind != "ended":
        raise Mistake(
            "OPTION_INVALID",
            f"{done.folder}: --trial {number}: it has not ended; `robustune resume {done.study.name}` goes on with it",
        )
    if own[-1].code == WORKER_LOST and len(own) == 2:
        raise Mistake(
            "OPTION_INVALID",
            f"{done.folder}: --trial {number}: its worker was lost before an epoch ended; there is nothing to compare",
        )
    epoch, path, sha256 = done.checkpoints.get(number, (0, "", ""))
    whole, conditions = "", dict[str, Any]()
    if epoch:
        try:
            root, whose = settings.checkpoints(done.study.name), f"trial {number}"
            whole = whole_copy(path, sha256, done.folder, root, number, whose)
            conditions = _conditions(whole)
        except Mistake as mistake:
            if mistake.code not in ("CKPT_MISSING", "CKPT_CORRUPT"):
                raise
    return _Past(own[0], tuple(own[1:-1]), own[-1], epoch, sha256, whole, conditions)


def _conditions(checkpoint: str) -> dict[str, Any]:
    """What stands beside a checkpoint; nothing where it was kept before conditions were, or was moved alone."""
    path, mark, parameters = checkpoint.partition("?") if is_uri(checkpoint) else (checkpoint, "", "")
    try:
        filesystem, inside = opened(path.removesuffix(".safetensors") + ".json" + mark + parameters, "CKPT_UNREADABLE")
        with filesystem.open_input_stream(inside, compression=None) as stream:
            found: dict[str, Any] = json.loads(stream.read()).get("conditions", {})
            return found
    except (OSError, ValueError, TrainableError):
        return {}


def _sets(done: Recorded, settings: Settings, screen: Screen) -> dict[str, str]:
    """The sets that the trial was trained with, built again where they are gone and would be the same."""
    recorded = {name: str(one["digest"]) for name, one in records.sets(done.folder).items()}
    planned = steps(done.study)
    now = addresses(planned)
    if all(now.get(name) == digest for name, digest in recorded.items()):
        bring(planned, settings, screen)
    return recorded


def _plan(done: Recorded, past: _Past, sets: Mapping[str, str], store: str, aside: Path, threads: int) -> "TrialPlan":
    from trainables.trial import TrialPlan  # late: it takes Ray along

    study = done.study
    return TrialPlan(
        number=past.asked.trial,
        seed=past.asked.seed,
        trainer=study.trainer,
        options={**study.options, **past.asked.config},
        metrics=study.metrics,
        from_epochs=study.from_epochs,
        sets=sets,
        store=store,
        checkpoints=str(aside),
        epochs=study.budget.epochs,
        rungs=(past.epoch,),
        threads=threads,
    )


def _train(plan: "TrialPlan", compared: _Comparison, say: Callable[[str], None], changed: Sequence[str]) -> None:
    from trainables.trial import Course

    course = Course(plan)
    while not compared.over:
        report = course.report()
        failure = report["failure"]
        if failure and failure["code"].startswith(_PREPARED):
            told = f"{failure['message']}; other than when it was searched: {', '.join(changed) or 'nothing'}"
            raise Mistake.of(TrainableError(failure["code"], told), f"trial {plan.number}", "CACHE_MISSING")
        say(compared.take(report))
        if failure:
            return


def _compare_weights(compared: _Comparison, past: _Past, aside: Path) -> None:
    """Holds the newest checkpoint of both to be the same file, or says which tensors are not."""
    if not past.epoch or compared.checkpoint is None:
        compared.notes.append("the trial kept no checkpoint: its weights were not compared")
        return
    if compared.checkpoint["sha256"] == past.sha256:
        return
    if not past.whole:
        compared.differences.append(f"epoch {past.epoch}: the checkpoint's SHA-256; the recorded file is gone")
        return
    from trainables.checkpoint_differences import differences

    theirs = fetched(past.whole, "recorded.safetensors", aside) if is_uri(past.whole) else Path(past.whole)
    found = differences(theirs, Path(compared.checkpoint["path"]))
    if found.names:
        compared.differences.append(
            f"weights of epoch {past.epoch}: {len(found.names)} of {found.tensors} tensors, first {found.names[0]}, by "
            f"up to {found.largest:.3g}"
        )
    else:
        told = ", ".join(found.metadata) or "its layout"
        compared.notes.append(f"the weights of epoch {past.epoch} are the same; the checkpoint differs in {told}")


def _other_conditions(past: _Past, threads: int) -> list[str]:
    from trainables.conditions import conditions

    now = conditions(threads)
    return [
        f"{name} ({then} became {now.get(name)})" for name, then in past.conditions.items() if now.get(name) != then
    ]


def _unrecorded(past: _Past, then: Mapping[str, str], threads: int) -> list[str]:
    found = []
    if past.lost:
        found.append("the trial ended as its worker was lost, which no training brings back; its epochs were compared")
    if not past.conditions:
        found.append(
            f"threads, processor and device of the trial were not recorded; it was trained with {threads} "
            f"thread{'' if threads == 1 else 's'} here (--threads)"
        )
    if then and "code" not in then:
        found.append("the code of trainables was not recorded when the trial was trained; it may be another now")
    return found
