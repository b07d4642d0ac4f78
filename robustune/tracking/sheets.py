"""Files for MLflow's pages, which preview comma-separated values but no Parquet."""

import csv
from io import StringIO
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

MOST_ROWS: Final = 5000
"""Of a table that is sent in both ways; MLflow's preview ends after 500."""


def log_file(client: Any, run: str, path: Path, under: str = "") -> None:
    """Sends a file as an artifact; beside a Parquet file of at most `MOST_ROWS` rows stands the same as CSV.

    Args:
        client: of MLflow.
        run: id.
        path: of the file.
        under: artifacts' folder; "" is the top.

    Raises:
        MlflowException, OSError: MLflow did not take it.
    """
    client.log_artifact(run, str(path), under or None)
    if path.suffix != ".parquet":
        return
    name = f"{path.stem}.csv"
    if pq.read_metadata(path).num_rows <= MOST_ROWS:
        client.log_text(run, sheet(pq.read_table(path)), f"{under}/{name}" if under else name)


def sheet(table: pa.Table) -> str:
    """Returns a table as comma-separated values: names, then a line for each row; what is absent is empty."""
    with StringIO() as written:
        lines = csv.writer(written, lineterminator="\n")
        lines.writerow(table.column_names)
        lines.writerows(row.values() for row in table.to_pylist())
        return written.getvalue()
