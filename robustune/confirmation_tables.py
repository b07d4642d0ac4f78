"""The files of a confirmation that tell what each net scored, and how it was trained."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from analysis.confirmation import FOLDER, NETS_FILE, OUTCOMES_FILE
from analysis.records import write_parquet
from robustune.confirmation_nets import Net
from search_spaces import Study

NETS: Final = pa.schema(
    [
        pa.field("trial", pa.int64(), nullable=False),
        pa.field("replicate", pa.int32(), nullable=False),
        pa.field("seed", pa.int64(), nullable=False),
        pa.field("state", pa.string(), nullable=False),
        pa.field("epochs", pa.int64(), nullable=False),
        pa.field("train_seconds", pa.float64(), nullable=False),
        pa.field("checkpoint", pa.string(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("code", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
    ]
)


def write_outcomes(folder: Path, study: Study, outcomes: pa.Table) -> Mapping[str, Path]:
    """Writes what each net scored of each source, a row for each net, metric and source, and returns its path by name.

    Args:
        folder: of the study.
        study: whose digest marks the file.
        outcomes: with the columns `analysis.confirmation.OUTCOMES`.
    """
    return {OUTCOMES_FILE: _written(folder, OUTCOMES_FILE, study, outcomes)}


def write_nets(folder: Path, study: Study, nets: Sequence[Net]) -> Mapping[str, Path]:
    """Writes a row for each net, failed ones among them, and returns the file's path by its name."""
    rows: list[dict[str, Any]] = [{name: getattr(net, name) for name in NETS.names} for net in nets]
    return {NETS_FILE: _written(folder, NETS_FILE, study, pa.Table.from_pylist(rows, schema=NETS))}


def _written(folder: Path, name: str, study: Study, table: pa.Table) -> Path:
    marked = table.replace_schema_metadata({"study": study.digest})
    return write_parquet(marked, folder / FOLDER / name)
