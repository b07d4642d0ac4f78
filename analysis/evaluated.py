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
SEGMENTATION_EXAMPLES_FILE: Final = "segmentation-examples.parquet"
"""Images with their masks and what each trial says of them, a row for each trial and image."""
BASELINE: Final = -1
"""Stands there for the baseline where a trial's number would."""


def evaluated(folder: Path, name: str, study: Study, columns: Sequence[str] = ()) -> pa.Table | None:
    """Returns a table that an evaluation left; None where it left none, no row, or one of another study.

    Args:
        folder: of the study, which may have been another's before.
        name: of the file.
        study: whose table it must be.
        columns: that it must have.

    Raises:
        OSError: the file cannot be read, is no whole Parquet file, or lacks a column.
    """
    path = Path(folder) / name
    if not path.is_file():
        return None
    remedy = "remove it, or let `robustune evaluate` make it again"
    try:
        table = pq.read_table(path)
    except pa.ArrowInvalid as error:
        raise OSError(f"{path} is no whole Parquet file ({error}); {remedy}") from error
    if (table.schema.metadata or {}).get(b"study", b"").decode() != study.digest or not table.num_rows:
        return None
    if missing := [each for each in columns if each not in table.column_names]:
        raise OSError(f"{path} has no column {', '.join(missing)}; {remedy}")
    return table
