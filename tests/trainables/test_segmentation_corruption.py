"""Segmentation under corruption: what is prepared, what is scored, and in which words, on digits of 32 x 32 pixels."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits

from trainables.corruption_facts import CORRUPTIONS
from trainables.corruption_overlaps import EXTRA
from trainables.data.masked_images import MaskedSet, read_masked, write_masked
from trainables.data.store import Store, address
from trainables.errors import TrainableError
from trainables.perturbations.corruptions import corrupt
from trainables.preparation import Step, plan, run_step
from trainables.registry import load_advice, load_evaluation, load_measured
from trainables.seeds import derive
from trainables.segmentation.batches import MaskedImages
from trainables.segmentation.confusion import mean_iou
from trainables.segmentation.scoring import confused
from trainables.segmentation.trainer import SegmentationTrainer

ASKED = ("miou", "corrupted_miou")
FEW = {
    "corruptions": ["fog", "gaussian_blur"],
    "corruption_severities": [2, 5],
    "early_corruptions": ["fog"],
    "early_corruption_severities": [5],
    "corruption_images": 6,
}
THIN = {"encoder": "resnet18", "encoder_width": 8, "stem": "strided", "decoder_width": 2, "batch_size": 8}
SEED = 7


def write_scenes(directory: Path) -> None:
    """Real digits, each pixel with the class of its digit where ink is."""
    digits = load_digits()
    pixels = torch.from_numpy(digits.images[:32]).mul(255 / 16).round().to(torch.uint8)
    images = pixels[:, None].repeat_interleave(4, 2).repeat_interleave(4, 3).repeat(1, 3, 1, 1)
    masks = torch.where(images[:, 0] > 127, torch.from_numpy(digits.target[:32])[:, None, None] + 1, 0).to(torch.uint8)
    for name, rows in {"train": range(16), "validation": range(16, 26), "test": range(26, 32)}.items():
        picked = torch.tensor(list(rows))
        write_masked(directory / f"{name}.arrow", images[picked], masks[picked], [f"digit {row}" for row in rows])
    facts = {"classes": ["paper", *"0123456789"], "mean": [0.3] * 3, "std": [0.35] * 3, "image_shape": [3, 32, 32]}
    (directory / "data.json").write_text(json.dumps({**facts, "flips_keep_labels": False}))


@pytest.fixture(scope="module")
def scenes(store: Store) -> str:
    digest = address("data", {"name": "digits at 32 with masks", "version": 1})
    store.publish(digest, write_scenes, {"kind": "data"})
    return digest


@pytest.fixture(scope="module")
def validation(store: Store, scenes: str) -> MaskedSet:
    return read_masked(store.open(scenes).path / "validation.arrow")


def steps(options: Mapping[str, Any], metrics: tuple[str, ...] = ASKED, hold_out: bool = False) -> list[Step]:
    found = plan("segmentation", "embedded-scenes", {**THIN, **options}, {}, metrics, SEED, hold_out)
    return [step for step in found if step.kind == "corrupted"]


@pytest.fixture(scope="module")
def built(store_root: str, scenes: str) -> dict[str, str]:
    known = {"data": scenes}
    for step in steps(FEW):
        known[step.name], _ = run_step(step, store_root, known, threads=1)
    return known


@pytest.fixture
def make(store: Store, built: Mapping[str, str]) -> Callable[..., Any]:
    def make(metrics: tuple[str, ...] = ASKED, epochs: int = 2, **options: Any) -> Any:
        own = {**THIN, **FEW, **options}
        return SegmentationTrainer(own, built, store, metrics, seed=3, epochs=epochs, threads=1)

    return make


def test_only_the_metric_has_images_corrupted() -> None:
    assert steps({}, ("miou", "noisy_miou"), hold_out=True) == []
    assert [step.name for step in steps({})] == [f"corrupted/validation/{name}" for name in EXTRA]


def test_hold_out_adds_the_first_test_images_under_every_corruption_and_a_search_has_none() -> None:
    search, whole = steps(FEW), steps(FEW, hold_out=True)
    assert whole[: len(search)] == search
    assert [step.name for step in whole[len(search) :]] == [f"corrupted/test/{name}" for name in CORRUPTIONS]
    for step in whole[len(search) :]:
        told = {name: step.arguments[name] for name in ("split", "severities", "images")}
        assert told == {"split": "test", "severities": [1, 2, 3, 4, 5], "images": 6}


def test_the_images_are_those_that_classification_would_prepare() -> None:
    told = {"corruption_images": 64, "corruptions": ["fog"]}
    (own,) = steps({"corruptions": ["fog"]})
    others = plan("classification", "embedded-digits", told, {}, ("mce",), SEED)
    assert own in others


def test_the_score_is_the_mean_over_cells_that_are_made_and_counted_one_by_one(
    make: Callable[..., Any], validation: MaskedSet
) -> None:
    trainer = make()
    trainer.train_epoch()
    trainer.train_epoch()
    scores = trainer.score()
    norm = trainer._scorer.normalisation
    trainer.net.eval()
    values = []
    for name in ("fog", "gaussian_blur"):
        for severity in (2, 5):
            seeds = torch.tensor([derive(SEED, "corruption", "validation", name, severity, row) for row in range(6)])
            images = corrupt(validation.images[:6], name, severity, seeds, "imagenet-c")
            values.append(mean_iou(confused(trainer.net, MaskedImages(images, validation.masks[:6]), norm, 11)))
    assert scores["corrupted_miou"] == pytest.approx(sum(values) / 4, abs=1e-12)
    assert len(set(values)) > 1


def test_before_the_last_epoch_it_is_the_early_part(make: Callable[..., Any]) -> None:
    first = make(metrics=("corrupted_miou",), epochs=2)
    early = {"corruptions": ["fog"], "corruption_severities": [5], "early_corruptions": []}
    alone = make(metrics=("corrupted_miou",), epochs=1, **early)
    whole = make(metrics=("corrupted_miou",), epochs=1, early_corruptions=[], early_corruption_severities=[])
    for trainer in (first, alone, whole):
        trainer.epoch = 1  # untrained: the three nets are alike
    assert first.score() == alone.score() != whole.score()


def test_clean_scores_are_what_they_are_without_it(make: Callable[..., Any]) -> None:
    assert make().score()["miou"] == make(metrics=("miou",)).score()["miou"]


def test_a_set_that_was_not_prepared_is_named(make: Callable[..., Any]) -> None:
    with pytest.raises(TrainableError, match="corrupted/validation/snow") as caught:
        make(corruptions=["snow"], early_corruptions=[])
    assert caught.value.code == "SET_MISSING"


def test_an_evaluation_has_the_mean_over_unseen_and_over_all_cells_of_the_first_test_images(
    make: Callable[..., Any], store: Store, store_root: str, scenes: str, built: Mapping[str, str], tmp_path: Path
) -> None:
    trainer = make(epochs=1)
    trainer.train_epoch()
    trainer.save(tmp_path / "checkpoint")
    sha256 = hashlib.sha256((tmp_path / "checkpoint").read_bytes()).hexdigest()
    own = {**FEW, "corruption_images": 4}
    test = [step for step in steps(own, hold_out=True) if step.name in ("corrupted/test/snow", "corrupted/test/fog")]
    known = dict(built)
    for step in test:
        known[step.name], _ = run_step(step, store_root, known, threads=1)
    evaluation = load_evaluation("segmentation")
    scored = {**THIN, **own, "evaluation_noise_draws": 1}
    step = evaluation("evaluation/00001", scored, str(tmp_path / "checkpoint"), sha256, [*steps(FEW), *test], (0.1,))
    told = run_step(step, store_root, known, threads=1)[1]["corruption"]

    images = read_masked(store.open(scenes).path / "test.arrow")
    norm = trainer._scorer.normalisation
    trainer.net.eval()

    def miou(corrupted: torch.Tensor) -> float:
        return mean_iou(confused(trainer.net, MaskedImages(corrupted, images.masks[:4]), norm, 11))

    for name in ("snow", "fog"):
        for severity in range(1, 6):
            seeds = torch.tensor([derive(SEED, "corruption", "test", name, severity, row) for row in range(4)])
            made = corrupt(images.images[:4], name, severity, seeds, "imagenet-c")
            assert told["cells"][name][severity - 1] == pytest.approx(miou(made), abs=1e-6)
        assert told["by"][name] == pytest.approx(sum(told["cells"][name]) / 5, abs=2e-6)
    assert (told["images"], told["clean"]) == (4, pytest.approx(miou(images.images[:4]), abs=1e-6))
    assert told["seen"] == ["fog", "gaussian_blur"]
    assert told["mean"]["unseen"] == told["by"]["snow"]
    assert told["mean"]["all"] == pytest.approx((told["by"]["snow"] + told["by"]["fog"]) / 2, abs=2e-6)


def test_without_corrupted_test_images_an_evaluation_is_what_it_was(tmp_path: Path) -> None:
    planned = plan("segmentation", "embedded-scenes", THIN, {}, ("miou",), SEED, hold_out=True)
    step = load_evaluation("segmentation")("evaluation/00001", THIN, str(tmp_path), "0" * 64, planned)
    assert step.after == ("data",)
    assert "corrupted" not in step.arguments


def test_ways_of_measuring_are_told_apart_in_words() -> None:
    measured = load_measured("segmentation")
    assert measured(FEW, ("miou",), 4) == {}
    ((first, early), (last, full)) = measured(FEW, ASKED, 4)["corrupted_miou"]
    assert (first, early) == (1, "fog at severity 5; constants imagenet-c; first 6 images")
    assert (last, full) == (4, "fog, gaussian_blur at severities 2, 5; constants imagenet-c; first 6 images")
    (only,) = measured({}, ASKED, 4)["corrupted_miou"]
    assert only[1].endswith("severities 1 to 5; constants imagenet-c; first 64 images")


def test_what_a_search_sees_and_what_leaves_its_mask_is_told() -> None:
    advice = load_advice("segmentation")
    assert advice({}, {}, ASKED) == advice({"corruptions": ["fog"]}, {}, ("miou",)) == []
    seen, moved = advice({"corruptions": ["fog", "glass_blur"]}, {}, ASKED)
    assert seen.startswith("the search sees glass_blur, fog: ")
    assert moved.startswith("corrupted_miou: glass_blur moves what is seen")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"corruptions": []}, "corruptions: it is empty"),
        ({"corruptions": ["fog", "fog"]}, "names one twice"),
        ({"early_corruptions": ["snow"]}, "'snow' is none of corruptions"),
        ({"corruptions": ["rain"]}, "'rain' is none of"),
        ({"corruption_ice": "/no/such/place", "corruptions": ["frost"]}, "is no folder of this machine"),
    ],
)
def test_unlawful_corruptions_are_refused_in_planning(options: Mapping[str, Any], says: str) -> None:
    with pytest.raises(TrainableError, match=says) as caught:
        steps(options)
    assert caught.value.code == "OPTION_INVALID"


def test_every_corruption_can_be_named() -> None:
    assert len(steps({"corruptions": list(CORRUPTIONS)})) == 19
