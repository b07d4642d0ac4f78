"""Computes the charts of errors under corruptions from what `robustune evaluate` left in a study's folder."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from analysis.bars import Bar, Bars, bar_axis
from analysis.evaluated import BASELINE, ERRORS_FILE, evaluated
from analysis.knobs import NotDrawable
from analysis.wording import readable, within
from search_spaces.study import Study

SEEN: Final = "†"
RESEMBLED: Final = "‡"
MARKS: Final = {SEEN: "seen by the search", RESEMBLED: "resembled by what some trial of the study may train with"}
# Fewer errors than this are none: one error in a million images is more, what float64 rounds is less.
_NONE: Final = 1e-9
_COLUMNS: Final = ("trial", "corruption", "group", "severity", "error", "baseline_error", "seen", "overlap")


@dataclass(frozen=True)
class Corruption:
    """Errors under one corruption, in [0, 1].

    Attributes:
        name: as the trainer calls it.
        group: that it belongs to.
        errors: the trial's, by severity.
        baseline: the baseline's, by severity.
        seen: whether the search measured it.
        overlap: which training perturbations resemble it; "" where none does.
    """

    name: str
    group: str
    errors: tuple[float, ...]
    baseline: tuple[float, ...]
    seen: bool
    overlap: str

    @property
    def ce(self) -> float | None:
        """Its errors' sum over the baseline's; None where the baseline makes none."""
        return _ratio([self.errors], [self.baseline])

    @property
    def marks(self) -> str:
        """Those of `MARKS` that stand beside its name."""
        return (SEEN if self.seen else "") + (RESEMBLED if self.overlap else "")


@dataclass(frozen=True)
class Errors:
    """A trial's errors under every corruption that was measured, by groups."""

    trial: int
    severities: tuple[int, ...]
    corruptions: tuple[Corruption, ...]

    @property
    def groups(self) -> tuple[str, ...]:
        """Their names, each once."""
        return tuple(dict.fromkeys(one.group for one in self.corruptions))

    def of(self, group: str) -> tuple[Corruption, ...]:
        """Returns the corruptions of a group."""
        return tuple(one for one in self.corruptions if one.group == group)


def read_errors(folder: Path, study: Study) -> pa.Table | None:
    """Returns the errors that an evaluation left in the folder; None where it left none, or another study's.

    Raises:
        OSError: the file cannot be read, is no whole Parquet file, or lacks a column.
    """
    return evaluated(folder, ERRORS_FILE, study, _COLUMNS)


def errors_of(table: pa.Table, study: Study) -> tuple[Errors, ...]:
    """Returns the errors of each evaluated trial, in the order of the table.

    Args:
        table: as `read_errors` gives it.
        study: for the message.

    Raises:
        NotDrawable: a cell of some trial's table is not there, or is there twice.
    """
    found: dict[int, dict[str, dict[int, dict[str, Any]]]] = {}
    for row in table.to_pylist():
        cells = found.setdefault(row["trial"], {}).setdefault(row["corruption"], {})
        if row["severity"] in cells:
            told = f"{ERRORS_FILE} has {row['corruption']} at severity {row['severity']} of trial {row['trial']} twice"
            raise NotDrawable(study, told)
        cells[row["severity"]] = row
    severities = tuple(sorted(set(table["severity"].to_pylist())))
    return tuple(
        Errors(
            trial, severities, tuple(_corruption(name, cells, severities, trial, study) for name, cells in by.items())
        )
        for trial, by in found.items()
        if trial != BASELINE
    )


def mean_ce(errors: Errors, without: Sequence[str] = (), seen: bool = False) -> float | None:
    """Returns the mean CE over the corruptions that the search did not see; None where one of them has none.

    Args:
        errors: of a trial.
        without: corruptions that are left out.
        seen: count those that the search saw as well.
    """
    kept = [one for one in errors.corruptions if one.name not in without and (seen or not one.seen)]
    known = [one.ce for one in kept if one.ce is not None]
    return math.fsum(known) / len(known) if known and len(known) == len(kept) else None


def chosen(every: Sequence[Errors], number: int | None, study: Study) -> Errors:
    """Returns the errors of the trial of that number; of the one with the least mean CE where none is asked for.

    Raises:
        NotDrawable: no such trial was evaluated.
    """
    if number is None and every:
        return min(every, key=_rank)
    if found := [one for one in every if one.trial == number]:
        return found[0]
    there = ", ".join(str(one.trial) for one in every) or "none"
    asked = "no trial" if number is None else f"trial {number} was not"
    told = f"{asked} evaluated under corruptions (evaluated: {there}); let `robustune evaluate` do it"
    raise NotDrawable(study, told)


def error_charts(errors: Errors) -> tuple[Bars, ...]:
    """Returns a chart for each group of corruptions: bars by severity, each against the baseline's error."""
    series = tuple(f"severity {severity}" for severity in errors.severities)
    every = [rate for one in errors.corruptions for rate in (*one.errors, *one.baseline)]
    axis = bar_axis("Error", every)
    return tuple(
        Bars(
            title=readable(group),
            label="",
            groups=tuple(_label(one) for one in errors.of(group)),
            series=series,
            y=axis,
            bars=tuple(
                Bar(place, column, rate, rate, rate, one.baseline[column])
                for place, one in enumerate(errors.of(group))
                for column, rate in enumerate(one.errors)
            ),
            notes=("",) * len(errors.of(group)),
            ordered=True,
        )
        for group in errors.groups
    )


def ratio_chart(errors: Errors) -> Bars:
    """Returns the ratio of the errors' sum over each group to the baseline's, severity by severity.

    Where the baseline makes no error in a group at a severity there is no bar, and a note says so.
    """
    bars, notes = [], []
    for place, group in enumerate(errors.groups):
        ratios = [
            _ratio(
                [(one.errors[column],) for one in errors.of(group)],
                [(one.baseline[column],) for one in errors.of(group)],
            )
            for column in range(len(errors.severities))
        ]
        bars += [Bar(place, column, ratio, ratio, ratio) for column, ratio in enumerate(ratios) if ratio is not None]
        lost = [str(severity) for severity, ratio in zip(errors.severities, ratios, strict=True) if ratio is None]
        notes.append(f"no baseline error at {', '.join(lost)}" if lost else "")
    axis = bar_axis("Error over the baseline's", [1.0, *(bar.value for bar in bars)], reference=1.0)
    names = tuple(readable(group) for group in errors.groups)
    series = tuple(f"severity {severity}" for severity in errors.severities)
    return Bars("", "", names, series, axis, tuple(bars), tuple(notes), ordered=True)


def marks_of(errors: Errors) -> tuple[str, ...]:
    """Returns what the marks beside the names mean, of those marks that stand there."""
    there = {
        SEEN: any(one.seen for one in errors.corruptions),
        RESEMBLED: any(one.overlap for one in errors.corruptions),
    }
    return tuple(f"{mark} {text}" for mark, text in MARKS.items() if there[mark])


def _corruption(
    name: str, cells: dict[int, dict[str, Any]], severities: Sequence[int], trial: int, study: Study
) -> Corruption:
    if missing := [severity for severity in severities if severity not in cells]:
        raise NotDrawable(study, f"{ERRORS_FILE} lacks {name} at severity {missing[0]} of trial {trial}")
    rows = [cells[severity] for severity in severities]
    return Corruption(
        name,
        rows[0]["group"],
        tuple(row["error"] for row in rows),
        tuple(row["baseline_error"] for row in rows),
        bool(rows[0]["seen"]),
        rows[0]["overlap"] or "",
    )


def _rank(errors: Errors) -> tuple[bool, float]:
    mean = mean_ce(errors)
    return mean is None, 0.0 if mean is None else mean


def _ratio(errors: Sequence[Sequence[float]], baseline: Sequence[Sequence[float]]) -> float | None:
    below = math.fsum(rate for row in baseline for rate in row)
    return math.fsum(rate for row in errors for rate in row) / below if below > _NONE else None


def _label(one: Corruption) -> str:
    """The name, less its group's word where it ends with it, and its marks."""
    return f"{within(one.name.removesuffix(f'_{one.group}'))} {one.marks}".rstrip()
