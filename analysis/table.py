"""Tables of trials as HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from analysis.wording import escaped, readable, shown
from search_spaces.study import Study

LONG: Final = 24


@dataclass(frozen=True)
class Column:
    """A title and a cell of HTML for each row; `values` sort it where they are numbers, `look` is a class of cells."""

    title: str
    cells: Sequence[str]
    text: bool = False
    values: Sequence[Any] | None = None
    look: str = ""


def columns(trials: pa.Table, study: Study, first: Sequence[str], last: Sequence[str] = ()) -> list[Column]:
    """Returns the named columns with every metric and every searched option between the first and the last ones."""
    scores = [f"metrics.{metric}" for metric in study.metrics]
    return named_columns(trials, [*first, *scores, *(f"options.{name}" for name in study.space), *last])


def named_columns(trials: pa.Table, names: Sequence[str]) -> list[Column]:
    """Returns the columns of those names, as `analysis.records.trials` calls them."""
    return [_column(trials, name, title_of(name)) for name in names]


def title_of(name: str) -> str:
    """Returns what stands over a column of `analysis.records.trials`."""
    wording = {"number": "Trial", "train_seconds": "Training, s"}
    return wording.get(name) or readable(name.removeprefix("metrics.").removeprefix("options."))


def table(
    shown_columns: Sequence[Column],
    trials: pa.Table,
    name: str = "",
    best: frozenset[int] = frozenset(),
    every: bool = False,
) -> str:
    """Returns a sortable table with a row for each trial.

    Args:
        shown_columns: columns of no cells at all are left out, unless `every` one stays.
        trials: whose `number` the rows carry.
        name: the table's id; where it is given, each row is what `#trial-NUMBER` leads to.
        best: numbers of the trials that are marked.
        every: whether empty columns stay.
    """
    kept = [column for column in shown_columns if every or any(column.cells)]
    heads = "".join(_head(column) for column in kept)
    lines = []
    for place, number in enumerate(trials["number"].to_pylist()):
        known = f' id="trial-{number}"' if name else ""
        look = ' class="best"' if number in best else ""
        lines.append(f"<tr{known}{look}>{''.join(_cell(column, place) for column in kept)}</tr>")
    known = f' id="{name}"' if name else ""
    return (
        f'<div class="scroll" tabindex="0"><table class="sortable"{known}><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def listing(shown_columns: Sequence[Column]) -> str:
    """Returns a sortable table of rows that are no trials."""
    heads = "".join(_head(column) for column in shown_columns)
    rows = range(len(shown_columns[0].cells))
    lines = "".join(f"<tr>{''.join(_cell(column, place) for column in shown_columns)}</tr>" for place in rows)
    return (
        f'<div class="scroll" tabindex="0"><table class="sortable"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def numbers(title: str, values: Sequence[float | None]) -> Column:
    """Returns a column of numbers; "" where there is none."""
    return Column(title, [escaped(shown(value)) for value in values], values=list(values))


def _column(trials: pa.Table, name: str, title: str) -> Column:
    values = trials[name].to_pylist()
    kind = trials.schema.field(name).type
    numbers = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    cells = [escaped(shown(value)) for value in values]
    long = not numbers and any(len(cell) > LONG for cell in cells)
    return Column(title, cells, long, values if numbers else None)


def _head(column: Column) -> str:
    look = ' class="num"' if column.values is not None else ""
    return f'<th scope="col"{look}>{escaped(column.title)}</th>'


def _cell(column: Column, place: int) -> str:
    look = ""
    if column.values is not None:
        value = column.values[place]
        look = ' class="num"' + ("" if value is None else f' data-value="{value!r}"')
    elif column.text or column.look:
        look = f' class="{column.look or "text"}"'
    return f"<td{look}>{column.cells[place]}</td>"
