"""What a search changes in the process it runs in, a notebook's perhaps, and puts back."""

import contextlib
import logging
import os
import signal
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

IMPORTING: Final = threading.Lock()
"""Held by whoever imports MLflow first.

Ray imports it in the main thread when trials begin, the tracker in its own; two threads that import modules which
import each other end in a deadlock that Python answers with an error.
"""


@contextlib.contextmanager
def environment(values: Mapping[str, str], others: Iterable[str] = ()) -> Iterator[None]:
    """Sets variables of the environment, and puts back what was there; in `others` too, which the body may set."""
    before = {name: os.environ.get(name) for name in (*values, *others)}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def termination_handled_as_before() -> Iterator[None]:
    """Puts the handler of SIGTERM back that the body replaces.

    `ray.init` sets handlers of its own, and one below Python's that aborts the process with a dump of its stack.
    """
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if before is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def only_errors_logged(name: str) -> Iterator[None]:
    """Silences a logger below errors, and puts its level back."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
