"""The one Ray class: a trial trains a trainer of ours epoch by epoch and reports plain data."""

import json
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pyarrow.fs as pafs
from ray import tune

from trainables.checkpoint_folder import CheckpointFolder
from trainables.conditions import conditions
from trainables.errors import TrainableError
from trainables.registry import load_trainer
from trainables.reported import checked_metrics
from trainables.storage import below, opened

if TYPE_CHECKING:  # the driver imports this module too, and needs no torch
    from trainables.trainer import Trainer

_LONGEST_REASON: Final = 400


@dataclass(frozen=True)
class TrialPlan:
    """Everything that a trial must know, as plain data that travels to any node.

    `resume_epoch` bounds the checkpoints that may be taken up: None means the newest whole one, a number the newest
    whole one that is not beyond that epoch. A checkpoint is kept after each epoch that `rungs` names, and after any
    other while there is a file at `stop`: somebody asked for an end, and what is not kept would be trained again.
    A metric that `from_epochs` names is measured from that epoch on; all others after each.
    """

    number: int
    seed: int
    trainer: str
    options: Mapping[str, Any]
    metrics: tuple[str, ...]
    sets: Mapping[str, str]
    store: str
    checkpoints: str
    epochs: int
    rungs: tuple[int, ...]
    threads: int
    resume_epoch: int | None = None
    stop: str = ""
    from_epochs: Mapping[str, int] = field(default_factory=dict)

    def to_config(self) -> dict[str, Any]:
        """Returns the mapping that Ray hands to the actor."""
        return {"plan": json.dumps(asdict(self))}

    def asked(self, epoch: int) -> tuple[str, ...]:
        """The metrics to be measured after an epoch."""
        return tuple(metric for metric in self.metrics if self.from_epochs.get(metric, 1) <= epoch)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "TrialPlan":
        """Reads what `to_config` wrote."""
        plain = json.loads(config["plan"])
        return cls(**{**plain, "metrics": tuple(plain["metrics"]), "rungs": tuple(plain["rungs"])})


class Trial(tune.Trainable):
    """Reports one epoch a step: epoch, metrics, train_seconds, score_seconds, checkpoint and failure.

    The report travels as one JSON text under `report`, since Ray flattens mappings and a metric's name may hold a `/`.

    A trainer's failure is reported as a value, not raised: a raised one costs the actor and would be retried, and a
    net that diverged diverges again. Ray retries what is left: a worker or a node that died.
    Ray's own checkpoints stay unused. A checkpoint is written here before its epoch is reported, so both reach the
    ledger in one transaction; a trial that starts again takes up the newest whole one and reports its epoch again.
    """

    def setup(self, config: dict[str, Any]) -> None:
        """Takes the plan; the trainer is made in the first step, where a failure can be reported."""
        self._course = Course(TrialPlan.from_config(config))

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Makes this actor as good as a fresh one: nothing of the last trial is kept."""
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Trains and scores one epoch, or reports again the epoch of the checkpoint that was taken up."""
        return {"report": json.dumps(self._course.report())}

    def save_checkpoint(self, checkpoint_dir: str) -> dict[str, Any]:
        """Gives Ray nothing to keep: `CheckpointFolder` holds what a restart needs."""
        return {}

    def load_checkpoint(self, checkpoint: dict[str, Any] | None) -> None:
        """Does nothing, as `save_checkpoint` keeps nothing."""


class Course:
    """A trial's epochs, one after the other, as its plan has them; knows nothing of Ray.

    With each checkpoint it keeps the conditions that the epoch was trained under.
    """

    def __init__(self, plan: TrialPlan) -> None:
        self._plan = plan
        self._trainer: Trainer | None = None

    def report(self) -> dict[str, Any]:
        """Trains and scores one epoch, or reports again that of the checkpoint taken up; a failure is a value."""
        try:
            return {"failure": None, **self._advance()}
        except TrainableError as error:
            return {"failure": {"code": error.code, "message": str(error)}}
        except Exception as error:  # the study goes on without this trial; the traceback is kept beside its checkpoints
            # What is wrong with the storage must not hide what was wrong with the trial.
            with suppress(OSError, TrainableError):
                self._folder().keep_error(traceback.format_exc())
            said = TrainableError("TRIAL_ERROR", f"{type(error).__name__}: {error}"[:_LONGEST_REASON])
            return {"failure": {"code": said.code, "message": str(said)}}

    def _folder(self) -> CheckpointFolder:
        return CheckpointFolder(below(self._plan.checkpoints, f"{self._plan.number:05d}"))

    def _advance(self) -> dict[str, Any]:
        plan = self._plan
        if self._trainer is None:
            started_anew = self._start()
            taken_up = self._folder().take_up(started_anew, plan.resume_epoch)
            self._trainer = started_anew  # not before: a trainer that only half took up a checkpoint must not train on
            if taken_up is not None:
                return taken_up
        trainer = self._trainer
        started = time.perf_counter()
        trainer.train_epoch()
        trained = time.perf_counter()
        asked = plan.asked(trainer.epoch)
        metrics = checked_metrics(trainer.score(asked), asked, trainer.epoch)
        result = {
            "epoch": trainer.epoch,
            "metrics": metrics,
            "train_seconds": trained - started,
            "score_seconds": time.perf_counter() - trained,
        }
        if trainer.epoch not in plan.rungs and not _is_file(plan.stop):
            return {**result, "checkpoint": None}
        return self._folder().keep(trainer, {**result, "conditions": conditions(plan.threads)})

    def _start(self) -> "Trainer":
        from trainables.data.store import Store

        plan = self._plan
        return load_trainer(plan.trainer)(
            options=plan.options,
            sets=plan.sets,
            store=Store(plan.store),
            metrics=plan.metrics,
            seed=plan.seed,
            epochs=plan.epochs,
            threads=plan.threads,
        )


def _is_file(place: str) -> bool:
    """Whether there is a file at a path or URI; a storage that does not answer has none."""
    if not place:
        return False
    with suppress(OSError, TrainableError):
        filesystem, path = opened(place, "CKPT_UNREADABLE")
        return bool(filesystem.get_file_info(path).type == pafs.FileType.File)
    return False
