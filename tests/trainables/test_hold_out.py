"""A search cannot reach a held-out set: each way into a trial is walked here."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from trainables import corrupted_sets
from trainables.classification import set_steps
from trainables.classification import trainer as trainer_module
from trainables.classification.corruption_steps import TEST_ERRORS
from trainables.classification.options import read, training_sets
from trainables.classification.perturbed_set_options import ATTACKS, EXTRA_SETS
from trainables.classification.scores import needed_sets
from trainables.classification.vocabulary import METRICS
from trainables.data.store import Store, read_images
from trainables.errors import TrainableError
from trainables.preparation import plan
from trainables.registry import trainer_names, vocabulary

HELD_OUT = ("hold-out", "out-of-distribution")
WORDS = ("hold_out", "holdout", "hold-out", "out_of_distribution", "out-of-distribution", "test_accuracy")
TEST = ("/test", " test ")
EVERY_START = {"start": ["scratch", "baseline", "pretext", "pretrained", "checkpoint"]}
EVERY_SET = {"fooling_rates": [5, 20], "extra_sets": list(EXTRA_SETS)}


def told(step: Any) -> str:
    return f"{step.name} {step.kind} {step.arguments.get('split')} {step.arguments.get('purpose')} {step.after}"


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_plan_of_a_search_has_a_held_out_step(planned: Any, attack: str) -> None:
    other = next(name for name in ATTACKS if name != attack)
    options = {
        **{"width": 64, "stem": "imagenet", "checkpoint_path": "weights", "baseline_weights": "weights"},
        **{"evaluation_attack": attack, "out_of_distribution_attack": other, "training_images": 50},
    }
    for chosen, possible in itertools.product(({}, {**options}), ({}, EVERY_SET, {**EVERY_SET, **EVERY_START})):
        given = {**options, **chosen}
        steps = planned(given, possible, tuple(METRICS))
        assert not [step.name for step in steps if any(word in told(step) for word in (*WORDS, *TEST))]
        held_out = {step.name for step in planned(given, possible, tuple(METRICS), hold_out=True)}
        assert {f"set/{name}" for name in HELD_OUT} | {TEST_ERRORS, "corrupted/test/fog"} <= held_out


def test_no_metric_of_any_trainer_has_such_a_name() -> None:
    for trainer in trainer_names():
        for metric in vocabulary(trainer)["metrics"]:
            assert not any(word in metric for word in (*WORDS, "test"))


@pytest.mark.parametrize("metric", ["hold_out_accuracy", "out_of_distribution_accuracy", "test_accuracy", "hold-out"])
def test_such_a_metric_is_refused_by_plan_and_trainer(planned: Any, make_trainer: Any, metric: str) -> None:
    for ask in (lambda: planned(metrics=(metric,)), lambda: make_trainer(metrics=(metric,))):
        with pytest.raises(TrainableError, match=metric) as caught:
            ask()
        assert caught.value.code == "METRIC_UNKNOWN"


@pytest.mark.parametrize("name", HELD_OUT)
def test_no_option_names_such_a_set(name: str) -> None:
    for option in ("extra_sets", "fooling_rates"):
        with pytest.raises(TrainableError) as caught:
            read({option: [name]})
        assert caught.value.code == "OPTION_INVALID"
    every = read(EVERY_SET)
    assert not set(HELD_OUT) & set(training_sets(every))
    assert not {f"set/{name}"} & set(needed_sets(tuple(METRICS)))


def test_a_trial_opens_no_such_set_though_its_mapping_names_one(
    store: Store, prepared: Any, sets: dict[str, str], make_trainer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    open_entry = Store.open
    monkeypatch.setattr(Store, "open", lambda self, digest: opened.append(digest) or open_entry(self, digest))
    chosen = {"fooling_rates": [0.5, 1], "extra_sets": ["gaussian", "pixel"], "start": "baseline", "extra_share": 1.0}
    trainer = make_trainer({**sets, **prepared.digests}, tuple(METRICS), **chosen)
    trainer.train_epoch()
    assert set(trainer.score()) == set(METRICS)
    held_out = {digest for name, digest in prepared.digests.items() if any(word in name for word in WORDS)}
    assert len(held_out) >= 2
    assert prepared.digests["set/augmentation/pixel"] in opened
    assert not held_out & set(opened)


def test_a_trial_reads_no_file_of_the_splits_that_are_held_out(
    prepared: Any, sets: dict[str, str], make_trainer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_files: list[Path] = []
    for module in (trainer_module, corrupted_sets):
        monkeypatch.setattr(module, "read_images", lambda path: read_files.append(path) or read_images(path))
    make_trainer({**sets, **prepared.digests}, tuple(METRICS)).score()
    assert {path.name for path in read_files} == {"train.arrow", "validation.arrow", "images.arrow"}


def test_a_baseline_knows_nothing_of_them(prepared: Any) -> None:
    told = prepared.summaries["baseline"]
    assert {name for name in told if name.endswith("accuracy")} == {"train_accuracy", "validation_accuracy"}


def test_the_four_sets_are_scored_on_in_an_evaluation_alone() -> None:
    assert set(set_steps.EVALUATION_SETS) == {"perturbed-training", "perturbed-validation", *HELD_OUT}
    assert plan("closed-form", "none", {}, {}, (), 0, hold_out=True) == ()
