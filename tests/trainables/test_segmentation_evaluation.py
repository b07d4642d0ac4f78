"""What the evaluation of a segmentation trial tells, on real digits at 16 x 16 with masks."""

import hashlib
import itertools
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from torch import Tensor

from trainables.data.masked_images import IGNORED, MaskedSet, read_masked
from trainables.data.store import Store, address
from trainables.errors import TrainableError
from trainables.outcomes import OUTCOMES
from trainables.preparation import plan, run_step
from trainables.registry import load_evaluation, load_outcomes
from trainables.segmentation import trainer as trainer_module
from trainables.segmentation.confusion import confusion, mean_iou
from trainables.segmentation.evaluation_step import CLASS_IOU, EXAMPLES, NOISE_CURVE, SCALES
from trainables.segmentation.examples import richest
from trainables.segmentation.trainer import SegmentationTrainer
from trainables.segmentation.vocabulary import METRICS

OPTIONS = {
    **{"encoder": "resnet18", "encoder_width": 8, "stem": "strided", "decoder_width": 2, "batch_size": 8},
    **{"precision": "float32", "evaluation_noise_draws": 3, "evaluation_noise_scale": 0.2, "noise_scale": 0.05},
}
MEASURED = ("miou", "noisy_miou", "noisy_miou_deviation", "pixel_accuracy")


@dataclass(frozen=True)
class Told:
    """What an evaluation left: its summary, and its tables as lists of rows."""

    scores: Mapping[str, Mapping[str, float]]
    images: Mapping[str, int]
    noise: Mapping[str, Any]
    classes: list[dict[str, Any]]
    curve: list[dict[str, Any]]
    examples: list[dict[str, Any]]

    def mious(self, split: str, scale: float) -> list[float]:
        return [row["miou"] for row in self.curve if (row["split"], row["scale"]) == (split, scale)]


Evaluate = Callable[..., Told]


@pytest.fixture(scope="module")
def trained(store: Store, sets: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A checkpoint of one epoch, and the scores of its trial."""
    own = {"data": sets["masked"]}
    trainer = SegmentationTrainer({**OPTIONS, "learning_rate": 0.01}, own, store, MEASURED, 3, 1, threads=1)
    trainer.train_epoch()
    path = tmp_path_factory.mktemp("trial") / "checkpoint"
    trainer.save(path)
    return path, trainer.score()


@pytest.fixture
def evaluate(store: Store, store_root: str, sets: Mapping[str, str], trained: tuple[Path, Any]) -> Evaluate:
    """Evaluates the checkpoint as that of a trial with these options more."""

    def evaluate(scales: tuple[float, ...] = (0, 0.2), data: str = sets["masked"], **options: Any) -> Told:
        path = trained[0]
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        step = step_of({**OPTIONS, **options}, path, sha256, scales)
        assert step.here
        digest, told = run_step(step, store_root, {"data": data}, threads=1)
        folder = store.open(digest).path
        tables = (pq.read_table(folder / name).to_pylist() for name in (CLASS_IOU, NOISE_CURVE, EXAMPLES))
        return Told(told["scores"], told["images"], told["noise"], *tables)

    return evaluate


def step_of(options: Mapping[str, Any], path: Path, sha256: str, scales: tuple[float, ...]) -> Any:
    planned = plan("segmentation", "embedded-scenes", options, {}, ("miou",), 0, hold_out=True)
    return load_evaluation("segmentation")("evaluation/00007", options, str(path), sha256, planned, scales)


def test_scores_of_a_search_and_of_an_evaluation_agree(evaluate: Evaluate, trained: tuple[Path, Any]) -> None:
    told = evaluate()
    assert set(told.scores) == set(MEASURED)
    for name, by in told.scores.items():
        assert set(by) == {"original", "test", "hold_out"}
        assert by["original"] == pytest.approx(trained[1][name], abs=1e-6)
    assert told.images == {"original": 40, "test": 32, "hold_out": 40}
    assert len(set(told.scores["miou"].values())) == 3  # of three splits


def test_a_confirmed_net_scores_on_test_and_hold_out_images_what_its_evaluation_says(
    evaluate: Evaluate, trained: tuple[Path, Any], store: Store, store_root: str, sets: Mapping[str, str]
) -> None:
    sha256 = hashlib.sha256(trained[0].read_bytes()).hexdigest()
    planned = plan("segmentation", "embedded-scenes", OPTIONS, {}, ("miou",), 0, hold_out=True)
    steps = load_outcomes("segmentation")("outcomes/00007", OPTIONS, str(trained[0]), sha256, planned, MEASURED, 5)
    digest, told = run_step(steps[-1], store_root, {"data": sets["masked"]}, threads=1)
    scores, searched = told["scores"], evaluate().scores
    assert set(scores) == {*MEASURED, "hold_out_miou", "hold_out_noisy_miou"}
    for name in ("miou", "pixel_accuracy"):
        assert scores[name] == pytest.approx(searched[name]["test"], abs=1e-6)
    assert scores["hold_out_miou"] == pytest.approx(searched["miou"]["hold_out"], abs=1e-6)
    assert scores["noisy_miou"] != pytest.approx(searched["noisy_miou"]["test"], abs=1e-6)  # draws of its own
    rows = pq.read_table(store.open(digest).path / OUTCOMES)
    means = rows.group_by("metric").aggregate([("value", "mean")]).to_pylist()
    assert {row["metric"]: row["value_mean"] for row in means} == pytest.approx(scores, abs=1e-12)


def test_the_curve_begins_without_noise_and_passes_through_the_scores(evaluate: Evaluate) -> None:
    told = evaluate()
    for split in told.images:
        assert told.mious(split, 0) == pytest.approx([told.scores["miou"][split]], abs=1e-6)
        draws = torch.tensor(told.mious(split, 0.2), dtype=torch.float64)
        assert len(draws) == 3
        assert float(draws.mean()) == pytest.approx(told.scores["noisy_miou"][split], abs=1e-6)
        assert float(draws.std()) == pytest.approx(told.scores["noisy_miou_deviation"][split], abs=1e-6)
    scales = (0.05, 0.2)  # of training, and asked for
    assert {(row["scale"], row["draw"]) for row in told.curve} == {(0.0, 0), *itertools.product(scales, range(3))}


def test_a_draw_is_the_same_whatever_else_is_measured(evaluate: Evaluate) -> None:
    told, other = evaluate(), evaluate((0.1, 0.2, 0.2), noise_scale=0.3)
    for split in told.images:
        assert told.mious(split, 0.2) == other.mious(split, 0.2)
        assert len(other.mious(split, 0.1)) == len(other.mious(split, 0.3)) == 3
        assert told.mious(split, 0) == other.mious(split, 0)
        assert not other.mious(split, 0.05)
    assert told.scores == other.scores


def test_matched_noise_is_that_of_training(evaluate: Evaluate) -> None:
    told, fixed = evaluate(), evaluate(noise_scale=0.3)
    matched = evaluate(noise_scale=0.2, evaluation_noise="matched", evaluation_noise_scale=0.1)
    assert matched.scores == told.scores == fixed.scores
    assert (matched.noise["matched"], matched.noise["scale"], matched.noise["training_scale"]) == (True, 0.2, 0.2)
    assert (fixed.noise["matched"], fixed.noise["scale"], fixed.noise["training_scale"]) == (False, 0.2, 0.3)


def test_zero_and_the_scales_of_training_and_scoring_come_with_the_usual_and_with_those_asked_for(
    tmp_path: Path,
) -> None:
    def scales(*asked: float, **options: Any) -> list[float]:
        found: list[float] = step_of({**OPTIONS, **options}, tmp_path, "", asked).arguments["scales"]
        return found

    assert scales(noise_scale=0.25, evaluation_noise_scale=0.5) == sorted({*SCALES, 0.25, 0.5})
    assert scales(noise_scale=0.35, evaluation_noise="matched", evaluation_noise_scale=0.1) == sorted({*SCALES, 0.35})
    assert scales(0.5, noise_scale=0.25, evaluation_noise_scale=0.3) == [0.0, 0.25, 0.3, 0.5]


@pytest.mark.parametrize(
    "changes",
    [
        {"noise_clip": 1.0},
        {"noise_targets": ["conv"]},
        {"noise_names": ["encoder.*"]},
        {"noise_maximum": "per_layer"},
        {"evaluation_noise": "matched", "evaluation_noise_scale": 0.1},
        {"evaluation_noise_clip": 1.0},
        {"evaluation_noise_targets": ["conv"]},
        {"evaluation_noise_names": ["encoder.*"]},
        {"evaluation_noise_maximum": "per_layer"},
        {"evaluation_noise_draws": 5},
        {"classification_guided": True},
        {"activation": "gelu"},
    ],
)
def test_whatever_shapes_network_or_noise_is_in_the_address(tmp_path: Path, changes: dict[str, Any]) -> None:
    def told(**options: Any) -> Any:
        return step_of({**OPTIONS, **options}, tmp_path, "", (0.1,)).arguments

    assert told(**changes) != told()
    for training in ({"noise_draw": "per_epoch"}, {"noise_gradient": "perturbed"}, {"learning_rate": 0.1}):
        assert told(**changes, **training) == told(**changes)


@pytest.mark.parametrize("scale", [-0.1, 1.5, float("nan"), float("inf")])
def test_a_scale_beyond_its_law_is_refused(tmp_path: Path, scale: float) -> None:
    with pytest.raises(TrainableError, match="from 0 to 1") as caught:
        step_of(OPTIONS, tmp_path, "", (0.1, scale))
    assert caught.value.code == "OPTION_INVALID"


def test_classes_have_the_mean_of_the_scores(evaluate: Evaluate, store: Store, sets: Mapping[str, str]) -> None:
    told = evaluate()
    names = json.loads((store.open(sets["masked"]).path / "data.json").read_text())["classes"]
    for split in told.images:
        rows = [row for row in told.classes if row["split"] == split]
        for noisy in (False, True):
            assert [(row["class"], row["name"]) for row in rows if row["noisy"] is noisy] == list(enumerate(names))
        known = [row["iou"] for row in rows if not row["noisy"] and row["iou"] is not None]
        assert sum(known) / len(known) == pytest.approx(told.scores["miou"][split], abs=1e-6)


def test_without_noise_noisy_scores_are_the_clean_ones(evaluate: Evaluate) -> None:
    told = evaluate(evaluation_noise_scale=0.0)
    assert told.scores["noisy_miou"] == told.scores["miou"]
    assert set(told.scores["noisy_miou_deviation"].values()) == {0.0}
    by = {noisy: [row["iou"] for row in told.classes if row["noisy"] is noisy] for noisy in (False, True)}
    assert by[True] == by[False]
    assert all(row["prediction"] == row["noisy"] for row in told.examples)


def test_examples_are_the_test_images_with_the_most_classes(
    evaluate: Evaluate, store: Store, sets: Mapping[str, str]
) -> None:
    told = evaluate()
    split = read_masked(store.open(sets["masked"]).path / "test.arrow")
    assert [row["row"] for row in told.examples] == richest(split.masks).tolist() == list(range(8))
    for row in told.examples:
        size = (row["height"], row["width"])
        assert size == (16, 16)
        mask, clean, noisy = (pixels(row[name], size) for name in ("truth", "prediction", "noisy"))
        assert torch.equal(mask, split.masks[row["row"]])
        assert torch.equal(pixels(row["image"], (*size, 3)).permute(2, 0, 1), split.images[row["row"]])
        for said, score in ((clean, "miou"), (noisy, "noisy_miou")):
            assert row[score] == pytest.approx(mean_iou(confusion(said, mask, 11)))
    assert any(row["prediction"] != row["noisy"] for row in told.examples)


def pixels(values: bytes, shape: tuple[int, ...]) -> Tensor:
    return torch.frombuffer(bytearray(values), dtype=torch.uint8).view(shape)


def test_the_richest_masks_come_first_and_what_is_ignored_is_no_class() -> None:
    masks = torch.tensor([[0, 0, 0], [0, 1, 1], [0, 1, 2], [0, 1, IGNORED], [3, 4, 5]], dtype=torch.uint8)[:, None]
    assert richest(masks).tolist() == [2, 4, 1, 3, 0]
    assert richest(masks, 2).tolist() == [2, 4]


def test_splits_that_the_data_lack_are_left_out(evaluate: Evaluate, store: Store, sets: Mapping[str, str]) -> None:
    digest = address("data", {"name": "sixteen with masks, without test images", "version": 1})

    def without(directory: Path) -> None:
        for name in ("train.arrow", "validation.arrow", "data.json"):
            shutil.copy(store.open(sets["masked"]).path / name, directory / name)

    store.publish(digest, without, {"kind": "data"})
    told = evaluate(data=digest)
    assert told.images == {"original": 40}
    assert {row["split"] for row in (*told.classes, *told.curve)} == {"original"}
    assert told.examples == []
    assert told.scores["miou"]["original"] == evaluate().scores["miou"]["original"]


def test_a_checkpoint_of_another_network_or_another_content_is_refused(
    evaluate: Evaluate, store_root: str, sets: Mapping[str, str], trained: tuple[Path, Any]
) -> None:
    with pytest.raises(TrainableError, match=r"shape|missing") as caught:
        evaluate(decoder_width=3)
    assert caught.value.code == "CKPT_CORRUPT"
    step = step_of(OPTIONS, trained[0], "0" * 64, (0,))
    with pytest.raises(TrainableError, match="as planned"):
        run_step(step, store_root, {"data": sets["masked"]}, threads=1)


def test_no_trial_and_no_plan_of_a_search_reads_test_images(
    store: Store, sets: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def reading(path: Path) -> MaskedSet:
        read.append(path.name)
        return read_masked(path)

    monkeypatch.setattr(trainer_module, "read_masked", reading)
    plain = tuple(metric for metric in METRICS if "corrupt" not in metric)
    trainer = SegmentationTrainer(OPTIONS, {"data": sets["masked"]}, store, plain, 3, 1, threads=1)
    trainer.train_epoch()
    trainer.score()
    assert set(read) == {"train.arrow", "validation.arrow"}
    for step in plan("segmentation", "embedded-scenes", OPTIONS, {}, tuple(METRICS), 0):
        assert not any(word in f"{step.name} {step.kind} {step.arguments}" for word in ("evaluation/", "test", "hold"))


def test_a_trainer_without_an_evaluation_is_told_with_those_that_have_one() -> None:
    with pytest.raises(TrainableError, match=r"closed-form trainer has no evaluation.*classification, segm") as caught:
        load_evaluation("closed-form")
    assert caught.value.code == "OPTION_INVALID"
