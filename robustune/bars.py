"""Bars that a terminal shows while images, or other things, are gone through."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def bars(console: Console, noun: str = "images") -> Iterator[Callable[[str, int, int], None]]:
    """Yields what is told how far it is; it moves a bar for each thing that is done, where there is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        rows: dict[str, Any] = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in rows:
                rows[what] = shown.add_task(f"{what} {noun}", total=total)
            shown.update(rows[what], completed=done)

        yield progress
