"""Ours beside its best peers, as rows of a benchmark."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.rows import Row, row
from benchmarks.search_quality.measures import Searches, highest, soonest
from benchmarks.search_quality.methods import METHODS
from benchmarks.search_quality.shards import FOLDER, SEEDS, WORKERS, Job, found, jobs, make
from benchmarks.search_quality.tables import opened, shipped
from robustune.replaying import SHARE

SOONER: Final = {"full": 2.0, "stopping": 1.25}
"""How many times sooner than the best peer of a kind: half of its time, and 0.8 of it."""
KINDS: Final = {"full": "full-budget", "stopping": "early-stopping"}
ASKED: Final = (1, 4)
"""Workers whose times have a target; others are reported beside."""

Compared = Mapping[tuple[str, int], Mapping[str, Searches]]
"""Searches by table and workers, and then by method."""


def made(say: Callable[[str], None], processes: int = 1) -> Compared:
    """Returns the searches over the shipped tables that the targets are of, after making missing ones.

    Raises:
        Mistake: as `benchmarks.search_quality.shards.make`.
    """
    wanted = [job for job in jobs(shipped(), (), WORKERS, SEEDS, FOLDER) if METHODS[job.method].kind != "part"]
    make(wanted, processes, say)
    return grouped(wanted)


def grouped(wanted: Sequence[Job]) -> dict[tuple[str, int], dict[str, Searches]]:
    """Returns the searches whose shards are there; a method is left out where one of its seeds is missing."""
    by_method: dict[tuple[Path, int, str], list[Job]] = {}
    for job in wanted:
        by_method.setdefault((job.table, job.workers, job.method), []).append(job)
    groups: dict[tuple[str, int], dict[str, Searches]] = {}
    for (path, workers, method), group in by_method.items():
        rows = [one for job in group if (one := found(job)) is not None]
        if len(rows) == len(group):
            table = opened(path)
            horizon = table.horizon(group[0].multiple, workers)
            searches = Searches(table, METHODS[method], workers, horizon, tuple(rows))
            groups.setdefault((table.name, workers), {})[method] = searches
    return groups


def rows_of(compared: Compared) -> list[Row]:
    """Returns three rows for each table and number of workers; a time that nobody reached counts as the horizon."""
    found: list[Row] = []
    for (table, workers), searches in compared.items():
        head = f"search-quality: {table}, {workers} worker{'' if workers == 1 else 's'}"
        ours = searches["ours"]
        for kind, factor in SOONER.items():
            peer = soonest(searches, kind)
            own, other = (min(one.median_time(), one.horizon) for one in (ours, peer))
            target = f"at least {factor:g} times sooner" if workers in ASKED else "reported beside"
            name = f"{head}: time to {SHARE:.0%}, best {KINDS[kind]} peer {peer.method.label}"
            found.append(row(name, own, other, "virtual s", other / own, target))
        best = highest(searches)
        ratio = ours.median_final / best.median_final
        name = f"{head}: final hypervolume, best peer {best.method.label}"
        found.append(row(name, ours.median_final, best.median_final, "share of best", ratio, "at least 1"))
    return found
