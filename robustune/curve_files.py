"""Tables of learning curves as files: a row for each epoch of each net, with its options, scores and seconds."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from analysis.records import option_column
from robustune.errors import Mistake
from search_spaces import Choice, Domain, Study, Subset, Whole, active

STUDY_KEY: Final = b"study"
"""Of the Parquet file's metadata: the digest of the study that the table was made for."""
MOST_TOLD: Final = 10
_PLAIN_COLUMNS: Final = ("seed", "epoch", "seconds")


@dataclass(frozen=True)
class Curve:
    """What one net scored after each epoch, and how long each took.

    Attributes:
        config: the searched options that were active.
        seed: tells the nets of one configuration apart.
        seconds: of each epoch, training and scoring together.
        scores: of each epoch, by metric; one fewer than `seconds` where the net failed in its last epoch.
        failure: code of why it failed; None where it did not.
    """

    config: Mapping[str, Any]
    seed: int
    seconds: tuple[float, ...]
    scores: tuple[Mapping[str, float], ...]
    failure: str | None = None


def table_of(study: Study, curves: Sequence[Curve]) -> pa.Table:
    """Returns the curves as a table that `read` brings back equal.

    Columns are `options.NAME` of the space (as in `trials.parquet`, null where inactive), `seed`, `epoch` (from 1),
    `metrics.NAME`, `seconds` and `code`. A net that failed has a last row with its code and null scores.
    """
    rows = [(curve, epoch) for curve in curves for epoch in range(1, len(curve.seconds) + 1)]
    columns = {
        f"options.{name}": option_column(domain, [curve.config.get(name) for curve, _ in rows])
        for name, domain in study.space.items()
    }
    columns["seed"] = pa.array([curve.seed for curve, _ in rows], pa.int64())
    columns["epoch"] = pa.array([epoch for _, epoch in rows], pa.int64())
    for name in study.metrics:
        columns[f"metrics.{name}"] = pa.array([_score(curve, epoch, name) for curve, epoch in rows], pa.float64())
    columns["seconds"] = pa.array([curve.seconds[epoch - 1] for curve, epoch in rows], pa.float64())
    codes = [curve.failure if epoch > len(curve.scores) else None for curve, epoch in rows]
    columns["code"] = pa.array(codes, pa.string())
    return pa.table(columns, metadata={STUDY_KEY: study.digest.encode()})


def _score(curve: Curve, epoch: int, metric: str) -> float | None:
    return curve.scores[epoch - 1].get(metric) if epoch <= len(curve.scores) else None


def read(path: Path, study: Study) -> tuple[Curve, ...]:
    """Reads a table of whole curves, in the order of their first rows; NaN where a metric is not measured yet.

    Metrics that the study does not name are left aside, so that one table serves studies of fewer objectives.

    Raises:
        Mistake: TABLE_INVALID, with what is wrong, a line each.
    """
    table = _opened(path)
    _refuse(path, _columns_missing(table, study))
    _refuse(path, _columns_mistyped(table, study))
    curves = list(_grouped(path, table, study))
    _refuse(path, ["it has no rows: make the table anew"] if not curves else [])
    _refuse(path, [told for curve in curves for told in _breaches(curve, study)])
    return tuple(curves)


def _opened(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except FileNotFoundError:
        raise Mistake("TABLE_INVALID", f"{path}: there is no such file; name a Parquet table of curves") from None
    except (OSError, pa.ArrowException) as error:
        said = str(error).splitlines()[0]
        raise Mistake("TABLE_INVALID", f"{path}: not a whole Parquet file ({said}); make the table anew") from None


def _refuse(path: Path, told: Sequence[str]) -> None:
    if told:
        more = [f"... and {len(told) - MOST_TOLD} more"] if len(told) > MOST_TOLD else []
        raise Mistake("TABLE_INVALID", "\n".join(f"{path}: {line}" for line in [*told[:MOST_TOLD], *more]))


def _columns_missing(table: pa.Table, study: Study) -> list[str]:
    options = [f"options.{name}" for name in study.space]
    needed = [*options, *(f"metrics.{name}" for name in study.metrics), *_PLAIN_COLUMNS]
    there = ", ".join(table.column_names)
    found = [
        f"the study needs a column '{name}'; there is {there}" for name in needed if name not in table.column_names
    ]
    return found + [
        f"column '{name}' is no option that the study searches; put it into [space], or leave it out"
        for name in table.column_names
        if name.startswith("options.") and name not in options
    ]


def _columns_mistyped(table: pa.Table, study: Study) -> list[str]:
    numbers = ["seconds", *(f"metrics.{name}" for name in study.metrics)]
    types = {name: table.schema.field(name).type for name in [*numbers, "seed", "epoch"]}
    found = [
        f"column '{name}' holds {types[name]}; it has to hold numbers"
        for name in numbers
        if not (pa.types.is_floating(types[name]) or pa.types.is_integer(types[name]))
    ]
    return found + [
        f"column '{name}' holds {types[name]}; it has to hold whole numbers"
        for name in ("seed", "epoch")
        if not pa.types.is_integer(types[name])
    ]


def _grouped(path: Path, table: pa.Table, study: Study) -> Iterator[Curve]:
    names = [*(f"options.{name}" for name in study.space), *_PLAIN_COLUMNS]
    names += [f"metrics.{name}" for name in study.metrics]
    rows: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    kept = [*names, "code"] if "code" in table.column_names else names
    for row in table.select(kept).to_pylist():
        key = (*(repr(row[f"options.{name}"]) for name in study.space), row["seed"])
        rows.setdefault(key, []).append(row)
    for group in rows.values():
        group.sort(key=lambda row: row["epoch"] or 0)
        if (epochs := [row["epoch"] for row in group]) != list(range(1, len(group) + 1)):
            _refuse(
                path, [f"{_named(group[0], study)}: its epochs are {epochs}; they have to be 1, 2, 3 ... once each"]
            )
        yield _curve(path, group, study)


def _curve(path: Path, group: list[dict[str, Any]], study: Study) -> Curve:
    config = {}
    for name, domain in study.space.items():
        if (cell := group[0][f"options.{name}"]) is not None:
            try:
                config[name] = value_of(domain, cell)
            except ValueError:
                _refuse(path, [f"options.{name}: {cell!r} lies outside the study's domain; widen it in [space]"])
    failure = group[-1].get("code")
    scored = group[:-1] if failure is not None else group
    return Curve(
        config=config,
        seed=group[0]["seed"],
        seconds=tuple(math.nan if row["seconds"] is None else float(row["seconds"]) for row in group),
        scores=tuple({name: _number(row[f"metrics.{name}"]) for name in study.metrics} for row in scored),
        failure=failure,
    )


def value_of(domain: Domain, cell: Any) -> Any:
    """Returns the value that `analysis.records.option_column` wrote into a cell.

    Raises:
        ValueError: it lies outside the domain.
    """
    value = cell
    if isinstance(domain, Subset):
        value = [_listed(domain, part) for part in str(cell).split("+")] if cell else []
    elif isinstance(domain, Choice):
        value = _listed(domain, cell)
    elif not isinstance(domain, Whole) and isinstance(cell, int):
        value = float(cell)
    if not domain.contains(value):
        raise ValueError(f"{cell!r} lies outside the domain")
    return value


def _listed(domain: Choice | Subset, cell: Any) -> Any:
    for value in domain.values:
        if value == cell and isinstance(value, bool) == isinstance(cell, bool):
            return value
    for value in domain.values:
        if isinstance(cell, str) and str(value) == cell:
            return value
    raise ValueError(f"{cell!r} is none of {list(domain.values)}")


def _number(cell: Any) -> float:
    return math.nan if cell is None else float(cell)


def _breaches(curve: Curve, study: Study) -> Iterator[str]:
    where = named(curve)
    for name in study.space:
        if (name in curve.config) != active(study.space, curve.config, name):
            state = "is active and has no value" if name not in curve.config else "is not active and has a value"
            yield f"{where}: option '{name}' {state}, by its condition in the study"
    if curve.failure is None and len(curve.scores) != study.budget.epochs:
        yield (
            f"{where}: it has {len(curve.scores)} epochs, the study's budget {study.budget.epochs}; curves have to be "
            "whole: set budget.epochs to theirs, or give a code where a net failed"
        )
    for place, seconds in enumerate(curve.seconds, 1):
        if not 0 <= seconds < math.inf:
            yield f"{where}: epoch {place} took {seconds} seconds; that has to be a number at least 0"
    for place, scores in enumerate(curve.scores, 1):
        for name, value in scores.items():
            if not math.isfinite(value) and study.from_epochs.get(name, 1) <= place:
                yield f"{where}: epoch {place} has no finite '{name}'; give a code where a net failed"


def named(curve: Curve) -> str:
    """Names a curve in a message, by its options and seed."""
    return ", ".join([*(f"{name}={value}" for name, value in curve.config.items()), f"seed {curve.seed}"])


def _named(row: Mapping[str, Any], study: Study) -> str:
    return ", ".join([*(f"{name}={row[f'options.{name}']}" for name in study.space), f"seed {row['seed']}"])
