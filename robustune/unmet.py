"""Constraints that no trial has met so far, told while a search runs: whether to go on is for people to say."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from analysis.wording import shown
from robustune.brackets import lasting
from robustune.halving import rungs
from robustune.makers import STARTUP_TRIALS
from search_spaces.extent import trial_limit
from search_spaces.study import Constraint, Study

ALL = "all constraints"
_WHAT_WOULD_DO = "loosen {}, or let {} hold from a later epoch (from_epoch)"


@dataclass(frozen=True)
class Unmet:
    """What no trial has met, named the same however often it is told, and a line on it."""

    name: str
    words: str


@dataclass(frozen=True)
class _Row:
    """The scores of one trial after one epoch, None where one is not measured there."""

    trial: int
    epoch: int
    scores: dict[str, float | None]

    def meets(self, bounds: Iterable[Constraint]) -> bool:
        return all((value := self.scores[one.metric]) is not None and one.violation(value) <= 0 for one in bounds)


def worth(study: Study) -> int:
    """How many trials have to come to a rung before it is told that none of them met a bound.

    As many as successive halving starts with so that one spends its full epochs, and no more than samplers draw at
    random before they learn; without halving that many, or all trials of a smaller budget or grid.
    """
    rule = study.early_stopping
    least = (
        STARTUP_TRIALS
        if rule.name in ("none", "median_stopping")
        else math.ceil(1 / lasting(rule, study.budget.epochs))
    )
    return min(max(least, rule.reduction), STARTUP_TRIALS, trial_limit(study))


def unmet(study: Study, epochs: pa.Table) -> tuple[Unmet, ...]:
    """Tells of each bound that nobody met at any epoch where it holds, once enough trials came to its first rung.

    Where each bound was met by somebody, and all of an epoch together by nobody, that is told instead.

    Args:
        study: whose constraints they are.
        epochs: as `analysis.records.epochs` returns them.
    """
    if not study.constraints:
        return ()
    rows = _rows(study, epochs)
    told = [_alone(study, one, rows) for one in study.constraints]
    found = tuple(one for one in told if one is not None)
    return found or _together(study, rows)


def _rows(study: Study, epochs: pa.Table) -> list[_Row]:
    names = list(dict.fromkeys(one.metric for one in study.constraints))
    columns = [epochs[name].to_pylist() for name in ("trial", "epoch", *(f"metrics.{name}" for name in names))]
    return [
        _Row(trial, epoch, dict(zip(names, scores, strict=True)))
        for trial, epoch, *scores in zip(*columns, strict=True)
    ]


def _alone(study: Study, bound: Constraint, rows: Sequence[_Row]) -> Unmet | None:
    holding = {epoch for epoch in {row.epoch for row in rows} if bound in study.constraints_at(epoch)}
    held = [row for row in rows if row.epoch in holding and row.scores[bound.metric] is not None]
    came = _came(study, held, [bound])
    if came is None or any(row.meets([bound]) for row in held):
        return None
    best = min(held, key=lambda row: bound.violation(row.scores[bound.metric] or 0.0))
    mend = "loosen it" if min(holding) == study.budget.epochs else _WHAT_WOULD_DO.format("it", "it")
    words = (
        f"no trial has met {_told(bound)}: {came}, and the best had {shown(best.scores[bound.metric])} (trial "
        f"{best.trial} after epoch {best.epoch}); {mend}"
    )
    return Unmet(f"{bound.metric} from epoch {bound.from_epoch}", words)


def _together(study: Study, rows: Sequence[_Row]) -> tuple[Unmet, ...]:
    holding = {epoch: study.constraints_at(epoch) for epoch in {row.epoch for row in rows}}
    held = [(row, bounds) for row in rows if (bounds := holding[row.epoch])]
    came = _came(study, [row for row, _ in held], study.constraints)
    if came is None or any(row.meets(bounds) for row, bounds in held):
        return ()
    words = f"no trial has met {ALL} at once, each alone has been met: {came}; {_WHAT_WOULD_DO.format('one', 'one')}"
    return (Unmet(ALL, words),)


def _came(study: Study, held: Sequence[_Row], bounds: Iterable[Constraint]) -> str | None:
    """How many trials came to the first rung where one of the bounds holds; None where these are too few."""
    every = rungs(study.early_stopping, study.budget.epochs)
    wanted = tuple(bounds)
    first = next((rung for rung in every if any(one in wanted for one in study.constraints_at(rung))), None)
    count = sum(row.epoch == first for row in held)
    return None if first is None or count < worth(study) else f"{count} trials came to epoch {first}"


def _told(bound: Constraint) -> str:
    parts = [
        f"{words} {value:g}"
        for words, value in (("at least", bound.at_least), ("at most", bound.at_most))
        if value is not None
    ]
    return f"{bound.metric} {' and '.join(parts)}"
