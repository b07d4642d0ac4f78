"""What `robustune evaluate` left in a study's folder: its tables by name, and reading one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from search_spaces.study import Study

EVALUATION_FILE: Final = "evaluation.parquet"
"""Accuracies and more, a row for each trial."""
ERRORS_FILE: Final = "corruption-errors.parquet"
"""Errors under corruptions, a row for each trial or the baseline, corruption and severity."""
CLASS_IOU_FILE: Final = "class-iou.parquet"
"""Intersection over union of every class, a row for each trial, split and class, without noise and under it."""
NOISE_CURVE_FILE: Final = "noise-curve.parquet"
"""Mean IoU by the scale of inference noise, a row for each trial, split, scale and draw."""
CORRUPTION_MIOU_FILE: Final = "corruption-miou.parquet"
"""Mean IoU under corruptions, a row for each trial, corruption and severity."""
SEGMENTATION_EXAMPLES_FILE: Final = "segmentation-examples.parquet"
"""Images with their masks and what each trial says of them, a row for each trial and image."""
OTHER_FILES: Final = (
    ERRORS_FILE,
    CLASS_IOU_FILE,
    NOISE_CURVE_FILE,
    CORRUPTION_MIOU_FILE,
    SEGMENTATION_EXAMPLES_FILE,
)
"""What an evaluation may leave beside `evaluation.parquet`."""
BASELINE: Final = -1
"""Stands there for the baseline where a trial's number would."""


class Damaged(OSError):
    """A file of an evaluation is not what was written; the message says which, what is wrong, and what would do."""

    def __init__(self, path: Path, fault: str, maker: str = "robustune evaluate") -> None:
        self.path, self.fault = path, fault
        super().__init__(f"{path} {fault}; remove it, or let `{maker}` make it again")


def evaluated(
    folder: Path, name: str, study: Study, columns: Sequence[str] = (), maker: str = "robustune evaluate"
) -> pa.Table | None:
    """Returns a table that an evaluation left; None where it left none, no row, or one of another study.

    Args:
        folder: of the study, which may have been another's before.
        name: of the file.
        study: whose table it must be.
        columns: that it must have.
        maker: the command that would make it again.

    Raises:
        Damaged: the file is no whole Parquet file, or lacks a column.
        OSError: it cannot be read.
    """
    path = Path(folder) / name
    if not path.is_file():
        return None
    table = whole(path, maker)
    if (table.schema.metadata or {}).get(b"study", b"").decode() != study.digest or not table.num_rows:
        return None
    if missing := [each for each in columns if each not in table.column_names]:
        raise Damaged(path, f"has no column {', '.join(missing)}", maker)
    return table


def whole(path: Path, maker: str = "robustune evaluate") -> pa.Table:
    """Returns the table of a Parquet file; `maker` is the command that would make it again.

    Raises:
        Damaged: it is no whole Parquet file.
        OSError: it cannot be read.
    """
    try:
        return pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # pyarrow's own, of damage, have no number
            raise
        raise Damaged(path, f"is no whole Parquet file ({' '.join(str(error).split())})", maker) from error


def cast(table: pa.Table, schema: pa.Schema, path: Path, maker: str = "robustune evaluate") -> pa.Table:
    """Returns a file's table with the columns of a schema and its own metadata; `maker` as in `whole`.

    Raises:
        Damaged: a column is missing, of another type, or has nulls where the schema allows none.
    """
    if missing := [each for each in schema.names if each not in table.column_names]:
        raise Damaged(path, f"has no column {', '.join(missing)}", maker)
    try:
        return table.select(schema.names).cast(schema).replace_schema_metadata(table.schema.metadata)
    except (ValueError, pa.ArrowNotImplementedError) as error:  # ArrowInvalid is a ValueError
        raise Damaged(path, f"has other columns than it should ({error})", maker) from error


def evaluated_as(folder: Path, name: str, study: Study, schema: pa.Schema) -> pa.Table | None:
    """Returns such a table with the columns of a schema and its own metadata; None as `evaluated` says.

    Raises:
        Damaged: as `evaluated`, or a column is of another type, or has nulls where the schema allows none.
        OSError: it cannot be read.
    """
    table = evaluated(folder, name, study)
    return None if table is None else cast(table, schema, Path(folder) / name)
