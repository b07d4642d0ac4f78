"""Jobs that run side by side in processes of one thread each, and end with the command that started them."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import TypeVar

from robustune.errors import Mistake
from robustune.surroundings import environment

Job = TypeVar("Job")
Result = TypeVar("Result")


def worked(work: Callable[[Job], Result], jobs: Sequence[Job], workers: int) -> Iterator[tuple[Job, Result]]:
    """Yields each job with what `work` returned, in the order in which they are done.

    Args:
        work: a function of a module.
        jobs: that can be pickled, where there are several workers.
        workers: processes; 1: this one.

    Raises:
        Mistake: PREPARATION_FAILED, a worker died.
        Exception: what `work` raised; nothing that is under way is waited for.
    """
    if workers == 1:
        yield from ((job, work(job)) for job in jobs)
        return
    context = multiprocessing.get_context("spawn")  # a fork of a process that has computed with torch may hang
    with (
        environment({"OMP_NUM_THREADS": "1"}),
        ProcessPoolExecutor(
            max(1, min(workers, len(jobs))), mp_context=context, initializer=_ends_with_its_parent
        ) as pool,
    ):
        try:
            running = {pool.submit(work, job): job for job in jobs}
            for future in as_completed(running):
                yield running[future], future.result()
        except BrokenProcessPool as error:
            raise Mistake("PREPARATION_FAILED", "a worker died; start the same command again to go on") from error
        finally:
            # On an error, or a Ctrl-C, nothing that is under way is waited for.
            pool.shutdown(wait=False, cancel_futures=True)
            for child in multiprocessing.active_children():
                child.terminate()


def _ends_with_its_parent() -> None:
    """Lets this worker end at once when the command is killed, and leaves Ctrl-C to the command."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None
    sentinel = parent.sentinel

    def end() -> None:
        wait([sentinel])
        os._exit(1)

    threading.Thread(target=end, daemon=True).start()
