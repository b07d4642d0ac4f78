"""The searches that are compared, a file for each, each made once, whatever is killed when."""

import hashlib
import itertools
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from analysis.records import write_parquet
from benchmarks.pool import worked
from benchmarks.search_quality.methods import METHODS, compared
from benchmarks.search_quality.tables import MULTIPLE, opened
from robustune.locks import Lock
from robustune.replay import replay
from robustune.replaying import rows

WORKERS: Final = (1, 4, 16)
SEEDS: Final = 30
FOLDER: Final = Path("results/search-quality")
KEY: Final = b"search"
"""Of a shard's metadata: what decided it, as JSON."""


@dataclass(frozen=True)
class Job:
    """One search, and the file that gets it.

    Attributes:
        table: path of the table.
        method: by its name in METHODS.
        workers: trials at a time, on the virtual clock.
        seed: of the search.
        multiple: of the horizon, see `Table.horizon`.
        folder: of the shards.
    """

    table: Path
    method: str
    workers: int
    seed: int
    multiple: float
    folder: Path

    @property
    def decides(self) -> str:
        """What the search depends on, the code of the searches excepted: take a new folder after a change of that."""
        table, method = opened(self.table), METHODS[self.method]
        heeded = method.heeded(table.study).digest
        return json.dumps([table.digest, heeded, self.method, self.workers, self.seed, self.multiple])

    @property
    def path(self) -> Path:
        """The shard: readable at its front, and no two searches share it."""
        digest = hashlib.sha256(self.decides.encode()).hexdigest()[:12]
        return self.folder / f"{self.table.stem}-{self.method}-{self.workers}-{self.seed}-{digest}.parquet"


def jobs(
    tables: Sequence[Path],
    methods: Sequence[str],
    workers: Sequence[int],
    seeds: int,
    folder: Path,
    multiple: float = MULTIPLE,
) -> list[Job]:
    """Returns every search that is asked for, those of the first seed first, so that an early end has some of each.

    Args:
        tables: their paths.
        methods: by name; none: all that differ on a table's study.
        workers: counts of them.
        seeds: searches of each, from seed 0 on.
        folder: of the shards.
        multiple: of the horizon.
    """
    return [
        Job(table, method, count, seed, multiple, folder)
        for seed, table, count in itertools.product(range(seeds), tables, workers)
        for method in methods or compared(opened(table).study)
    ]


def make(wanted: Sequence[Job], processes: int, say: Callable[[str], None]) -> None:
    """Runs the searches whose shards are not there.

    Args:
        wanted: of one folder.
        processes: searches that run at a time.
        say: is told how it goes, a line at a time.

    Raises:
        Mistake: STUDY_LOCKED where the command runs there already, TABLE_INVALID, or PREPARATION_FAILED where a
            process died.
    """
    folder = wanted[0].folder
    folder.mkdir(parents=True, exist_ok=True)
    lock = Lock(folder / "making.lock")
    try:
        waiting = [job for job in wanted if found(job) is None]
        say(f"{len(wanted) - len(waiting)} of {len(wanted)} searches are there; {len(waiting)} to make")
        for done, (job, seconds) in enumerate(worked(search, waiting, processes), 1):
            told = f"{job.table.stem}, {job.method}, {job.workers} workers, seed {job.seed}"
            say(f"{done} of {len(waiting)}: {told}: {seconds:.1f} s of this processor")
    finally:
        lock.release()


def search(job: Job) -> float:
    """Runs one search, writes its shard, and returns the seconds of the processor that it took."""
    table = opened(job.table)
    began = time.process_time()
    ended = replay(
        table.study.override(seed=job.seed),
        table.nets,
        job.workers,
        table.horizon(job.multiple, job.workers),
        METHODS[job.method].searcher,
    )
    shard = rows(table.study, {job.seed: ended}).replace_schema_metadata({KEY: job.decides})
    write_parquet(shard, job.path)
    return time.process_time() - began


def found(job: Job) -> pa.Table | None:
    """Returns the rows of a shard; None where there is no whole one."""
    try:
        table = pq.read_table(job.path)
    except (OSError, pa.ArrowException):
        return None
    return table if (table.schema.metadata or {}).get(KEY) == job.decides.encode() else None
