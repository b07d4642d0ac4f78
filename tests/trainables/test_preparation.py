import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from trainables.classification.baseline import baseline_net
from trainables.classification.facts import normalisation
from trainables.data.store import Store, read_images
from trainables.errors import TrainableError
from trainables.images import Normalisation
from trainables.preparation import Inputs, Step, plan, run_step, step_address

THIN = {"width": 8, "stem": "small"}
SMALL = {
    **THIN,
    "baseline_epochs": 12,
    "baseline_batch_size": 8,
    "baseline_learning_rate": 0.01,
    "fooling_images": 20,
    "evaluation_images": 6,
    "rate_reference_size": 16,
    "evaluation_rate": 2,
}
METRICS = ("clean_accuracy", "perturbed_training_accuracy", "perturbed_validation_accuracy")
POSSIBLE = {"fooling_rates": [1, 2], "start": ["scratch", "baseline"]}


def planned(options: Mapping[str, Any] = SMALL, possible: Any = POSSIBLE, metrics: Any = METRICS) -> tuple[Step, ...]:
    return plan("classification", "embedded-digits", options, possible, metrics, seed=0)


def names(steps: tuple[Step, ...]) -> set[str]:
    return {step.name for step in steps if step.kind != "fooling-shard"}


@pytest.fixture(scope="module")
def prepared(store_root: str, data: str) -> Mapping[str, str]:
    """Digests of everything in the plan, with the small data set in the place of the embedded one."""
    digests = {"data": data}
    for step in planned()[1:]:
        digests[step.name], summary = run_step(step, store_root, digests, threads=1)
        assert summary["seconds"] >= 0
    return digests


def test_a_plan_has_what_options_and_metrics_need_and_no_more() -> None:
    assert names(planned()) == {
        "data",
        "baseline",
        "fooling/train/1",
        "fooling/train/2",
        "fooling/perturbed-training",
        "fooling/perturbed-validation",
    }
    assert names(planned(possible={}, metrics=("clean_accuracy",))) == {"data"}
    assert names(planned({**SMALL, "start": "baseline"}, {}, ())) == {"data", "baseline"}
    assert names(planned({**SMALL, "fooling_rates": [0.5]}, {}, ())) == {"data", "baseline", "fooling/train/0.5"}


def test_steps_come_after_what_they_read_and_are_plain_data() -> None:
    seen: set[str] = set()
    for step in planned():
        assert set(step.after) <= seen
        assert json.loads(json.dumps(dict(step.arguments))) == step.arguments
        seen.add(step.name)
    assert planned()[0].name == "data"
    assert {"fooling/train/2/0", "fooling/train/2/1"} <= seen


def test_what_cannot_go_together_is_said_in_the_plan() -> None:
    for options, possible, word in (
        (SMALL, {"start": ["baseline"], "width": [4, 16]}, "architecture"),
        (SMALL, {"start": ["scratch", "pretrained"]}, "pretrained"),
        ({"fooling_images": 0}, {}, "fooling_images"),
    ):
        with pytest.raises(TrainableError, match=word) as caught:
            planned(options, possible)
        assert caught.value.code == "OPTION_INVALID"


def test_rates_may_be_searched_as_whole_lists() -> None:
    assert planned(SMALL, {"fooling_rates": [[], [5], [5, 20]]}) == planned(SMALL, {"fooling_rates": [5, 20]})


def test_files_are_named_by_absolute_paths_since_builders_run_elsewhere() -> None:
    for options in (
        {"start": "checkpoint", "checkpoint_path": "here"},
        {"start": "pretrained", "pretrained_path": "here"},
    ):
        (step,) = (step for step in planned(options, {}, ()) if step.kind == "start")
        assert step.arguments["path"] == str(Path.cwd() / "here")


def test_addresses_depend_on_arguments_and_inputs_alone() -> None:
    step = planned()[1]
    address = step_address(step, {"data": "a"})
    assert address == step_address(step, {"data": "a", "other": "b"})
    assert address != step_address(step, {"data": "b"})
    other = plan("classification", "embedded-digits", {**SMALL, "fooling_images": 21}, POSSIBLE, METRICS, seed=0)
    assert step_address(other[1], {"data": "a"}) == address
    assert step_address(other[2], {"data": "a", "baseline": "b"}) != step_address(
        planned()[2], {"data": "a", "baseline": "b"}
    )


def test_a_step_is_built_once(store: Store, store_root: str, prepared: Mapping[str, str]) -> None:
    step = planned()[1]
    before = (store.open(prepared["baseline"]).path / "weights.safetensors").stat().st_mtime_ns
    digest, _ = run_step(step, store_root, prepared, threads=1)
    assert digest == prepared["baseline"]
    assert (store.open(digest).path / "weights.safetensors").stat().st_mtime_ns == before


def test_a_damaged_result_is_built_anew(store: Store, store_root: str, prepared: Mapping[str, str]) -> None:
    step = next(step for step in planned() if step.kind == "fooling-set")
    images = store.open(prepared[step.name]).path / "images.arrow"
    content = images.read_bytes()
    images.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert run_step(step, store_root, prepared, threads=1)[0] == prepared[step.name]
    assert images.read_bytes() == content


def test_every_kept_image_fools_the_baseline_and_keeps_its_true_class(
    store: Store, prepared: Mapping[str, str]
) -> None:
    inputs = Inputs(store, prepared)
    net = baseline_net(planned()[2].arguments, inputs)
    clean = {split: read_images(inputs.folder("data") / f"{split}.arrow") for split in ("train", "validation")}
    norm: Normalisation = normalisation(inputs.folder("data"))
    for name in names(planned()) - {"data", "baseline"}:
        made = read_images(inputs.folder(name) / "images.arrow")
        source = clean["validation" if "validation" in name else "train"]
        rows = torch.tensor(made.columns["row"].to_pylist())
        with torch.no_grad():
            predicted = net(norm.of(made.images)).argmax(1)
            before = net(norm.of(source.images[rows])).argmax(1)
        assert torch.equal(predicted, torch.tensor(made.columns["target"].to_pylist())), name
        assert torch.equal(before, made.labels), name
        assert torch.equal(source.labels[rows], made.labels)
        assert [source.lineage[row] for row in rows.tolist()] == list(made.lineage)


def test_perturbed_training_shares_no_lineage_with_augmentation(store: Store, prepared: Mapping[str, str]) -> None:
    inputs = Inputs(store, prepared)
    lineage = {
        name: set(read_images(inputs.folder(name) / "images.arrow").lineage)
        for name in ("fooling/train/1", "fooling/train/2", "fooling/perturbed-training")
    }
    assert not lineage["fooling/perturbed-training"] & (lineage["fooling/train/1"] | lineage["fooling/train/2"])


def test_a_trial_trains_on_the_sets_and_starts_from_the_baseline(
    make_trainer: Any, prepared: Mapping[str, str]
) -> None:
    trainer = make_trainer(prepared, METRICS, start="baseline", fooling_rates=[1, 2], fooling_share=0.5)
    scores = trainer.score()
    # An image that fools the baseline is misclassified by a trial that still is the baseline.
    assert scores["perturbed_validation_accuracy"] == scores["perturbed_training_accuracy"] == 0.0
    assert scores["clean_accuracy"] > 0.3
    trainer.train_epoch()
    assert tuple(trainer.score()) == METRICS


def test_how_many_shards_changes_no_image(store: Store, store_root: str, prepared: Mapping[str, str]) -> None:
    steps = planned({**SMALL, "fooling_shards": 1}, {"fooling_rates": [2]}, ())
    digests = {"data": prepared["data"], "baseline": prepared["baseline"]}
    for step in steps[2:]:
        digests[step.name], _ = run_step(step, store_root, digests, threads=1)
    one, two = (
        read_images(store.open(found["fooling/train/2"]).path / "images.arrow") for found in (digests, prepared)
    )
    assert one.columns["row"].equals(two.columns["row"])
    assert (one.images.int() - two.images.int()).abs().max() <= 1


@pytest.mark.slow
def test_embedded_digits_are_prepared_from_one_plan(tmp_path: Path) -> None:
    digests: dict[str, str] = {}
    summaries = {}
    options = {"width": 16, "stem": "small", "fooling_images": 60, "evaluation_images": 40}
    for step in plan("classification", "embedded-digits", options, {"fooling_rates": [5, 20, 100]}, METRICS, seed=0):
        digests[step.name], summaries[step.name] = run_step(step, str(tmp_path), digests, threads=1)
    assert summaries["baseline"]["validation_accuracy"] > 0.8
    for rate in (5, 20, 100):
        assert summaries[f"fooling/train/{rate}"]["fooled"] > 0.9


def test_a_start_from_files_is_prepared_before_the_baseline_and_the_trials(tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    file.write_bytes(b"one")
    options = {**SMALL, "baseline_start": "checkpoint", "checkpoint_path": str(file)}
    first = planned(options)
    assert [step.name for step in first[:3]] == ["data", "checkpoint", "baseline"]
    assert first[2].after == ("data", "checkpoint")
    file.write_bytes(b"two")
    assert step_address(first[1], {"data": "a"}) != step_address(planned(options)[1], {"data": "a"})
