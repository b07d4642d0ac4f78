"""What the terminal shows while sets are built: a bar for each, or plain lines where there is no terminal."""

import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from robustune.errors import printable
from robustune.preparation import OUTCOMES, missing, told_names
from trainables.preparation import Step

BAR_COLUMNS: Final = 14
SHA256_LETTERS: Final = 64
DIGEST_LETTERS: Final = 12
UNTOLD: Final = ("sources",)  # steps on the way to a set, which are no set themselves


class Building:
    """Is told of each step that starts and ends; says a line for each whole set, and moves its bar.

    The corruptions of one split share a line and a bar: there may be more of them than a terminal has lines.

    Args:
        say: shows one line.
        steps: all that are planned.
        ready: names of those that are there.
        nodes: of the cluster; with more than one, each line says which node built it.
        bars: to move, if there is a terminal.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        steps: Sequence[Step],
        ready: Collection[str],
        nodes: int = 1,
        bars: Progress | None = None,
    ) -> None:
        self._say = say
        self._nodes = nodes
        self._bars = bars
        waiting = missing(steps, ready)
        self._owners = told_names(waiting)
        self._parts = Counter(self._owners.values())
        self._unit = {owner: _unit(owner, owner in self._owners) for owner in self._parts}
        self._notes = {step.name: f" ({step.note})" for step in steps if step.note}
        self._told: set[str] = set()
        self._ended: Counter[str] = Counter()
        self._images: Counter[str] = Counter()
        self._rows: dict[str, TaskID] = {}
        if bars is not None:
            for owner, parts in self._parts.items():
                self._rows[owner] = bars.add_task(_shown(owner), start=False, total=parts, counts="")

    def started(self, name: str) -> None:
        """Says so where it is the first step of its set."""
        owner = self._owners[name]
        if self._bars is not None:
            self._bars.start_task(self._rows[owner])
        elif owner not in self._told and _is_told(owner):
            self._told.add(owner)
            parts, joint = self._shares(owner), " in " if owner in self._owners else ": "
            self._say(f"preparing {owner}{f'{joint}{parts}' if parts else ''}{self._notes.get(owner, '')}")

    def finished(self, name: str, summary: Mapping[str, Any], node: str) -> None:
        """Counts a step, and says what a whole set holds."""
        owner = self._owners[name]
        where = f" on {node}" if self._nodes > 1 else ""
        self._ended[owner] += 1
        if name == owner:
            if _is_told(owner):
                self._say(f"prepared {owner}{where}{told(summary)}")
        else:
            images = summary.get("images", 0)
            self._images[owner] += images if isinstance(images, int) else 0
            if self._bars is None:
                self._say(f"  {owner}: {self._counts(owner)}{where}")
            if owner not in self._owners and self._ended[owner] == self._parts[owner]:
                self._say(f"prepared {owner}: {self._shares(owner)}{self._counted_images(owner)}")
        if self._bars is not None:
            self._bars.update(self._rows[owner], completed=self._ended[owner], counts=self._counts(owner))

    def _counts(self, owner: str) -> str:
        shares = self._shares(owner)
        done = min(self._ended[owner], self._parts[owner] - (owner in self._owners))
        return f"{done} of {shares}{self._counted_images(owner)}" if shares else ""

    def _counted_images(self, owner: str) -> str:
        return "" if owner == OUTCOMES else f", {self._images[owner]:,} images"

    def _shares(self, owner: str) -> str:
        """How many parts there are besides the whole, in words; "" for none."""
        parts = self._parts[owner] - (owner in self._owners)
        unit = self._unit[owner] if parts != 1 else self._unit[owner].removesuffix("s")
        return f"{parts} {unit}" if parts else ""


@contextlib.contextmanager
def building(
    console: Console, say: Callable[[str], None], steps: Sequence[Step], ready: Collection[str], nodes: int = 1
) -> Iterator[Building]:
    """Shows the building of steps until the block ends; arguments as `Building`'s."""
    if not console.is_terminal:
        yield Building(say, steps, ready, nodes)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(BAR_COLUMNS),
        TextColumn("{task.fields[counts]}", justify="right"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        yield Building(say, steps, ready, nodes, bars)


def told(summary: Mapping[str, Any]) -> str:
    """Tells what was measured when a step was built, after a colon; a set's in words, others as they are."""
    if "mean_error" in summary:
        corruptions = len(summary["table"]["corruptions"])
        return (
            f": clean error {summary['clean_error']:.3f}, mean error {summary['mean_error']:.3f} under {corruptions} "
            f"corruption{'' if corruptions == 1 else 's'} of {summary['images']:,} images"
        )
    if "asked" not in summary:
        parts = [f"{key} {_short(value)}" for key, value in summary.items() if isinstance(value, str | int | float)]
        return f": {', '.join(parts)}" if parts else ""
    fool = "" if summary["success"] is None else f"{summary['success']:.1%} fool, "
    return (
        f": {summary['images']:,} of {summary['asked']:,} images, {fool}"
        f"{summary['images_per_second']:.3g} images a second"
    )


def _unit(owner: str, whole: bool) -> str:
    """What the parts are called: of a set that is joined of them, of a split, and of all nets that are scored."""
    if owner == OUTCOMES:
        return "nets"
    return "shards" if whole else "corruptions"


def _is_told(owner: str) -> bool:
    return owner.partition("/")[0] not in UNTOLD


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return str(value)[:DIGEST_LETTERS] if isinstance(value, str) and len(value) == SHA256_LETTERS else str(value)


def _shown(text: str) -> str:
    return escape(printable(text))
