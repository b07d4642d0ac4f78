"""Only whole trials of a finished search are evaluated; whatever stands against it is told in one line."""

import io
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from robustune.classification_evaluation import notes, table
from robustune.errors import Mistake
from robustune.evaluation import REPORTS, evaluate
from robustune.ledger import Ledger
from robustune.screen import Screen
from robustune.settings import Settings
from search_spaces import read_study, shipped
from trainables.errors import TrainableError
from trainables.registry import load_evaluation, trainer_names, vocabularies

Run = Callable[..., "subprocess.CompletedProcess[str]"]

TOLD = {
    "accuracy": dict.fromkeys(
        ("original", "perturbed_training", "perturbed_validation", "hold_out", "out_of_distribution", "test"), 0.54321
    ),
    "images": {
        "original": 10_000,
        "perturbed_training": 1_000,
        "perturbed_validation": 999,
        "hold_out": 998,
        "out_of_distribution": 500,
        "test": 10_001,
    },
    "attacks": {
        "perturbed_training": "fooling-20",
        "perturbed_validation": "fooling-20",
        "hold_out": "fooling-20",
        "out_of_distribution": "pixel",
    },
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Results in a folder of the test's own."""
    return Settings(str(tmp_path / "results"))


def begin(settings: Settings, ends: Sequence[str]) -> None:
    """Writes the ledger of the study `smoke`, of three trials and two epochs, whose trials ended so."""
    study = read_study(shipped()["smoke"], vocabularies())
    scores = dict.fromkeys(study.metrics, 0.5)
    with Ledger.create(settings.results_folder / "smoke", study, {}) as ledger:
        for number, end in enumerate(ends):
            ledger.ask(number, {"learning_rate": 1e-3, "noise_scale": 0.0}, 1, {})
            if end == "failed":
                ledger.fail(number, "NONFINITE", "the loss is nan")
            elif end != "running":
                ledger.report(number, 1, scores, 1.0, 0.1, end="stopped" if end == "stopped" else None)
            if end == "complete":
                ledger.report(number, 2, scores, 1.0, 0.1, end="complete")


def refused(settings: Settings, code: str, *told: str, study: str = "smoke", trials: Any = ()) -> None:
    with pytest.raises(Mistake) as raised:
        evaluate(study, trials, settings, Screen(False))
    assert raised.value.code == code
    assert "\n" not in raised.value.message
    for part in told:
        assert part in raised.value.message, raised.value.message


def test_a_search_that_has_not_ended_is_refused(settings: Settings) -> None:
    refused(settings, "STUDY_MISSING", "no study 'smoke'", "robustune search")
    begin(settings, ["complete", "running"])
    refused(settings, "STUDY_UNFINISHED", "2 of its trials", "`robustune resume smoke`")


def test_trials_that_did_not_complete_are_named_with_those_that_did(settings: Settings) -> None:
    begin(settings, ["failed", "stopped", "complete"])
    refused(
        settings,
        "OPTION_INVALID",
        "--trial 0: it failed after 0 of 2 epochs; --trial 1: it was stopped after 1 of 2 epochs; "
        "--trial 9: there is none of that number; trials with their full epochs: 2",
        trials=(0, 1, 9, 9),
    )


def test_an_empty_front_is_told(settings: Settings) -> None:
    begin(settings, ["failed", "stopped", "failed"])
    refused(settings, "NO_FRONT", "no trial of it spent its full epochs")


def test_all_trials_are_those_that_spent_their_full_epochs(settings: Settings) -> None:
    begin(settings, ["failed", "stopped", "complete"])
    refused(settings, "CKPT_MISSING", "trial 2 left no checkpoint of its last epoch", trials="all")


def test_all_trials_of_a_study_without_a_whole_one_are_none(settings: Settings) -> None:
    begin(settings, ["failed", "stopped", "failed"])
    refused(settings, "NO_FRONT", "no trial of it spent its full epochs", trials="all")


def test_all_trials_and_some_of_them_are_not_asked_for_together(robustune: Run, tmp_path: Path) -> None:
    ended = robustune("evaluate", "smoke", "--all", "--trial", "3", "--results", str(tmp_path))
    assert ended.returncode == 2
    assert "OPTION_INVALID: --all" in ended.stderr


def test_a_trial_without_a_checkpoint_of_its_last_epoch_is_told(settings: Settings) -> None:
    begin(settings, ["complete"] * 3)
    refused(settings, "CKPT_MISSING", "trial 1 left no checkpoint of its last epoch", trials=[1])


def test_a_trainer_without_an_evaluation_is_told(settings: Settings, curves: Callable[..., Path]) -> None:
    study = read_study(curves(trials=1, epochs=1, early_stopping="none"), vocabularies())
    with Ledger.create(settings.results_folder / "curves", study, {}) as ledger:
        ledger.ask(0, {"angle": 0.5, "loss": 0.1}, 1, {})
        ledger.report(0, 1, {"accuracy": 0.5, "robustness": 0.5}, 1.0, 0.1, end="complete")
    refused(settings, "OPTION_INVALID", "the closed-form trainer has no evaluation", study="curves")


def test_the_table_has_every_score_under_its_count_and_fits_eighty_columns() -> None:
    console = Console(file=io.StringIO(), width=80)
    console.print(table({0: TOLD, 12345: TOLD}))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert lines[0].split() == ["perturbed", "perturbed", "out", "of", "clean"]
    assert lines[1].split() == ["original", "training", "validation", "hold-out", "distribution", "test"]
    assert lines[2].split() == ["trial", "10,000", "1,000", "999", "998", "500", "10,001"]
    assert [line.split() for line in lines[4:]] == [["0", *["0.5432"] * 6], ["12345", *["0.5432"] * 6]]
    assert max(map(len, lines)) <= 80


def test_the_notes_tell_the_attacks_and_who_picked_the_trials() -> None:
    attacks, picked = notes({0: TOLD})
    assert "fooling-20 (perturbed training, perturbed validation, hold-out); pixel (out of distribution)" in attacks
    assert "validation scores" in picked
    assert "confirmation" in picked


def test_every_trainer_that_has_an_evaluation_has_a_report_of_it() -> None:
    def able(name: str) -> bool:
        try:
            return bool(load_evaluation(name))
        except TrainableError:
            return False

    assert set(REPORTS) == {name for name in trainer_names() if able(name)}


def test_a_trainer_without_a_curve_over_noise_refuses_its_scales() -> None:
    with pytest.raises(TrainableError, match="classification trainer makes no curve") as caught:
        load_evaluation("classification")("evaluation/00000", {}, "x", "", (), (0.1,))
    assert caught.value.code == "OPTION_INVALID"
