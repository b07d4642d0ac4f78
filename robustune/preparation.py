"""Builds what every trial shares, once, by Ray tasks, before the first trial starts."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol

from robustune.aside import own_folder
from robustune.checkpoints import fetched
from robustune.cluster import Cluster, home
from robustune.errors import Mistake
from search_spaces import Study, Subset
from trainables.errors import TrainableError
from trainables.preparation import SUMMARY, Step, plan, run_step, step_address
from trainables.storage import is_uri

CORRUPTED: Final = "corrupted"
"""Kind of the steps that corrupt the images of a split, one for each corruption."""
OUTCOMES: Final = "outcomes"
"""Begins the names of the steps that score the nets of a confirmation."""


@dataclass(frozen=True)
class Prepared:
    """One built set: where it lies in the store, what its builder says of it, and whether it was there before."""

    digest: str
    summary: Mapping[str, Any]
    there: bool = False


class Watcher(Protocol):
    """Is told how the building goes; each step by its name."""

    def started(self, name: str) -> None:
        """A step waits for a worker, or has one."""

    def finished(self, name: str, summary: Mapping[str, Any], node: str) -> None:
        """A step is built; `node` is the address of who built it."""


def steps(study: Study, hold_out: bool = False) -> tuple[Step, ...]:
    """Returns what the study's trials need, each step after those it is made from.

    Args:
        study: whose sets are meant.
        hold_out: with the sets that no search may see.

    Raises:
        TrainableError: the options cannot go together, whatever is drawn.
    """
    return plan(
        trainer=study.trainer,
        data=study.data,
        options=study.options,
        possible=possible(study),
        metrics=study.metrics,
        seed=study.seed,
        **({"hold_out": True} if hold_out else {}),
    )


def addresses(planned: Iterable[Step]) -> dict[str, str]:
    """Returns the store address of every step, without building any: an address depends on what goes in alone."""
    found: dict[str, str] = {}
    for step in planned:
        found[step.name] = step_address(step, found)
    return found


def whole_names(names: Iterable[str]) -> dict[str, str]:
    """Returns what each step belongs to: itself, or the set that it is a shard of."""
    known = set(names)
    owners = {name: name.rpartition("/")[0] for name in known}
    return {name: owner if owner in known else name for name, owner in owners.items()}


def told_names(planned: Iterable[Step]) -> dict[str, str]:
    """Returns under which name each step is told: a shard under its set, one split's corruptions under that split, and
    a net that is scored under what all of them are.
    """
    planned = list(planned)
    owners = whole_names(step.name for step in planned)
    return {
        step.name: step.name.rpartition("/")[0]
        if step.kind == CORRUPTED or step.name.startswith(f"{OUTCOMES}/")
        else owners[step.name]
        for step in planned
    }


def possible(study: Study) -> dict[str, list[Any]]:
    """Returns the values that each searched option can take, of a subset its elements, of a continuous one its ends."""
    return {name: values_of(domain) or _ends(domain) for name, domain in study.space.items()}


def _ends(domain: Any) -> list[Any]:
    return [domain.low, domain.high]


def values_of(domain: Any) -> list[Any] | None:
    """Returns the values that a searched option can take, of a subset its elements; None for a continuous domain."""
    if isinstance(domain, Subset):
        return list(domain.values)
    grid = domain.grid()
    return None if grid is None else list(grid)


def with_files(step: Step, aside: Path) -> Step:
    """Returns the step with a file in the folder `aside` wherever it names one by a URI: builders read local files.

    Raises:
        Mistake: CKPT_MISSING where one cannot be read.
    """
    remote = {name: place for name, place in step.places.items() if is_uri(place)}
    prefix = step.name.replace("/", "-")
    files = {name: str(fetched(place, f"{prefix}-{name}", aside)) for name, place in remote.items()}
    return replace(step, places={**step.places, **files}) if files else step


def needed(planned: Sequence[Step], last: Sequence[Step]) -> list[Step]:
    """Returns the steps of a plan that are among the last ones, or are read by them, directly or not, in their order.

    Args:
        planned: each step after those that it reads.
        last: some of these, or further ones.
    """
    wanted = {name for step in last for name in (step.name, *step.after)}
    kept: list[Step] = []
    for step in reversed(planned):
        if step.name in wanted:
            wanted.update(step.after)
            kept.insert(0, step)
    return kept


def standing(planned: Sequence[Step], store_root: str) -> dict[str, Prepared]:
    """Returns the steps that the store holds whole; a damaged entry is discarded, to be built again.

    Of a set that is there, the shards are not looked for.

    Raises:
        Mistake: CACHE_UNREADABLE, CACHE_UNWRITABLE.
    """
    digests = addresses(planned)
    found: dict[str, Prepared] = {}
    for step in reversed(planned):  # a set before its shards
        if step in missing(planned, found) and (built := _there(step.name, store_root, digests[step.name])):
            found[step.name] = built
    return {step.name: found[step.name] for step in planned if step.name in found}


def missing(planned: Sequence[Step], ready: Iterable[str]) -> list[Step]:
    """Returns the steps that are still to be built, without the shards of sets that are there."""
    owners, there = whole_names(step.name for step in planned), set(ready)
    return [step for step in planned if not {step.name, owners[step.name]} & there]


def prepare(
    planned: Sequence[Step],
    ready: Mapping[str, Prepared],
    store_root: str,
    cluster: Cluster,
    gpus: float,
    watcher: Watcher,
    spared: Collection[str] = (),
) -> dict[str, Prepared]:
    """Builds every step that is not ready, side by side where they do not wait for each other; Ray is connected.

    Args:
        planned: each step after those that it reads.
        ready: what the store holds, as `standing` tells.
        store_root: path or URI of the store, which every node reaches.
        cluster: whose CPUs the steps share.
        gpus: of each step.
        watcher: is told how it goes.
        spared: steps that nobody reads, and that may find values which are no finite numbers: their summary is then
            `failure`, what was said of it, and the store does not hold them.

    Returns:
        What is ready and what was built, by name.

    Raises:
        Mistake: what a builder said, or PREPARATION_FAILED where it died.
    """
    import ray  # late: `steps` serves `robustune check`, which needs no Ray

    digests = addresses(planned)
    built = dict(ready)
    waiting = missing(planned, built)
    running: dict[Any, Step] = {}
    build = ray.remote(max_retries=2)(_build)
    with own_folder("files") as aside:
        while waiting or running:
            free = [step for step in waiting if all(name in built for name in step.after)]
            waiting = [step for step in waiting if step not in free]
            threads = cluster.threads(len(free) + len(running), gpus)
            for step in free:
                inputs = {name: digests[name] for name in step.after}
                ours = with_files(step, aside)
                task = build.options(**_placed(ours, threads, gpus)).remote(ours, store_root, inputs, threads)
                running[task] = step
                watcher.started(step.name)
            _finish_one(running, built, watcher, spared)
    return built


def _placed(step: Step, threads: int, gpus: float) -> dict[str, Any]:
    """What Ray is asked for: where a step reads the driver's files, the driver's node, with no more than that has."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    if not step.here:
        # Ray's own way fills the head before it looks elsewhere.
        return {"num_cpus": threads, "num_gpus": gpus, "scheduling_strategy": "SPREAD"}
    own = home()
    return {
        "num_cpus": min(threads, own.cpus),
        "num_gpus": gpus if gpus <= own.gpus else 0,
        "scheduling_strategy": NodeAffinitySchedulingStrategy(own.node, soft=False),
    }


def _there(name: str, store_root: str, digest: str) -> Prepared | None:
    from trainables.data.store import Store  # late: it takes torch along, and `robustune check` needs none

    store = Store(store_root)
    try:
        if not store.has(digest):
            return None
        return Prepared(digest, json.loads((store.open(digest).path / SUMMARY).read_text()), there=True)
    except TrainableError as error:
        if error.code != "CACHE_CORRUPT":
            raise Mistake.of(error, name, "PREPARATION_FAILED") from error
        store.discard(digest)
        return None


def _finish_one(
    running: dict[Any, Step], built: dict[str, Prepared], watcher: Watcher, spared: Collection[str]
) -> None:
    import ray

    done, _ = ray.wait(list(running), num_returns=1)
    step = running.pop(done[0])
    try:
        outcome = ray.get(done[0])
    except ray.exceptions.RayError as error:
        last_line = str(error).strip().splitlines()[-1]
        raise Mistake(
            "PREPARATION_FAILED", f"{step.name}: its builder ended ({last_line}); start again to go on"
        ) from error
    if "failure" in outcome:
        code, said = outcome["failure"]
        if code != "NONFINITE" or step.name not in spared:
            raise Mistake.of(TrainableError(code, said), step.name, "PREPARATION_FAILED")
        outcome |= {"digest": "", "summary": {"failure": said}}
    built[step.name] = Prepared(outcome["digest"], outcome["summary"])
    watcher.finished(step.name, outcome["summary"], outcome["node"])


def _build(step: Step, store_root: str, digests: Mapping[str, str], threads: int) -> dict[str, Any]:
    # Failures travel as plain data: an exception of ours would come back wrapped in Ray's, with a traceback.
    try:
        digest, summary = run_step(step, store_root, digests, threads)
    except TrainableError as error:
        return {"failure": (error.code, str(error)), "node": _node()}
    return {"digest": digest, "summary": summary, "node": _node()}


def _node() -> str:
    import ray

    return str(ray.util.get_node_ip_address())  # type: ignore[no-untyped-call]  # Ray's
