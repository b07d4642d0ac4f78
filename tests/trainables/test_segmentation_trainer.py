"""What the scores and the training of the segmentation trainer are worth, on real digits at 16 x 16 with masks."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from trainables.data.facts import facts_of
from trainables.data.masked_images import read_masked
from trainables.data.store import Store
from trainables.errors import TrainableError
from trainables.images import Normalisation
from trainables.preparation import Step, plan, run_step
from trainables.segmentation.batches import Batches, MaskedImages
from trainables.segmentation.objective import objective, presence
from trainables.segmentation.scoring import clean_scores, confused
from trainables.segmentation.trainer import SegmentationTrainer
from trainables.segmentation.vocabulary import METRICS
from trainables.unet3plus import Segmentation

THIN = {"encoder": "resnet18", "encoder_width": 8, "stem": "strided", "decoder_width": 2, "batch_size": 8}
QUICK = {**THIN, "precision": "float32", "evaluation_noise_draws": 3, "evaluation_noise_images": 0}


@pytest.fixture
def make(store: Store, sets: Mapping[str, str]) -> Callable[..., Any]:
    def make(more: Mapping[str, str] = {}, metrics: tuple[str, ...] = tuple(METRICS), **options: Any) -> Any:
        own = {**sets, "data": sets["masked"], **more}
        return SegmentationTrainer({**QUICK, **options}, own, store, metrics, seed=3, epochs=4, threads=1)

    return make


def weights(trainer: Any) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in trainer.net.state_dict().items()}


def trained(trainer: Any) -> dict[str, Tensor]:
    trainer.train_epoch()
    return weights(trainer)


def equal(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_it_learns_its_images_pixel_by_pixel(make: Callable[..., Any], store: Store, sets: Mapping[str, str]) -> None:
    trainer = make(learning_rate=0.01, decoder_width=4, steps_per_epoch=20, loss="cross_entropy_dice", metrics=())
    for _ in range(4):
        trainer.train_epoch()
    data = store.open(sets["masked"]).path
    found, facts = read_masked(data / "train.arrow"), facts_of(data)
    norm = Normalisation.read(facts["mean"], facts["std"])
    trainer.net.eval()
    counts = confused(trainer.net, MaskedImages(found.images, found.masks), norm, 11)
    paper = float(counts[0].sum() / counts.sum())
    assert clean_scores(counts)["pixel_accuracy"] > paper + 0.05


def test_no_layer_to_perturb_is_no_noise_and_each_way_of_noise_trains_otherwise(make: Callable[..., Any]) -> None:
    clean = trained(make())
    assert equal(clean, trained(make(noise_scale=0.2, noise_targets=[])))
    ways: list[dict[str, Any]] = [
        {},
        {"noise_draw": "per_epoch"},
        {"noise_gradient": "perturbed"},
        {"noise_maximum": "per_layer"},
        {"noise_clip": 0.5},
        {"noise_targets": ["batch_norm"]},
    ]
    found = [clean, *(trained(make(noise_scale=0.2, **way)) for way in ways)]
    for number, one in enumerate(found):
        assert not any(equal(one, other) for other in found[:number])


def test_recovered_noise_trains_in_float32_whatever_is_asked(make: Callable[..., Any]) -> None:
    noisy = {"noise_scale": 0.2, "metrics": ()}
    assert equal(trained(make(**noisy)), trained(make(**noisy, precision="bfloat16")))
    assert not equal(trained(make(metrics=())), trained(make(metrics=(), precision="bfloat16")))


def test_scores_under_noise_are_those_without_where_there_is_none(make: Callable[..., Any]) -> None:
    for options in ({"evaluation_noise": "matched"}, {"evaluation_noise_scale": 0.0}, {"evaluation_noise_targets": []}):
        scores = make(**options).score()
        assert scores["noisy_miou"] == pytest.approx(scores["miou"])
        assert scores["noisy_miou_deviation"] == 0


def test_draws_are_the_same_in_all_trials(make: Callable[..., Any]) -> None:
    asked = ("noisy_miou", "noisy_miou_deviation")
    one, other = make(metrics=asked), make(metrics=asked, noise_scale=0.2, learning_rate=0.1)
    assert one.score() == other.score()
    assert one.score()["noisy_miou_deviation"] > 0
    matched = make(metrics=asked, noise_scale=0.1, evaluation_noise="matched")
    assert matched.score() == one.score()  # the same scale in another way


def test_frozen_stages_stay_and_the_decoder_learns(make: Callable[..., Any]) -> None:
    trainer = make(unfrozen_layers=1, noise_scale=0.1)
    before, after = weights(trainer), trained(trainer)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert not [name for name in changed if name.startswith("encoder.") and "layer4" not in name]
    assert [name for name in changed if name.startswith("encoder.layer4")]
    assert [name for name in changed if name.startswith("nodes.0")]


def test_what_is_no_number_is_named(make: Callable[..., Any]) -> None:
    trainer = make(metrics=("miou",))
    trainer.net.head.weight.data.fill_(torch.inf)
    for ask, says in ((trainer.train_epoch, "epoch 1, step 1: the loss is nan"), (trainer.score, "class scores")):
        with pytest.raises(TrainableError, match=says) as caught:
            ask()
        assert caught.value.code == "NONFINITE"


def test_a_trial_starts_from_anothers_checkpoint(
    make: Callable[..., Any], sets: Mapping[str, str], store_root: str, tmp_path: Path
) -> None:
    path = tmp_path / "saved"
    first = make()
    first.train_epoch()
    first.save(path)
    digest = prepared({**THIN, "start": "checkpoint", "checkpoint_path": str(path)}, sets, store_root)
    second = make({"checkpoint": digest}, start="checkpoint", checkpoint_path=str(path))
    assert equal(weights(first), weights(second))
    with pytest.raises(TrainableError) as caught:
        make(start="checkpoint", checkpoint_path=str(path))
    assert caught.value.code == "SET_MISSING"
    with pytest.raises(TrainableError, match=r"shape|missing") as caught:
        prepared({**THIN, "decoder_width": 3, "start": "checkpoint", "checkpoint_path": str(path)}, sets, store_root)
    assert caught.value.code == "CKPT_CORRUPT"


def prepared(options: Mapping[str, Any], sets: Mapping[str, str], store_root: str) -> str:
    step: Step = plan("segmentation", "embedded-scenes", options, {}, ("miou",), 0)[1]
    return run_step(step, store_root, {"data": sets["masked"]}, threads=1)[0]


def test_an_epoch_has_every_image_once_and_depends_on_seed_and_epoch_alone() -> None:
    images = torch.arange(10, dtype=torch.uint8)[:, None, None, None].expand(10, 3, 2, 2).contiguous()
    norm = Normalisation((0.0,) * 3, (1 / 255,) * 3)

    def batches(steps: int) -> Batches:
        train = MaskedImages(images, images[:, 0])
        return Batches(train, 5, steps, lambda images, masks, numbers: (images, masks), norm)

    def seen(steps: int, *epochs: int) -> list[int]:
        found = []
        for epoch in epochs:
            for inputs, masks in batches(steps).epoch(1, epoch):
                assert torch.equal(inputs[:, 0].round().to(torch.uint8), masks)
                found += masks[:, 0, 0].tolist()
        return found

    assert sorted(seen(0, 0)) == sorted(seen(0, 1)) == list(range(10))
    assert seen(0, 1) == seen(0, 1) != seen(0, 0)
    assert seen(3, 0, 1) == seen(2, 0, 1, 2)  # one long row, however it is cut into epochs


def test_the_objective_of_closed_form() -> None:
    masks = torch.tensor([[[0, 255], [255, 255]]], dtype=torch.uint8)
    even, sure = torch.zeros(1, 2, 2, 2), torch.tensor([30.0, -30.0])[None, :, None, None].expand(1, 2, 2, 2)
    nothing = objective(Segmentation(sure, (), None), masks, "cross_entropy")
    half = torch.tensor(2.0).log()
    assert nothing.item() == pytest.approx(0, abs=1e-6)
    assert objective(Segmentation(even, (sure, even), None), masks, "cross_entropy").item() == pytest.approx(
        float(half) * 2 / 3
    )
    assert presence(masks, 2).tolist() == [[1.0, 0.0]]
    guided = objective(Segmentation(sure, (), torch.zeros(1, 2)), masks, "cross_entropy")
    assert guided.item() == pytest.approx(float(half))
    for added in ("cross_entropy_dice", "cross_entropy_lovasz"):
        assert objective(Segmentation(sure, (), None), masks, added).item() == pytest.approx(0, abs=1e-5)
        assert objective(Segmentation(even, (), None), masks, added) > float(half)
