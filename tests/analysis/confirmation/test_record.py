"""Confirmations on disk: what is written is read, of its own study alone, and damage is told."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis import records
from analysis.confirmation import FOLDER, SCORES_FILE, Confirmation, read, write
from analysis.evaluated import Damaged
from search_spaces.study import Study


@pytest.fixture(scope="module")
def trials(made_up: Path) -> pa.Table:
    return records.trials(made_up)


def test_a_written_confirmation_is_read_again(
    tmp_path: Path, trials: pa.Table, study_of: Callable[..., Study], confirmation_of: Callable[..., Confirmation]
) -> None:
    study = study_of()
    made = confirmation_of(trials, study)
    assert read(tmp_path, study) is None
    write(tmp_path, study, made)
    found = read(tmp_path, study)
    assert found is not None
    assert found.points.equals(made.points)
    assert found.hypervolume.equals(made.hypervolume)
    assert found.front == made.front
    assert read(tmp_path, study_of(trials=23)) is None


def test_damage_is_told_with_the_command_that_mends_it(
    tmp_path: Path, trials: pa.Table, study_of: Callable[..., Study], confirmation_of: Callable[..., Confirmation]
) -> None:
    study = study_of()
    write(tmp_path, study, confirmation_of(trials, study))
    path = tmp_path / FOLDER / SCORES_FILE
    kept = pq.read_table(path)
    pq.write_table(kept.drop_columns(["mean"]), path)
    with pytest.raises(Damaged, match=r"has no column mean.*robustune confirm"):
        read(tmp_path, study)
    path.write_bytes(b"PAR1")
    with pytest.raises(Damaged, match=r"no whole Parquet file.*robustune confirm"):
        read(tmp_path, study)
    path.unlink()
    with pytest.raises(Damaged, match=r"is missing beside the others.*robustune confirm"):
        read(tmp_path, study)
