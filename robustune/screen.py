"""What the terminal shows of a running search: one live screen, or plain lines where there is no terminal."""

import contextlib
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from analysis.records import LedgerError
from robustune.errors import printable
from robustune.progress import Building, building
from robustune.remaining import Pace
from robustune.standing import Standing, standing
from trainables.preparation import Step

HEADING_COLUMNS = 15
SHORTEST_PAUSE_SECONDS = 1.0
READING_SHARE = 0.05  # reading the ledger for the screen may take this share of the time at most


class Screen:
    """Shows lines, and between them a search that runs; made with `progress=False` it shows nothing."""

    def __init__(self, progress: bool, console: Console | None = None) -> None:
        self._console = console or Console(stderr=False, quiet=not progress, highlight=False)
        self._changed = threading.Event()
        self._ended = threading.Event()
        self._warned: set[str] = set()

    def say(self, line: str) -> None:
        """Shows one line, above the live part where there is one."""
        self._console.print(_shown(line), soft_wrap=True)

    def changed(self) -> None:
        """Tells that the ledger has something new; returns at once."""
        self._changed.set()

    def building(
        self, steps: Sequence[Step], ready: Collection[str], nodes: int
    ) -> contextlib.AbstractContextManager[Building]:
        """Shows the building of the steps that are not ready, until the block ends."""
        return building(self._console, self.say, steps, ready, nodes)

    @contextlib.contextmanager
    def live(self, folder: Path) -> Iterator[None]:
        """Follows the study's ledger from a thread of its own until the block ends."""
        self._ended.clear()
        follower = threading.Thread(target=self._follow, args=(folder,), name="screen", daemon=True)
        follower.start()
        try:
            yield
        finally:
            self._ended.set()
            self._changed.set()
            follower.join()

    def _follow(self, folder: Path) -> None:
        if not self._console.is_terminal:
            self._follow_plainly(folder)
            return
        with Live(console=self._console, refresh_per_second=4, transient=True) as live:
            for now in self._standings(folder):
                live.update(picture(now))
                self._warn(now)

    def _follow_plainly(self, folder: Path) -> None:
        ended = -1
        for now in self._standings(folder):
            if now.ended != ended:
                ended = now.ended
                self.say(line(now))
            self._warn(now)

    def _warn(self, now: Standing) -> None:
        """Says of each constraint once that no trial has met it."""
        for one in now.unmet:
            if one.name not in self._warned:
                self._warned.add(one.name)
                self.say(f"warning: {one.words}")

    def _standings(self, folder: Path) -> Iterator[Standing]:
        """Yields how the study stands, and once more at the end; nothing where the ledger cannot be read just then."""
        pace = Pace()
        last = False
        while not last:
            self._changed.wait(timeout=SHORTEST_PAUSE_SECONDS)
            self._changed.clear()
            last = self._ended.is_set()
            before = time.monotonic()
            with contextlib.suppress(LedgerError):  # the driver meets the same, and it is the one to complain
                now = standing(folder, before - pace.since, pace.earlier)
                pace = pace.looked(before, now.epochs)
                yield now
            spent = time.monotonic() - before
            if not last:
                self._ended.wait(max(SHORTEST_PAUSE_SECONDS, spent / READING_SHARE))


def line(now: Standing) -> str:
    """One plain line: counts, front, hypervolume and time left."""
    counts = ", ".join(f"{count} {state}" for state, count in now.counts.items())
    reached = f"front {len(now.front)}, hypervolume {now.hypervolume:.4f}"
    return f"{now.ended}/{now.trials} trials ({counts}); {reached}; {_left(now)}"


def picture(now: Standing) -> RenderableType:
    """The live screen: counts, hypervolume, time left and the front so far."""
    head = Text.assemble(
        (f"{now.name}  ", "bold"), f"{now.ended}/{now.trials} trials  ", *_counts(now), f"  {_left(now)}"
    )
    reached = Text(f"front of {len(now.front)}, hypervolume {now.hypervolume:.4f}")
    return Group(head, reached, front_table(now)) if now.front else Group(head, reached)


def front_table(now: Standing) -> Table:
    """The front as a table, the options of each trial in one cell; every cell is shown as it is, markup included."""
    table = Table(show_edge=False, pad_edge=False)
    lead = 1 + now.objectives
    names = [_broken(name) for name in (list(now.front[0])[:lead] if now.front else [])]
    height = max((name.count("\n") for name in names), default=0)
    for name in names:
        table.add_column(_shown("\n" * (height - name.count("\n")) + name), justify="right", overflow="fold")
    table.add_column("\n" * height + "options", overflow="fold")
    for row in now.front:
        cells = list(row.items())
        options = ", ".join(f"{name} {value}" for name, value in cells[lead:] if value)
        table.add_row(*(_shown(value) for _, value in cells[:lead]), _shown(options))
    return table


def _broken(name: str) -> str:
    """A long name on several lines, broken behind underscores alone."""
    lines = [""]
    for part in name.split("_"):
        joined = f"{lines[-1]}_{part}" if lines[-1] else part
        if len(lines[-1]) and len(joined) > HEADING_COLUMNS:
            lines[-1] += "_"
            lines.append(part)
        else:
            lines[-1] = joined
    return "\n".join(lines)


def _shown(text: str) -> str:
    return escape(printable(text))


def _counts(now: Standing) -> list[tuple[str, str]]:
    colours = {"running": "cyan", "complete": "green", "stopped": "yellow", "failed": "red"}
    return [(f"{count} {state}  ", colours[state]) for state, count in now.counts.items()]


def _left(now: Standing) -> str:
    if now.end is not None:
        return f"ended: {now.end.words}"
    if now.seconds_left is None:
        return "time left not known yet"
    minutes, seconds = divmod(round(now.seconds_left), 60)
    return f"about {minutes}:{seconds:02d} left"
