import hashlib
import math
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch

from trainables.classification.outcomes_step import outcomes_steps
from trainables.classification.planner import evaluation_step
from trainables.errors import TrainableError
from trainables.outcomes import OUTCOMES
from trainables.preparation import run_step

SETS = {"perturbed_training", "perturbed_validation", "hold_out", "out_of_distribution"}


@pytest.fixture
def evaluate(prepared: Any, store_root: str, thin: dict[str, Any]) -> Any:
    """Scores a checkpoint as the trial that it is of."""

    def evaluate(path: Path, **changes: Any) -> Any:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        step = evaluation_step(
            "evaluation/00007", {**thin, "evaluation_rate": 0.5, **changes}, str(path), sha256, prepared.steps
        )
        assert step.here
        return run_step(step, store_root, prepared.digests, threads=1)[1]

    return evaluate


def test_the_baseline_knows_all_sources_and_no_perturbed_image(
    evaluate: Any, prepared: Any, store: Any, make_trainer: Any, tmp_path: Path
) -> None:
    trainer = make_trainer(prepared.digests, ("clean_accuracy",), start="baseline")
    trainer.save(tmp_path / "one")
    told = evaluate(tmp_path / "one", extra_sets=["gaussian"], fooling_rates=[0.5])
    assert set(told["accuracy"]) == set(told["images"]) == SETS | {"original", "test"}
    assert told["clean"] == dict.fromkeys(SETS, 1.0)
    assert {name: told["accuracy"][name] for name in SETS} == dict.fromkeys(SETS, 0.0)
    assert told["accuracy"]["original"] == pytest.approx(trainer.score()["clean_accuracy"], abs=1e-6)
    assert (told["images"]["original"], told["images"]["test"]) == (48, 32)
    for name in SETS:
        assert told["images"][name] == prepared.summaries[f"set/{name.replace('_', '-')}"]["images"]
    assert told["attacks"] == {**dict.fromkeys(SETS, "fooling-0.5"), "out_of_distribution": "pixel"}
    assert told["trained_on"] == ["augmentation/fooling-0.5", "augmentation/gaussian"]


def test_scores_of_a_search_and_of_an_evaluation_agree(
    evaluate: Any, prepared: Any, make_trainer: Any, tmp_path: Path
) -> None:
    metrics = ("clean_accuracy", "perturbed_training_accuracy", "perturbed_validation_accuracy")
    trainer = make_trainer(prepared.digests, metrics)
    trainer.train_epoch()
    trainer.save(tmp_path / "one")
    told = evaluate(tmp_path / "one")["accuracy"]
    names = ("original", "perturbed_training", "perturbed_validation")
    assert [told[name] for name in names] == pytest.approx(list(trainer.score().values()), abs=1e-6)


def test_a_checkpoint_of_another_network_or_another_content_is_refused(
    evaluate: Any, prepared: Any, make_trainer: Any, store_root: str, thin: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "one"
    make_trainer().save(path)
    with pytest.raises(TrainableError, match="shape") as caught:
        evaluate(path, width=4)
    assert caught.value.code == "CKPT_CORRUPT"
    step = evaluation_step("evaluation/00001", thin, str(path), "0" * 64, prepared.steps)
    with pytest.raises(TrainableError, match="as planned"):
        run_step(step, store_root, prepared.digests, threads=1)


def test_a_plan_without_held_out_sets_is_refused(planned: Any, thin: dict[str, Any]) -> None:
    with pytest.raises(TrainableError, match="lacks set/hold-out") as caught:
        evaluation_step("evaluation/00001", thin, "x", "", planned())
    assert caught.value.code == "SET_MISSING"


@pytest.fixture
def confirm(prepared: Any, store: Any, store_root: str, thin: dict[str, Any]) -> Any:
    """Scores a checkpoint image by image, as a net of a confirmation: scores by metric, and the rows of the table."""

    def confirm(path: Path) -> Any:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        metrics = ("clean_accuracy", "pgd_accuracy", "perturbed_validation_accuracy", "weight_noise_accuracy")
        options = {**thin, "evaluation_rate": 0.5}
        (step,) = outcomes_steps("outcomes/00007", options, str(path), sha256, prepared.steps, metrics, 11)
        digest, summary = run_step(step, store_root, prepared.digests, threads=1)
        return summary["scores"], pq.read_table(store.open(digest).path / OUTCOMES).to_pylist()

    return confirm


def test_a_confirmed_net_scores_on_every_set_what_its_evaluation_says(
    confirm: Any, evaluate: Any, prepared: Any, make_trainer: Any, tmp_path: Path
) -> None:
    trainer = make_trainer(prepared.digests, ("clean_accuracy",))
    trainer.train_epoch()
    trainer.save(tmp_path / "one")
    scores, rows = confirm(tmp_path / "one")
    told = evaluate(tmp_path / "one")["accuracy"]
    assert {name: scores[name] for name in told} == pytest.approx(told, abs=1e-6)
    assert scores["clean_accuracy"] == scores["test"]
    assert scores["pgd_accuracy"] == scores["pgd"] <= scores["test"]
    assert scores["perturbed_validation_accuracy"] == scores["hold_out"]
    by: dict[str, list[float]] = {}
    for row in rows:
        by.setdefault(row["metric"], []).append(row["value"])
    assert {name: sum(values) / len(values) for name, values in by.items()} == pytest.approx(scores, abs=1e-12)
    trainer.train_epoch()
    trainer.save(tmp_path / "other")
    _, others = confirm(tmp_path / "other")
    assert [(row["metric"], row["source"]) for row in others] == [(row["metric"], row["source"]) for row in rows]


def test_a_net_of_values_that_are_no_numbers_has_no_score_of_a_confirmation(
    confirm: Any, prepared: Any, make_trainer: Any, tmp_path: Path
) -> None:
    trainer = make_trainer(prepared.digests, ("clean_accuracy",))
    with torch.no_grad():
        for weights in trainer.net.parameters():
            weights.fill_(math.nan)
    trainer.save(tmp_path / "one")
    with pytest.raises(TrainableError, match="not finite") as caught:
        confirm(tmp_path / "one")
    assert caught.value.code == "NONFINITE"
