"""A trial that is trained again gives the bits that were recorded, or the first thing that differs is told."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from analysis import records
from robustune.cli import app
from robustune.errors import Mistake
from robustune.ledger import Ledger
from robustune.reproducing import Reproduction, reproduce
from robustune.screen import Screen
from robustune.settings import Settings

QUIET = Screen(progress=False)


def again(settings: Settings, number: int = 0, **asked: Any) -> Reproduction:
    return reproduce("demo", number, settings, QUIET, **asked)


@pytest.mark.parametrize("trainer", ["classification", pytest.param("segmentation", marks=pytest.mark.slow)])
def test_weights_and_scores_come_out_bit_for_bit(settings: Settings, search: Callable[..., Any], trainer: str) -> None:
    folder = search(settings, trainer, epochs=2).folder
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found = again(settings, 1)
    assert (found.epochs, found.scores, found.weights) == (2, 4, 2)
    assert (found.differences, found.changes, found.notes) == ([], [], [])
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_another_seed_gives_other_scores_and_weights(settings: Settings, search: Callable[..., Any]) -> None:
    search(settings, shift=7)
    found = again(settings)
    weights = found.differences[-1]
    assert weights.startswith("weights of epoch 1: ")
    assert "tensors, first net." in weights
    told = CliRunner().invoke(app, ["reproduce", "demo", "--trial", "0", "--results", settings.results])
    assert isinstance(told.exception, Mistake)
    assert (told.exception.code, told.exception.exit_code) == ("NOT_REPRODUCED", 7)
    assert "nothing that was recorded is other than then" in told.exception.message


def test_the_first_epoch_and_metric_that_differ_are_told(settings: Settings, search: Callable[..., Any]) -> None:
    search(settings, "closed-form", epochs=3, scores=[{"accuracy": 0.5, "robustness": 0.25}] * 2)
    first, *others = again(settings).differences
    assert first.startswith("epoch 1: accuracy 0.5 became 0.7")
    assert ", robustness 0.25 became 0.2" in first
    assert [line.partition(":")[0] for line in others] == ["epoch 2", "epoch 3"]


def test_a_trial_that_was_stopped_is_trained_as_far_as_it_came(settings: Settings, search: Callable[..., Any]) -> None:
    search(settings, "closed-form", epochs=3, ends=("complete", "stopped"))
    assert (again(settings, 1).epochs, again(settings, 1).differences) == (1, [])
    ended = CliRunner().invoke(app, ["reproduce", "demo", "--trial", "0", "--results", settings.results])
    assert ended.exit_code == 0
    *epochs, last = ended.output.splitlines()
    assert epochs == [f"epoch {epoch} of 3: as recorded" for epoch in (1, 2, 3)]
    assert last == "trial 0: reproduced bit for bit: 6 scores of 3 epochs, and the weights of epoch 3"


def test_a_failure_is_reproduced_too(settings: Settings, search: Callable[..., Any]) -> None:
    made = search(settings, "closed-form", options={"diverges_above": 0.5}, ends=("running",))
    with Ledger.open(made.folder) as ledger:
        for number, (loss, reason) in enumerate(((0.9, "epoch 1: the loss is nan"), (0.1, "the loss is nan")), start=1):
            ledger.ask(number, {"angle": 0.2, "loss": loss}, number, {})
            ledger.fail(number, "NONFINITE", reason)
    assert (again(settings, 1).epochs, again(settings, 1).differences) == (1, [])
    assert again(settings, 2).differences == ["epoch 1: NONFINITE: the loss is nan became scores"]


def test_other_threads_are_told_and_those_of_then_are_the_default(
    settings: Settings, search: Callable[..., Any]
) -> None:
    folder = search(settings, "closed-form", threads=3).folder
    assert again(settings).changes == []
    assert again(settings, threads=2).changes == ["threads (3 became 2)"]
    beside = Path(records.checkpoints(folder)[0][1]).with_suffix(".json")
    kept = json.loads(beside.read_text())
    beside.write_text(json.dumps({**kept, "conditions": {**kept["conditions"], "processor": "another"}}))
    (change,) = again(settings).changes
    assert change.startswith("processor (another became ")
    kept.pop("conditions")
    beside.write_text(json.dumps(kept))
    found = again(settings)
    assert found.changes == []
    assert found.notes == [
        "threads, processor and device of the trial were not recorded; it was trained with 1 thread here (--threads)"
    ]


def test_versions_are_those_of_the_driver_that_trained_the_trial(
    settings: Settings, search: Callable[..., Any]
) -> None:
    folder = search(settings, "closed-form", ends=("complete",)).folder
    with Ledger.open(folder, {"torch": "1.0"}) as ledger:
        ledger.ask(1, {"angle": 0.8, "loss": 0.9}, 1, {})
        ledger.fail(1, "NONFINITE", "the loss is nan")
    assert again(settings).changes == []
    found = again(settings, 1)
    assert any(change.startswith("torch (1.0 became ") for change in found.changes)
    assert any(note.startswith("the code of trainables was not recorded") for note in found.notes)


def test_of_a_trial_whose_worker_was_lost_the_epochs_before_are_compared(
    settings: Settings, search: Callable[..., Any]
) -> None:
    folder = search(settings, "closed-form", epochs=2, ends=("complete", "running", "running")).folder
    with Ledger.open(folder) as ledger:
        ledger.fail(1, "WORKER_LOST", "the trial's worker was lost more often than a trial is retried")
        ledger.ask(3, {"angle": 0.8}, 3, {})
        ledger.fail(3, "WORKER_LOST", "the trial's worker was lost more often than a trial is retried")
    found = again(settings, 1)
    assert (found.epochs, found.differences) == (2, [])
    assert found.notes[0].startswith("the trial ended as its worker was lost")
    with pytest.raises(Mistake, match="lost before an epoch ended; there is nothing to compare"):
        again(settings, 3)


def test_a_lost_checkpoint_leaves_its_digest_to_compare(settings: Settings, search: Callable[..., Any]) -> None:
    for name, shift, told in (("same", 0, []), ("other", 7, ["the checkpoint's SHA-256; the recorded file is gone"])):
        folder = search(settings, "closed-form", shift=shift, name=name).folder
        Path(records.checkpoints(folder)[0][1]).unlink()
        found = reproduce(name, 0, settings, QUIET).differences
        assert [line.partition(": ")[2] for line in found[1:]] == told


@pytest.mark.parametrize(
    ("number", "told"), [(7, "--trial 7: there is none of that number; there are 0 to 1"), (1, "it has not ended")]
)
def test_trials_that_cannot_be_reproduced_are_told(
    settings: Settings, search: Callable[..., Any], number: int, told: str
) -> None:
    search(settings, "closed-form", ends=("complete", "running"))
    with pytest.raises(Mistake, match=told) as raised:
        again(settings, number)
    assert raised.value.code == "OPTION_INVALID"


def test_a_set_that_is_gone_is_told_with_what_changed(settings: Settings, search: Callable[..., Any]) -> None:
    folder = search(settings).folder
    with Ledger.open(folder) as ledger:
        ledger.record_set("data", "ab" * 32, {})
    with pytest.raises(Mistake) as raised:
        again(settings)
    assert raised.value.code == "CACHE_MISSING"
    assert "the data 'embedded-digits' (abababababab became " in raised.value.message


def test_a_study_that_was_not_begun_is_told(settings: Settings) -> None:
    for arguments in (["reproduce", "demo", "--trial", "0"], ["choose", "demo", "--knee"]):
        ended = CliRunner().invoke(app, [*arguments, "--results", settings.results])
        assert isinstance(ended.exception, Mistake)
        assert ended.exception.code == "STUDY_MISSING"


@pytest.mark.ray
@pytest.mark.slow
def test_what_a_worker_of_a_search_trained_comes_out_of_the_command_bit_for_bit(
    robustune: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    searched = robustune("search", "smoke", "--trials", "1")
    assert searched.returncode == 0, searched.stderr
    found = reproduce("smoke", 0, Settings(str(tmp_path / "results")), QUIET)
    assert (found.differences, found.changes, found.notes) == ([], [], [])
    assert (found.epochs, found.scores, found.weights) == (2, 4, 2)
