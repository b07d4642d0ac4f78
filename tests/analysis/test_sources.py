"""A Parquet file that is no whole table of trials is told in one line, whatever it holds."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis import records, sources

CONTEXT = records.CONTEXT_KEY


def told(table: pa.Table, context: object) -> pa.Table:
    """The table with another context."""
    text = context if isinstance(context, bytes) else json.dumps(context).encode()
    return table.replace_schema_metadata({**table.schema.metadata, CONTEXT: text})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda table, _: table.drop_columns(["metrics.mce"]), "lacks the column metrics.mce"),
        (lambda table, _: table.drop_columns(["retries"]), "lacks the column retries"),
        (lambda table, _: pa.concat_tables([table, table.slice(2, 1)]), "trial 2 comes more than once"),
        (
            lambda table, _: table.set_column(
                table.column_names.index("metrics.mce"), "metrics.mce", pa.array(["x"] * len(table))
            ),
            "the column metrics.mce holds no numbers",
        ),
        (lambda table, _: told(table, b"torn"), "does not tell of a study's trials"),
        (lambda table, _: told(table, [1]), "does not tell of a study's trials"),
        (lambda table, known: told(table, {"study": known["study"]}), "does not tell of a study's trials"),
        (
            lambda table, known: told(table, {**known, "study": {**known["study"], "later": 1}}),
            "tells of a study that this version cannot read",
        ),
    ],
)
def test_a_file_that_tells_too_little_or_of_another_version_is_one_line(
    made_up: Path, tmp_path: Path, change: Callable[[pa.Table, dict[str, object]], pa.Table], complaint: str
) -> None:
    trials = records.trials(made_up)
    path = tmp_path / "trials.parquet"
    pq.write_table(change(trials, json.loads(trials.schema.metadata[CONTEXT])), path)
    with pytest.raises(records.LedgerError) as refused, sources.opened(str(path)):
        pass
    assert str(refused.value).startswith(f"{path}: {complaint}; give a trials.parquet that this version wrote")
