"""`robustune report` writes a study's page whatever became of its front, its folder and its runs in MLflow."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from robustune.cli import app
from robustune.errors import Mistake
from robustune.ledger import Ledger
from robustune.reporting import report
from robustune.settings import Settings
from search_spaces import read_study
from trainables.registry import vocabularies

CONFIG = {"angle": 0.5, "loss": 0.1}


@pytest.fixture
def stopped(curves: Callable[..., Path], tmp_path: Path) -> Path:
    """A study of one trial that early stopping ended, with a checkpoint in a storage, and one that failed."""
    folder = tmp_path / "results" / "curves"
    with Ledger.create(folder, read_study(curves(), vocabularies()), {}) as ledger:
        for number in range(2):
            ledger.ask(number, CONFIG, 1, {})
        kept = {"path": "s3://bucket/../1.safetensors", "sha256": "0" * 64, "bytes": 12}
        ledger.report(0, 1, {"accuracy": 0.9, "robustness": 0.9}, 1.0, 0.1, kept, end="stopped")
        ledger.fail(1, "NONFINITE", "epoch 1: the loss is nan")
    return folder


def test_a_study_without_a_front_has_a_report_elsewhere(stopped: Path, tmp_path: Path) -> None:
    out = tmp_path / "else" / "where"
    done = CliRunner().invoke(app, ["report", "curves", "--results", str(stopped.parent), "--out", str(out)])
    assert done.exit_code == 0
    assert f"report.html: {out / 'report.html'}" in done.output
    text = (out / "report.html").read_text()
    assert "No trial has finished its 4 epochs: there is no front" in text
    assert "the loss is nan" in text
    assert '<code title="s3://bucket/../1.safetensors">' in text
    assert not (stopped / "report.html").exists()


def test_a_checkpoint_is_linked_from_the_studys_own_folder_alone(stopped: Path, tmp_path: Path) -> None:
    with Ledger.open(stopped) as ledger:
        ledger.ask(2, CONFIG, 1, {})
        kept = {"path": str(stopped / "checkpoints" / "2.safetensors"), "sha256": "0" * 64, "bytes": 12}
        ledger.report(2, 1, {"accuracy": 0.9, "robustness": 0.9}, 1.0, 0.1, kept, end="stopped")
    settings = Settings(str(stopped.parent))
    assert 'href="checkpoints/2.safetensors"' in report("curves", settings)["report.html"].read_text()
    away = report("curves", settings, tmp_path / "away")["report.html"].read_text()
    assert 'href="checkpoints' not in away
    assert f">{stopped / 'checkpoints' / '2.safetensors'}</code>" in away


@pytest.mark.parametrize("wrong", ["missing", "a file in its place"])
def test_what_cannot_be_written_or_found_is_one_line(stopped: Path, tmp_path: Path, wrong: str) -> None:
    settings = Settings(str(stopped.parent))
    if wrong == "missing":
        with pytest.raises(Mistake, match=r"STUDY_MISSING: .*no study .other. .begun there: curves"):
            report("other", settings)
        with pytest.raises(Mistake, match=r"STUDY_MISSING: .*is there, but it is no folder of a study"):
            report(str(tmp_path), settings)
        return
    (tmp_path / "out").write_text("")
    with pytest.raises(Mistake, match=r"RESULTS_UNWRITABLE: .*give another folder by --out"):
        report("curves", settings, tmp_path / "out")


def test_a_damaged_table_is_told_with_the_command_that_makes_it_again(stopped: Path) -> None:
    (stopped / "confirmation").mkdir()
    (stopped / "confirmation" / "points.parquet").write_bytes(b"torn")
    with pytest.raises(Mistake) as raised:
        report("curves", Settings(str(stopped.parent)))
    assert raised.value.code == "RESULTS_UNWRITABLE"
    assert "`robustune confirm`" in raised.value.message
    assert "make room" not in raised.value.message
