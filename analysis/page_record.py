"""The trials of a study as JSON within its page: once and exactly, for the page's own tables, tips and downloads."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

import pyarrow as pa

from analysis.links import Links, safe_address
from analysis.table import LONG, title_of
from search_spaces.study import Study

EXACT: Final = 2**53
"""Whole numbers beyond it are no numbers of JavaScript, and stand in the page as text."""
FIRST: Final = ("number", "state", "epochs")
LAST: Final = ("train_seconds", "retries", "code", "reason")
_KINDS: Final = {pa.int64(): "int64", pa.float64(): "double", pa.string(): "string", pa.bool_(): "bool"}


def shown_names(trials: pa.Table, study: Study) -> list[str]:
    """Returns the columns that the table of all trials shows, in order: those that have a value in some trial."""
    wanted = [*FIRST, *_scores(study), *(f"options.{name}" for name in study.space), *LAST]
    return [name for name in wanted if name in FIRST or _says_something(trials[name], name)]


def record_block(trials: pa.Table, front: pa.Table, study: Study, links: Links) -> str:
    """Returns the element that holds the trials: data, which no browser runs.

    Every value is there as the table has it: `analysis/browser/parquet.js` makes the same table of them again.
    """
    showing = shown_names(trials, study)
    order = [*showing, *(name for name in trials.column_names if name not in showing)]
    leads, told = _leads(trials["number"].to_pylist(), links)
    known = {
        "file": "trials",
        "best": "on the front" if len(study.objectives) > 1 else "best",
        "columns": [_column(trials, name, name in showing) for name in order],
        "order": trials.column_names,
        "front": front["number"].to_pylist(),
        "leads": bool(leads or told),
        "links": leads,
        "told": told,
        "metadata": _metadata(trials),
    }
    # In HTML nothing but "<" can end the element; the rest is ASCII, line ends and directions included.
    text = json.dumps(known, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c").replace(">", "\\u003e")
    return f'<script type="application/json" id="record">{text}</script>'


def _says_something(column: pa.ChunkedArray, name: str) -> bool:
    if name == "retries":
        return any(column.to_pylist())
    return bool(column.null_count < len(column) and any(value != "" for value in column.to_pylist()))


def _scores(study: Study) -> list[str]:
    return [f"metrics.{metric}" for metric in study.metrics]


def _column(trials: pa.Table, name: str, showing: bool) -> dict[str, Any]:
    kind = _KINDS[trials.schema.field(name).type]
    values = [_plain(value) for value in trials[name].to_pylist()]
    found: dict[str, Any] = {"name": name, "kind": kind, "values": values}
    if showing:
        long = kind == "string" and any(value is not None and len(value) > LONG for value in values)
        found |= {"title": title_of(name), "tip": _tip(name), **({"long": True} if long else {})}
    return found


def _tip(name: str) -> Literal["score", "option"] | None:
    return "score" if name.startswith("metrics.") else "option" if name.startswith("options.") else None


def _plain(value: Any) -> Any:
    """A value as JSON has it; numbers that are not finite, or too great, as a text that a script reads as them."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > EXACT:
        return str(value)
    return value


def _metadata(trials: pa.Table) -> dict[str, str]:
    """What the downloaded file needs besides its rows, so that `python -m analysis.plot_front` reads it."""
    return {key.decode(): value.decode() for key, value in (trials.schema.metadata or {}).items()}


def _leads(
    numbers: Sequence[int], links: Links
) -> tuple[list[dict[str, Any]], Mapping[str, Sequence[tuple[str, str]]]]:
    """What leads on from each trial: addresses by title, without what all of a title share; and what is no address."""
    told: dict[str, list[tuple[str, str]]] = {}
    addresses: dict[str, dict[int, str]] = {}
    for number in numbers:
        for title, target in links.get(number, {}).items():
            address = safe_address(target)
            if address is None:
                told.setdefault(str(number), []).append((title, target))
            else:
                addresses.setdefault(title, {})[number] = address
    return [_lead(title, numbers, found) for title, found in addresses.items()], told


def _lead(title: str, numbers: Iterable[int], found: Mapping[int, str]) -> dict[str, Any]:
    every = list(found.values())
    before = _shared(every)
    rest = [address[len(before) :] for address in every]
    after = _shared([text[::-1] for text in rest])[::-1]
    cut = {number: text[: len(text) - len(after)] for number, text in zip(found, rest, strict=True)}
    return {"title": title, "before": before, "after": after, "values": [cut.get(number) for number in numbers]}


def _shared(texts: Sequence[str]) -> str:
    """How all of several texts begin; "" of a single one, which shares with none."""
    if len(texts) < 2:
        return ""
    first, last = min(texts), max(texts)
    differ = (place for place, (one, other) in enumerate(zip(first, last, strict=False)) if one != other)
    return first[: next(differ, min(len(first), len(last)))]
