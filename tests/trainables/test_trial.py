import json
from pathlib import Path
from typing import Any

import pytest

from trainables.closed_form import ClosedFormTrainer
from trainables.errors import TrainableError
from trainables.trial import Trial, TrialPlan, checked_metrics

ASKED = ("accuracy", "robustness")


def plan(folder: Path, **changes: Any) -> TrialPlan:
    values = {
        "number": 4,
        "seed": 11,
        "trainer": "closed-form",
        "options": {"angle": 0.25, "noise": 0.01},
        "metrics": ASKED,
        "sets": {},
        "store": str(folder / "store"),
        "checkpoints": str(folder / "checkpoints"),
        "epochs": 4,
        "rungs": (1, 3, 4),
        "threads": 1,
    }
    return TrialPlan(**{**values, **changes})


def reports(trial: Trial, steps: int) -> list[dict[str, Any]]:
    found = [json.loads(trial.step()["report"]) for _ in range(steps)]
    for report in found:
        for measured in ("train_seconds", "score_seconds"):
            report.pop(measured, None)
    return found


def test_a_plan_survives_the_way_to_the_actor(tmp_path: Path) -> None:
    made = plan(tmp_path, resume_epoch=3, options={"fooling_rates": [5, 20]})
    assert TrialPlan.from_config(made.to_config()) == made


def test_a_score_is_measured_from_its_epoch_on(tmp_path: Path) -> None:
    late = ASKED[-1]
    made = plan(tmp_path, from_epochs={late: 3})
    assert TrialPlan.from_config(made.to_config()) == made
    found = reports(Trial(made.to_config()), 4)
    whole = reports(Trial(plan(tmp_path / "whole").to_config()), 4)
    for epoch, (one, other) in enumerate(zip(found, whole, strict=True), start=1):
        expected = {metric: value for metric, value in other["metrics"].items() if metric != late or epoch >= 3}
        assert one["metrics"] == expected


def test_checkpoints_are_kept_at_rungs_alone(tmp_path: Path) -> None:
    found = reports(Trial(plan(tmp_path).to_config()), 4)
    assert [report["epoch"] for report in found] == [1, 2, 3, 4]
    assert [report["checkpoint"] is not None for report in found] == [True, False, True, True]


def test_a_trial_that_starts_again_goes_on_from_its_newest_checkpoint(tmp_path: Path) -> None:
    whole = reports(Trial(plan(tmp_path / "whole").to_config()), 4)
    reports(Trial(plan(tmp_path).to_config()), 3)
    again = reports(Trial(plan(tmp_path).to_config()), 2)
    assert [report["epoch"] for report in again] == [3, 4]  # the epoch of the checkpoint is reported again
    assert [report["metrics"] for report in again] == [report["metrics"] for report in whole[2:]]


def test_a_resumed_trial_takes_no_checkpoint_that_its_ledger_lacks(tmp_path: Path) -> None:
    reports(Trial(plan(tmp_path).to_config()), 3)
    assert [r["epoch"] for r in reports(Trial(plan(tmp_path, resume_epoch=1).to_config()), 2)] == [1, 2]
    assert [r["epoch"] for r in reports(Trial(plan(tmp_path, resume_epoch=0).to_config()), 1)] == [1]


def test_divergence_is_reported_as_a_value(tmp_path: Path) -> None:
    options = {"loss": 0.9, "diverges_above": 0.5}
    (report,) = reports(Trial(plan(tmp_path, options=options).to_config()), 1)
    assert report == {"failure": {"code": "NONFINITE", "message": "epoch 1: the loss is nan"}}


HOSTILE = "one\n\x1b[31mtwo\u202e\udcff" + "x" * 10_000


class Faulty(ClosedFormTrainer):
    def train_epoch(self) -> None:
        raise ZeroDivisionError(HOSTILE)


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainables.trial.load_trainer", lambda name: Faulty)


@pytest.mark.usefixtures("faulty")
def test_a_fault_of_the_trainer_keeps_its_traceback_beside_the_checkpoints(tmp_path: Path) -> None:
    (report,) = reports(Trial(plan(tmp_path).to_config()), 1)
    assert report["failure"]["code"] == "TRIAL_ERROR"
    said = report["failure"]["message"]
    assert said.startswith("ZeroDivisionError: one")
    assert said.isprintable()
    assert len(said) < 1000
    assert "Traceback" in (tmp_path / "checkpoints" / "00004" / "error.txt").read_text()


@pytest.mark.usefixtures("faulty")
def test_a_fault_is_told_also_where_its_traceback_cannot_be_kept(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("a file where the folder should be")
    (report,) = reports(Trial(plan(tmp_path).to_config()), 1)
    assert report["failure"]["code"] in ("CKPT_UNREADABLE", "TRIAL_ERROR")


def test_checkpoints_that_cannot_be_kept_have_a_code_of_their_own(tmp_path: Path) -> None:
    trial = Trial(plan(tmp_path, rungs=(2, 4)).to_config())
    reports(trial, 1)
    (tmp_path / "checkpoints").write_text("a file where the folder should be")
    (report,) = reports(trial, 1)
    assert report["failure"]["code"] == "CKPT_UNWRITABLE"
    assert "checkpoints" in report["failure"]["message"]


def test_a_checkpoint_that_tells_another_epoch_than_it_holds_is_never_taken_up(tmp_path: Path) -> None:
    reports(Trial(plan(tmp_path).to_config()), 3)
    folder = tmp_path / "checkpoints" / "00004"
    told = json.loads((folder / "epoch-00003.json").read_text())
    (folder / "epoch-00002.json").write_text(json.dumps(told))
    (folder / "epoch-00003.json").unlink()
    (folder / "epoch-00003.safetensors").rename(folder / "epoch-00002.safetensors")
    assert [report["epoch"] for report in reports(Trial(plan(tmp_path).to_config()), 2)] == [1, 2]


def test_options_that_break_a_law_end_the_trial_by_name(tmp_path: Path) -> None:
    (report,) = reports(Trial(plan(tmp_path, options={"no_such_option": 1}).to_config()), 1)
    assert report["failure"]["code"] == "OPTION_INVALID"
    assert "no_such_option" in report["failure"]["message"]


def test_a_uri_with_parameters_keeps_them_behind_the_path(tmp_path: Path) -> None:
    uri = f"{(tmp_path / 'shared').as_uri()}?use_mmap=false"
    found = reports(Trial(plan(tmp_path, checkpoints=uri).to_config()), 1)
    assert found[0]["checkpoint"]["path"].endswith("/shared/00004/epoch-00001.safetensors?use_mmap=false")
    assert (tmp_path / "shared" / "00004" / "epoch-00001.safetensors").is_file()
    assert [report["epoch"] for report in reports(Trial(plan(tmp_path, checkpoints=uri).to_config()), 2)] == [1, 2]


@pytest.mark.parametrize(
    ("scores", "code", "said"),
    [
        ({"accuracy": 0.5}, "METRIC_MISSING", "received ['accuracy']"),
        ({"accuracy": 0.5, "robustnes": 0.5}, "METRIC_MISSING", "robustnes"),
        ({"accuracy": 0.5, "robustness": "0.5"}, "METRIC_INVALID", "is a str"),
        ({"accuracy": 0.5, "robustness": True}, "METRIC_INVALID", "is a bool"),
        ({"accuracy": 0.5, "robustness": float("nan")}, "NONFINITE", "is nan"),
        ({"accuracy": float("inf"), "robustness": 0.5}, "NONFINITE", "is inf"),
    ],
)
def test_scores_that_are_not_what_was_asked_for_fail_by_name(scores: dict[str, Any], code: str, said: str) -> None:
    with pytest.raises(TrainableError) as raised:
        checked_metrics(scores, ASKED, epoch=2)
    assert raised.value.code == code
    assert said in str(raised.value)
    assert "epoch 2" in str(raised.value)


def test_scores_come_in_the_order_asked_for() -> None:
    assert list(checked_metrics({"robustness": 1, "accuracy": 0}, ASKED, 1).items()) == [
        ("accuracy", 0.0),
        ("robustness", 1.0),
    ]
