"""In which way a score was measured at an epoch: two scores are compared only where it is the same way."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

import pyarrow as pa

Ways = Mapping[str, Sequence[tuple[int, str]]]
"""Of a metric, each way that it is measured in: the first epoch of the way and what it is, by epoch. A metric that is
not there is measured in one way at every epoch."""

KEY: Final = b"measured"
"""Under which a table of scores keeps the ways in its schema's metadata."""


def way_at(ways: Ways, metric: str, epoch: int) -> str:
    """Returns in which way a metric is measured at an epoch; "" where there is one way for all epochs."""
    return next((words for first, words in reversed(ways.get(metric, ())) if first <= epoch), "")


def measured_alike(ways: Ways, metric: str, one: int, other: int) -> bool:
    """Returns whether a metric's scores of two epochs may be compared."""
    return way_at(ways, metric, one) == way_at(ways, metric, other)


def read(text: str) -> dict[str, list[tuple[int, str]]]:
    """Returns the ways that `text_of` wrote."""
    return {metric: [(int(first), str(words)) for first, words in ways] for metric, ways in json.loads(text).items()}


def text_of(ways: Ways) -> str:
    """Returns the ways as JSON."""
    return json.dumps({metric: [list(way) for way in found] for metric, found in ways.items()}, ensure_ascii=False)


def ways_of(table: pa.Table) -> dict[str, list[tuple[int, str]]]:
    """Returns the ways that a table of trials or epochs carries, as it was made or as its Parquet file says."""
    return read((table.schema.metadata or {}).get(KEY, b"{}").decode())
