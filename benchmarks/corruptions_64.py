"""`corruptions-64`: all 19 corruptions of images of 64x64."""

from benchmarks.corruptions import rows_at
from benchmarks.rows import Row


def rows(device: str) -> list[Row]:
    return rows_at(64, device)
