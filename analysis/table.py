"""Tables of trials as HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import pyarrow as pa

from analysis.wording import escaped, readable, shown
from search_spaces.study import Study

LONG: Final = 24


@dataclass(frozen=True)
class Column:
    """A title and a cell of HTML for each row; `values` sort it where they are numbers, `tip` puts it into tips."""

    title: str
    cells: Sequence[str]
    text: bool = False
    values: Sequence[Any] | None = None
    tip: Literal["score", "option"] | None = None


def columns(trials: pa.Table, study: Study, first: Sequence[str], last: Sequence[str] = ()) -> list[Column]:
    """Returns the named columns with every metric and every searched option between the first and the last ones."""
    found = [_column(trials, name, name) for name in first]
    found += [_column(trials, f"metrics.{metric}", metric, "score") for metric in study.metrics]
    found += [_column(trials, f"options.{name}", name, "option") for name in study.space]
    return found + [_column(trials, name, name) for name in last]


def table(shown_columns: Sequence[Column], trials: pa.Table, name: str = "", best: frozenset[int] = frozenset()) -> str:
    """Returns a sortable table with a row for each trial.

    Args:
        shown_columns: columns of no cells at all are left out.
        trials: whose `number` and `state` the rows carry.
        name: the table's id; where it is given, each row is what `#trial-NUMBER` leads to.
        best: numbers of the trials that are marked.
    """
    kept = [column for column in shown_columns if any(column.cells)]
    heads = "".join(_head(column) for column in kept)
    lines = []
    for place, (number, state) in enumerate(
        zip(trials["number"].to_pylist(), trials["state"].to_pylist(), strict=True)
    ):
        known = f' id="trial-{number}" data-state="{escaped(state)}"' if name else ""
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


def _column(trials: pa.Table, name: str, title: str, tip: Literal["score", "option"] | None = None) -> Column:
    values = trials[name].to_pylist()
    numbers = pa.types.is_integer(trials.schema.field(name).type) or pa.types.is_floating(
        trials.schema.field(name).type
    )
    wording = {"number": "Trial", "train_seconds": "Training, s"}.get(title, readable(title))
    cells = [escaped(shown(value)) for value in values]
    long = not numbers and any(len(cell) > LONG for cell in cells)
    return Column(wording, cells, long, values if numbers else None, tip)


def _head(column: Column) -> str:
    tip = f' data-tip="{column.tip}"' if column.tip else ""
    look = ' class="num"' if column.values is not None else ""
    return f'<th scope="col"{look}{tip}>{escaped(column.title)}</th>'


def _cell(column: Column, place: int) -> str:
    look = ""
    if column.values is not None:
        value = column.values[place]
        look = ' class="num"' + ("" if value is None else f' data-value="{value!r}"')
    elif column.text:
        look = ' class="text"'
    return f"<td{look}>{column.cells[place]}</td>"
