"""Makes tables of learning curves: a shard for each configuration and seed, each made once, whatever is killed when."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from analysis.records import write_parquet
from benchmarks.pool import worked
from benchmarks.rows import machine
from robustune.curve_files import Curve, read, table_of
from robustune.errors import Mistake
from robustune.grid import grid
from robustune.locks import Lock
from robustune.preparation import steps
from search_spaces import Study
from trainables.errors import TrainableError
from trainables.preparation import run_step
from trainables.registry import load_trainer
from trainables.reported import checked_metrics
from trainables.seeds import derive


@dataclass(frozen=True)
class Job:
    """One net to train: everything that its curve depends on, and the file that gets it."""

    study: str
    config: Mapping[str, Any]
    replicate: int
    sets: Mapping[str, str]
    store: str
    device: str
    shards: Path

    @property
    def path(self) -> Path:
        """The shard, named by all that decides its scores; the sampler or the budget of trials are not part of it."""
        study = Study.from_json(self.study)
        decides = [study.trainer, dict(study.options), study.metrics, study.budget.epochs, study.seed]
        text = json.dumps([*decides, self.config, self.replicate, self.sets], sort_keys=True)
        return self.shards / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.parquet"


def make(
    study: Study,
    shards: Path,
    seeds: int,
    workers: int,
    limit: int | None,
    device: str,
    say: Callable[[str], None],
) -> tuple[Curve, ...]:
    """Returns the curves of all points of the study's grid, after training those that `shards` lacks.

    Args:
        study: whose space is enumerated; its sampler and budget of trials play no part.
        shards: folder of finished curves and prepared sets, of this study or of others.
        seeds: nets of each configuration.
        workers: nets that train at a time, with one thread each.
        limit: configurations, the first ones of the shuffled grid; None for all.
        device: "cpu" or "auto". On the CPU an epoch's seconds are those of its thread, so that other load on the
            machine does not show; elsewhere they are the clock's.
        say: is told how it goes, a line at a time.

    Raises:
        Mistake: STUDY_LOCKED where the command runs there already, what preparation or a trainer says, or
            PREPARATION_FAILED where a worker died.
    """
    shards.mkdir(parents=True, exist_ok=True)
    lock = Lock(shards / "making.lock")
    try:
        jobs = _jobs(study, shards, seeds, limit, device, _prepared(study, shards, workers, say))
        waiting = [job for job in jobs if _finished(job, study) is None]
        say(f"{len(jobs) - len(waiting)} of {len(jobs)} curves are there; {len(waiting)} to make")
        _run(waiting, workers, say)
        return tuple(_whole(job, study) for job in jobs)
    finally:
        lock.release()


def pack(study: Study, curves: tuple[Curve, ...], path: Path) -> None:
    """Writes the curves as one table, with what they were made on in its metadata."""
    from robustune.running import versions  # late: no worker is to import Ray and MLflow for it

    table = table_of(study, curves)
    made = json.dumps({"machine": machine(), "versions": versions()})
    write_parquet(table.replace_schema_metadata({**table.schema.metadata, b"made": made.encode()}), path)


def _prepared(study: Study, shards: Path, threads: int, say: Callable[[str], None]) -> dict[str, str]:
    store = str(shards.absolute() / "store")
    digests: dict[str, str] = {}
    for step in steps(study):
        say(f"prepares {step.name}")
        try:
            digests[step.name], _ = run_step(step, store, digests, threads)
        except TrainableError as error:
            raise Mistake.of(error, step.name, "PREPARATION_FAILED") from error
    return digests


def _jobs(study: Study, shards: Path, seeds: int, limit: int | None, device: str, sets: Mapping[str, str]) -> list[Job]:
    configs = grid(study.space, derive(study.seed, "grid"))[:limit]
    base = Job(study.to_json(), {}, 0, sets, str(shards.absolute() / "store"), device, shards)
    # The first seed of all before the second: a run that is ended early has more configurations to its name.
    return [replace(base, config=config, replicate=number) for number in range(seeds) for config in configs]


def _finished(job: Job, study: Study) -> Curve | None:
    """The curve that a shard holds; None where there is no whole one."""
    try:
        (curve,) = read(job.path, study)
    except Mistake:
        return None
    return curve


def _whole(job: Job, study: Study) -> Curve:
    (curve,) = read(job.path, study)
    return curve


def _run(jobs: list[Job], workers: int, say: Callable[[str], None]) -> None:
    started = time.monotonic()
    try:
        for done, (job, (seconds, failure)) in enumerate(worked(_train, jobs, workers), 1):
            left = (time.monotonic() - started) / done * (len(jobs) - done) / 60
            ended = f"failed ({failure})" if failure else f"{seconds:.1f} s"
            say(f"{done} of {len(jobs)}, {left:.0f} min left: {_told(job)}: {ended}")
    except TrainableError as error:
        raise Mistake.of(error, "a curve", "PREPARATION_FAILED") from error


def _told(job: Job) -> str:
    return ", ".join([*(f"{name}={value}" for name, value in job.config.items()), f"seed {job.replicate}"])


def _train(job: Job) -> tuple[float, str | None]:
    """Trains one net, writes its shard, and returns the seconds of all epochs and the code of its failure."""
    study = Study.from_json(job.study)
    curve = _curve(job, study)
    write_parquet(table_of(study, [curve]), job.path)
    return sum(curve.seconds), curve.failure


def _curve(job: Job, study: Study) -> Curve:
    from trainables.data.store import Store

    trainer = load_trainer(study.trainer)(
        options={**study.options, **job.config},
        sets=job.sets,
        store=Store(job.store),
        metrics=study.metrics,
        seed=derive(study.seed, json.dumps(job.config, sort_keys=True), job.replicate, "curve"),
        epochs=study.budget.epochs,
        threads=1,
        device=job.device,
    )
    clock = time.process_time if job.device == "cpu" else time.perf_counter
    seconds: list[float] = []
    scores: list[Mapping[str, float]] = []
    for epoch in range(1, study.budget.epochs + 1):
        started = clock()
        try:
            trainer.train_epoch()
            scores.append(checked_metrics(trainer.score(), study.metrics, epoch))
        except TrainableError as error:
            if error.code != "NONFINITE":
                raise  # says something of the machine or of us, not of the configuration
            return Curve(job.config, job.replicate, (*seconds, clock() - started), tuple(scores), error.code)
        seconds.append(clock() - started)
    return Curve(job.config, job.replicate, tuple(seconds), tuple(scores))
