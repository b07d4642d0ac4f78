"""When trials ended and why: by the epoch they came to, over the search, and failures by their reason."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.bars import bar_axis
from analysis.measuring import measured_alike, ways_of
from analysis.panels import Axis, ticks
from search_spaces.study import Study

OUTCOMES: Final = ("complete", "stopped", "failed")
CALLED: Final = {"complete": "complete", "stopped": "stopped early", "failed": "failed"}
"""Each outcome in words."""
MARKS: Final = 10
"""Steps between the numbers below an overview, at most."""
BINS: Final = 40
"""Groups of trials, in the order of their ending, that an overview tells apart."""
EPOCHS_MOST: Final = 30
"""Epochs that have a bar of their own; of more, neighbours share one."""
EXAMPLES: Final = 12
"""Trials that a line of a table names."""
ENDINGS: Final = pa.schema(
    [
        pa.field("over", pa.string()),
        pa.field("first", pa.int64()),
        pa.field("last", pa.int64()),
        *(pa.field(name, pa.int64()) for name in OUTCOMES),
    ]
)
_NUMBER: Final = re.compile(r"\d+(\.\d+)?")


@dataclass(frozen=True)
class Group:
    """Trials that ended within a range of epochs, or of places in the order of ending, by their outcome."""

    first: int
    last: int
    counts: tuple[int, int, int]

    @property
    def written(self) -> str:
        """The range as text."""
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


@dataclass(frozen=True)
class Stacks:
    """Groups side by side, the outcomes of each on top of each other."""

    title: str
    label: str
    y: Axis
    groups: tuple[Group, ...]

    @property
    def marks(self) -> tuple[tuple[float, int], ...]:
        """Round numbers, each with how many groups lie before it: the middle of a group of one lies half a group in."""
        if not self.groups:
            return ()
        first, last = self.groups[0].first, self.groups[-1].last
        width = self.groups[0].last - first + 1
        return tuple(((tick - first + 0.5) / width, int(tick)) for tick in ticks(first, last, most=MARKS, whole=True))


@dataclass(frozen=True)
class Rung:
    """An epoch after which trials were stopped.

    `medians` are, for each objective, those of the trials that went on and of those that were stopped, by their scores
    of that epoch; None where none of them has one.
    """

    epoch: int
    came: int
    stopped: tuple[int, ...]
    medians: dict[str, tuple[float | None, float | None]]


@dataclass(frozen=True)
class Failure:
    """Trials that failed alike: the same code, and the same reason but for numbers."""

    code: str
    reason: str
    trials: tuple[int, ...]
    epochs: tuple[int, int]


@dataclass(frozen=True)
class Endings:
    """What became of all trials that ended; `rule` is the early stopping of the study in words."""

    by_epoch: Stacks
    over_search: Stacks
    rungs: tuple[Rung, ...]
    failures: tuple[Failure, ...]
    rule: str
    ended: int

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Those that some trial came to, in the order of OUTCOMES."""
        counts = np.array([group.counts for group in self.by_epoch.groups]).reshape(-1, len(OUTCOMES)).sum(axis=0)
        return tuple(name for name, count in zip(OUTCOMES, counts, strict=True) if count)

    def table(self) -> pa.Table:
        """Returns what the figure draws: a row for each group, over "epochs" or over "search"."""
        rows = [
            {"over": over, "first": one.first, "last": one.last, **dict(zip(OUTCOMES, one.counts, strict=True))}
            for over, stacks in (("epochs", self.by_epoch), ("search", self.over_search))
            for one in stacks.groups
        ]
        return pa.Table.from_pylist(rows, ENDINGS)


def endings(trials: pa.Table, epochs: pa.Table, study: Study) -> Endings:
    """Returns when and why trials ended.

    Args:
        trials: as `analysis.records.trials` gives them.
        epochs: as `analysis.records.epochs` gives them.
        study: whose rule stopped them.
    """
    ended = trials.filter(pc.is_valid(trials["ended_seq"])).sort_by("ended_seq")
    outcome = np.array([OUTCOMES.index(state) for state in ended["state"].to_pylist()], np.int64)
    reached = ended["epochs"].to_numpy() if ended.num_rows else np.empty(0, np.int64)
    order = np.arange(1, ended.num_rows + 1)
    first = 0 if (reached == 0).any() else 1
    return Endings(
        _stacks("Epochs that trials came to", "Last epoch", reached, outcome, first, study.budget.epochs, EPOCHS_MOST),
        _stacks("What became of them over the search", "Trials ended", order, outcome, 1, ended.num_rows, BINS),
        _rungs(ended, epochs, study),
        _failures(ended),
        _rule(study),
        ended.num_rows,
    )


def _stacks(title: str, label: str, at: Any, outcome: Any, first: int, last: int, most: int) -> Stacks:
    last = max(last, int(at.max())) if len(at) else last
    width = max(1, -(-(last - first + 1) // most))
    groups = []
    for low in range(first, last + 1, width):
        within = outcome[(at >= low) & (at < low + width)]
        counts = (int((within == 0).sum()), int((within == 1).sum()), int((within == 2).sum()))
        groups.append(Group(low, min(last, low + width - 1), counts))
    tops = [float(sum(group.counts)) for group in groups]
    return Stacks(title, label, bar_axis("Trials", tops, whole=True), tuple(groups))


def _rungs(ended: pa.Table, epochs: pa.Table, study: Study) -> tuple[Rung, ...]:
    numbers, states, last = (ended[name].to_pylist() for name in ("number", "state", "epochs"))
    stopped: dict[int, list[int]] = {}
    for number, state, epoch in zip(numbers, states, last, strict=True):
        if state == "stopped":
            stopped.setdefault(epoch, []).append(number)
    ways = ways_of(epochs)
    found = []
    for epoch, halted in sorted(stopped.items()):
        scored = epochs.filter(pc.equal(epochs["epoch"], epoch))
        mine = np.isin(scored["trial"].to_numpy(), halted)
        medians = {}
        for objective in study.objectives_at(epoch):
            values = scored[f"metrics.{objective.metric}"].to_numpy(zero_copy_only=False).astype(np.float64)
            if measured_alike(ways, objective.metric, epoch, epoch):
                medians[objective.metric] = (_median(values[~mine]), _median(values[mine]))
        found.append(Rung(epoch, sum(one >= epoch for one in last), tuple(sorted(halted)), medians))
    return tuple(found)


def _median(values: Any) -> float | None:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else None


def _failures(ended: pa.Table) -> tuple[Failure, ...]:
    """The most frequent first."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    texts: dict[tuple[str, str], Counter[str]] = {}
    failed = ended.filter(pc.equal(ended["state"], "failed"))
    for row in failed.select(["number", "epochs", "code", "reason"]).to_pylist():
        code, reason = row["code"] or "", row["reason"] or ""
        key = (code, _NUMBER.sub("#", reason))
        found.setdefault(key, []).append(row)
        texts.setdefault(key, Counter())[reason] += 1
    failures = [
        # Where all of them say the same, the reason stands as it is; else what differs is left out.
        Failure(
            code,
            next(iter(texts[code, reason])) if len(texts[code, reason]) == 1 else reason,
            tuple(sorted(row["number"] for row in rows)),
            (min(row["epochs"] for row in rows), max(row["epochs"] for row in rows)),
        )
        for (code, reason), rows in found.items()
    ]
    return tuple(sorted(failures, key=lambda one: (-len(one.trials), one.code, one.reason)))


def _rule(study: Study) -> str:
    rule = study.early_stopping
    if rule.name == "none":
        return "The study stops no trial early."
    if rule.name == "median_stopping":
        told = f"from epoch {rule.grace} on, a trial that is worse than the median of others ends."
        return f"Early stopping is median_stopping: {told}"
    rungs = rule.rungs(study.budget.epochs)
    at = ", ".join(map(str, rungs)) or "no epoch"
    groups = f", in {rule.brackets} brackets" if rule.brackets > 1 else ""
    return (
        f"Early stopping is {rule.name}: trials are compared after epoch {at}, and of {rule.reduction} about one goes "
        f"on{groups}."
    )
