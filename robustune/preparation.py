"""Builds what every trial shares, once, by Ray tasks, before the first trial starts."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from robustune.cluster import Cluster
from robustune.errors import Mistake
from search_spaces import Study, Subset
from trainables.errors import TrainableError
from trainables.preparation import Step, plan, run_step, step_address


@dataclass(frozen=True)
class Prepared:
    """One built set: where it lies in the store, and what its builder says of it."""

    digest: str
    summary: Mapping[str, Any]


def steps(study: Study) -> tuple[Step, ...]:
    """Returns what the study's trials need, each step after those it is made from."""
    possible = {name: _possible(domain) for name, domain in study.space.items()}
    return plan(
        trainer=study.trainer,
        data=study.data,
        options=study.options,
        possible={name: values for name, values in possible.items() if values is not None},
        metrics=study.metrics,
        seed=study.seed,
    )


def addresses(study: Study) -> dict[str, str]:
    """Returns the store address of every step, without building any: an address depends on what goes in alone."""
    found: dict[str, str] = {}
    for step in steps(study):
        found[step.name] = step_address(step, found)
    return found


def prepare(
    study: Study, store_root: str, cluster: Cluster, gpus: float, announce: Callable[[str], None]
) -> dict[str, Prepared]:
    """Builds every step that the store lacks, side by side where they do not wait for each other.

    Raises:
        Mistake: what a builder said, or PREPARATION_FAILED where it died.
    """
    import ray  # late: `steps` serves `robustune check`, which needs no Ray

    digests = addresses(study)
    waiting = list(steps(study))
    ready: dict[str, Prepared] = {}
    running: dict[Any, Step] = {}
    build = ray.remote(max_retries=2)(_build)
    while waiting or running:
        free = [step for step in waiting if all(name in ready for name in step.after)]
        waiting = [step for step in waiting if step not in free]
        there = {step.name: _there(step, store_root, digests) for step in free}
        ready.update({name: built for name, built in there.items() if built is not None})
        missing = [step for step in free if there[step.name] is None]
        for step in missing:
            threads = max(1, math.floor(max(cpus for cpus, _ in cluster.nodes) / len(missing)))
            inputs = {name: digests[name] for name in step.after}
            task = build.options(num_cpus=threads, num_gpus=gpus).remote(step, store_root, inputs, threads)
            running[task] = step
            announce(f"preparing {step.name}")
        if running:
            _finish_one(running, ready, announce)
    return ready


def _there(step: Step, store_root: str, digests: Mapping[str, str]) -> Prepared | None:
    """What the store holds whole of a step; a damaged entry is discarded, to be built again."""
    from trainables.data.store import Store  # late: it takes torch along, and `robustune check` needs none

    store = Store(store_root)
    digest = digests[step.name]
    if not store.has(digest):
        return None
    try:
        return Prepared(*run_step(step, store_root, digests, threads=1))
    except TrainableError as error:
        if error.code != "CACHE_CORRUPT":
            raise Mistake.of(error, step.name, "PREPARATION_FAILED") from error
        store.discard(digest)
        return None


def _finish_one(running: dict[Any, Step], ready: dict[str, Prepared], announce: Callable[[str], None]) -> None:
    import ray

    done, _ = ray.wait(list(running), num_returns=1)
    step = running.pop(done[0])
    try:
        outcome = ray.get(done[0])
    except ray.exceptions.RayError as error:
        last_line = str(error).strip().splitlines()[-1]
        raise Mistake(
            "PREPARATION_FAILED", f"{step.name}: its builder ended ({last_line}); start the search again to go on"
        ) from error
    if "failure" in outcome:
        raise Mistake.of(TrainableError(*outcome["failure"]), step.name, "PREPARATION_FAILED")
    ready[step.name] = Prepared(outcome["digest"], outcome["summary"])
    announce(f"prepared {step.name}{_told(outcome['summary'])}")


def _build(step: Step, store_root: str, digests: Mapping[str, str], threads: int) -> dict[str, Any]:
    # Failures travel as plain data: an exception of ours would come back wrapped in Ray's, with a traceback.
    try:
        digest, summary = run_step(step, store_root, digests, threads)
    except TrainableError as error:
        return {"failure": (error.code, str(error))}
    return {"digest": digest, "summary": summary}


def _possible(domain: Any) -> list[Any] | None:
    if isinstance(domain, Subset):
        return list(domain.values)
    grid = domain.grid()
    return None if grid is None else list(grid)


def _told(summary: Mapping[str, Any]) -> str:
    told = ", ".join(
        f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}" for key, value in summary.items()
    )
    return f": {told}" if told else ""
