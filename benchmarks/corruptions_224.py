"""`corruptions-224`: all 19 corruptions of images of 224x224."""

from benchmarks.corruptions import rows_at
from benchmarks.rows import Row


def rows(device: str) -> list[Row]:
    return rows_at(224, device)
