import copy
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from trainables import checkpoints
from trainables.classification.options import ClassificationOptions
from trainables.classification.trainer import ClassificationTrainer
from trainables.classification.training_images import training_rows
from trainables.classification.vocabulary import LARGEST_SHARE, METRICS, UNDER_CORRUPTION, UNDER_NOISE
from trainables.data.store import address, read_images, write_images
from trainables.errors import TrainableError
from trainables.models import build
from trainables.perturbations.weight_noise import perturbed
from trainables.preparation import plan, run_step
from trainables.seeds import generator

SCORED = ("clean_accuracy", "weight_noise_accuracy", "pgd_accuracy")


def state(trainer: Any) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in trainer.net.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("layers", [0, 2, 4])
def test_frozen_layers_are_unchanged_after_an_epoch(make_trainer: Any, layers: int) -> None:
    trainer = make_trainer(unfrozen_layers=layers, noise_scale=0.05)
    before = state(trainer)
    trainer.train_epoch()
    after = state(trainer)
    training = ("fc.", *[f"layer{number}." for number in (4, 3, 2, 1)[:layers]])
    for name, value in after.items():
        if not name.startswith(training):
            assert torch.equal(value, before[name]), name
    assert not torch.equal(after["fc.weight"], before["fc.weight"])
    if layers:
        assert not torch.equal(after["layer4.0.bn1.running_mean"], before["layer4.0.bn1.running_mean"])


def test_scoring_changes_nothing_and_gives_exactly_what_is_asked(make_trainer: Any) -> None:
    trainer = make_trainer(metrics=SCORED)
    trainer.train_epoch()
    before, modes = state(trainer), [module.training for module in trainer.net.modules()]
    scores = trainer.score()
    assert tuple(scores) == SCORED
    assert all(0 <= value <= 1 for value in scores.values())
    assert scores == trainer.score()
    assert same(before, state(trainer))
    assert modes == [module.training for module in trainer.net.modules()]
    assert make_trainer().score() == {}


def test_a_net_that_says_one_class_of_everything_is_known_by_its_largest_share(make_trainer: Any) -> None:
    trainer = make_trainer(metrics=("largest_class_share", "clean_accuracy"))
    trainer.train_epoch()
    scores = trainer.score()
    assert 0.1 <= scores["largest_class_share"] <= 1  # of ten classes
    assert trainer.score(("clean_accuracy",))["clean_accuracy"] == scores["clean_accuracy"]
    with torch.no_grad():
        trainer.net.fc.weight.zero_()
        trainer.net.fc.bias.copy_(torch.arange(10.0))
    assert trainer.score(("largest_class_share",)) == {"largest_class_share": 1.0}


def test_noise_of_scale_zero_scores_as_clean(make_trainer: Any) -> None:
    trainer = make_trainer(metrics=SCORED, evaluation_noise_scale=0.0, pgd_epsilon=0.0)
    trainer.train_epoch()
    scores = trainer.score()
    assert scores["weight_noise_accuracy"] == scores["clean_accuracy"] == scores["pgd_accuracy"]


@pytest.mark.parametrize(("batch_size", "learning_rate"), [(4, 0.005), (8, 0.01)])
def test_it_learns(make_trainer: Any, batch_size: int, learning_rate: float) -> None:
    trainer = make_trainer(metrics=("clean_accuracy",), width=8, learning_rate=learning_rate, batch_size=batch_size)
    for _ in range(4):
        trainer.train_epoch()
    assert trainer.score()["clean_accuracy"] > 0.4


def test_batches_of_two_images_of_one_pixel_in_the_end_train(make_trainer: Any) -> None:
    trainer = make_trainer(stem="imagenet", batch_size=2, steps_per_epoch=3)
    before = state(trainer)
    trainer.train_epoch()
    assert all(value.isfinite().all() for value in state(trainer).values())
    assert not same(before, state(trainer))


def test_an_epoch_of_as_many_steps_as_a_pass_has_is_a_pass(make_trainer: Any) -> None:
    trained = []
    for steps in (0, 6):  # 96 images, 16 in a batch
        trainer = make_trainer(steps_per_epoch=steps, transform="crop_flip")
        trainer.train_epoch()
        trainer.train_epoch()
        trained.append(state(trainer))
    assert same(*trained)


def test_the_learning_rate_falls_over_the_steps_of_the_budget_however_many(make_trainer: Any) -> None:
    trainer = make_trainer(optimizer="sgd", momentum=0.0, weight_decay=0.0, steps_per_epoch=1, batch_size=96)
    trainer.epoch = 2  # of 4: half of the cosine is over
    before, other = (
        state(trainer),
        make_trainer(
            optimizer="sgd", momentum=0.0, weight_decay=0.0, steps_per_epoch=1, batch_size=96, schedule="constant"
        ),
    )
    other.epoch = 2
    trainer.train_epoch(), other.train_epoch()
    slow, full = (state(one)["fc.weight"] - before["fc.weight"] for one in (trainer, other))
    assert torch.allclose(2 * slow, full, rtol=1e-3, atol=1e-7)


def test_training_images_are_those_of_a_data_set_that_has_no_others(
    make_trainer: Any, thin: dict[str, Any], store: Any, data: str
) -> None:
    source = store.open(data).path
    rows = training_rows(source, 40)
    whole = read_images(source / "train.arrow")

    def fewer(to: Path) -> None:
        shutil.copytree(source, to, ignore=shutil.ignore_patterns("manifest.json", "train.arrow"), dirs_exist_ok=True)
        write_images(to / "train.arrow", whole.images[rows], whole.labels[rows], [whole.lineage[row] for row in rows])

    digest = store.publish(address("data", {"name": "forty"}), fewer, {}).digest
    some, all_of_them = make_trainer(training_images=40), make_trainer({"data": digest})
    some.train_epoch(), all_of_them.train_epoch()
    assert same(state(some), state(all_of_them))


@pytest.mark.parametrize("noise_gradient", ["recovered", "perturbed"])
@pytest.mark.parametrize("weight", [0.0, 4.0])
def test_a_step_of_augmix_is_one_of_the_loss_as_published(
    make_trainer: Any, weight: float, noise_gradient: str
) -> None:
    noise = {"noise_scale": 0.05, "noise_gradient": noise_gradient}
    trainer = make_trainer(
        transform="augmix", consistency_weight=weight, optimizer="sgd", momentum=0.0, weight_decay=0.0, **noise,
        steps_per_epoch=1, batch_size=24, schedule="constant", learning_rate=0.1,
    )  # fmt: skip
    net = copy.deepcopy(trainer.net).train()
    ((inputs, labels),) = trainer._batches.epoch(3, 0)
    assert len(inputs) == (72 if weight else 24)
    with perturbed(net, 0.05, 2.0, generator(3, "weight noise", 0)):
        scores = net(inputs)
        loss = nn.functional.cross_entropy(scores[:24], labels)
        if weight:
            chances = scores.view(3, 24, -1).softmax(2)
            terms = [nn.functional.kl_div(chances.mean(0).log(), each, reduction="batchmean") for each in chances]
            loss = loss + weight * torch.stack(terms).mean()
        if noise_gradient == "perturbed":
            loss.backward()
    if noise_gradient == "recovered":
        loss.backward()
    trainer.train_epoch()
    for one, other in zip(trainer.net.parameters(), net.parameters(), strict=True):
        assert one.grad is not None
        assert other.grad is not None
        assert torch.allclose(one.grad, other.grad, rtol=1e-3, atol=1e-4 * float(other.grad.abs().max()) + 1e-7)


@pytest.mark.slow
def test_augmix_learns_with_all_that_a_trial_may_have(make_trainer: Any, sets: dict[str, str]) -> None:
    trainer = make_trainer(
        sets, ("clean_accuracy",), transform="augmix", noise_scale=0.02, noise_gradient="perturbed", batch_size=512,
        precision="bfloat16", learning_rate=0.02, steps_per_epoch=6, extra_sets=["gaussian"], extra_share=0.25,
        unfrozen_layers=4,
    )  # fmt: skip
    before = state(trainer)
    for _ in range(6):
        trainer.train_epoch()
    assert trainer.score()["clean_accuracy"] > 0.4
    assert torch.equal(before["conv1.weight"], state(trainer)["conv1.weight"])


def test_a_diverging_trial_names_epoch_and_step(make_trainer: Any) -> None:
    trainer = make_trainer(optimizer="sgd", learning_rate=10.0, momentum=0.99, unfrozen_layers=0, start="scratch")
    with torch.no_grad():
        trainer.net.fc.weight.fill_(float("inf"))
    with pytest.raises(TrainableError, match="epoch 1, step 1") as caught:
        trainer.train_epoch()
    assert caught.value.code == "NONFINITE"


@pytest.mark.parametrize("metric", METRICS)
def test_no_metric_takes_a_broken_net_for_a_scored_one(make_trainer: Any, sets: dict[str, str], metric: str) -> None:
    trainer = make_trainer(sets, metrics=(metric,))
    with torch.no_grad():
        trainer.net.fc.weight.fill_(float("nan"))
    with pytest.raises(TrainableError) as caught:
        trainer.score()
    assert caught.value.code == "NONFINITE"


def test_a_checkpoint_of_another_budget_or_other_data_is_refused(
    thin: dict[str, Any], store: Any, data: str, tmp_path: Path
) -> None:
    path = tmp_path / "one.safetensors"
    other = address("data", {"name": "sixteen", "version": 2})
    source = store.open(data).path
    ignored = shutil.ignore_patterns("manifest.json")
    store.publish(other, lambda to: shutil.copytree(source, to, ignore=ignored, dirs_exist_ok=True), {})
    trial = partial(ClassificationTrainer, thin, store=store, metrics=(), seed=3, threads=1)
    trial({"data": data}, epochs=4).save(path)
    for sets, epochs in (({"data": data}, 8), ({"data": other}, 4)):
        with pytest.raises(TrainableError) as caught:
            trial(sets, epochs=epochs).load(path)
        assert caught.value.code == "CKPT_CORRUPT"


@pytest.mark.parametrize("lost", ["step", "exp_avg"])
def test_an_optimizer_state_with_holes_is_refused(make_trainer: Any, tmp_path: Path, lost: str) -> None:
    path = tmp_path / "one.safetensors"
    one = make_trainer()
    one.train_epoch()
    one.save(path)
    tensors, metadata = checkpoints.load(path)
    del tensors[f"optimizer.0.{lost}"]
    checkpoints.save(path, tensors, metadata)
    with pytest.raises(TrainableError) as caught:
        make_trainer().load(path)
    assert caught.value.code == "CKPT_CORRUPT"


def test_rates_that_differ_in_the_last_digit_are_different_sets(make_trainer: Any) -> None:
    rates = [20.0, 20.0000001]
    steps = plan("classification", "embedded-digits", {"fooling_rates": rates, "set_shards": 1}, {}, (), seed=0)
    assert len({step.name for step in steps}) == len(steps)
    with pytest.raises(TrainableError, match=r"20\.0000001"):
        make_trainer(fooling_rates=[20.0000001])


def test_a_checkpoint_of_another_trial_is_refused(make_trainer: Any, tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    one = make_trainer()
    one.train_epoch()
    one.save(path)
    other = make_trainer(learning_rate=0.02)
    before = state(other)
    with pytest.raises(TrainableError) as caught:
        other.load(path)
    assert caught.value.code == "CKPT_CORRUPT"
    tensors, metadata = checkpoints.load(path)
    del tensors["net.fc.weight"]
    checkpoints.save(path, tensors, metadata)
    with pytest.raises(TrainableError, match=r"fc\.weight"):
        make_trainer().load(path)
    assert same(before, state(other))
    assert other.epoch == 0


def started(data: str, store_root: str, **options: Any) -> dict[str, str]:
    """The set of weights that a start names, prepared as a search does it."""
    steps = plan("classification", "embedded-digits", options, {}, (), seed=0)
    (step,) = (step for step in steps if step.kind == "start")
    return {step.name: run_step(step, store_root, {"data": data}, threads=1)[0]}


def test_a_trial_can_start_from_another_ones_checkpoint(
    make_trainer: Any, thin: dict[str, Any], data: str, store_root: str, tmp_path: Path
) -> None:
    path = tmp_path / "one.safetensors"
    one = make_trainer()
    one.train_epoch()
    one.save(path)
    start = {"start": "checkpoint", "checkpoint_path": str(path)}
    assert same(state(one), state(make_trainer(started(data, store_root, **thin, **start), **start)))
    with pytest.raises(TrainableError, match="shape"):
        started(data, store_root, **{**thin, "width": 4}, **start)
    path.unlink()
    with pytest.raises(TrainableError, match="no such checkpoint"):
        started(data, store_root, **thin, **start)


def test_a_trial_can_start_from_published_weights_with_a_head_of_its_own(
    make_trainer: Any, data: str, store_root: str, tmp_path: Path
) -> None:
    wide = {"width": 64, "stem": "imagenet"}
    published = build(ClassificationOptions(), 1000, (3, 16, 16), seed=5).state_dict()
    torch.save(published, tmp_path / "published.pth")
    start = {**wide, "start": "pretrained", "pretrained_path": str(tmp_path / "published.pth")}
    own, fresh = state(make_trainer(started(data, store_root, **start), **start)), state(make_trainer(**wide))
    for name, value in own.items():
        assert torch.equal(value, fresh[name] if name.startswith("fc.") else published[name]), name


def test_a_kept_head_keeps_the_published_outputs_and_scores_over_all_of_them(
    make_trainer: Any, data: str, store_root: str, tmp_path: Path
) -> None:
    published = build(ClassificationOptions(), 1000, (3, 16, 16), seed=5).state_dict()
    torch.save(published, tmp_path / "published.pth")
    start = {"width": 64, "stem": "imagenet", "start": "pretrained", "pretrained_path": str(tmp_path / "published.pth")}
    start |= {"head": "kept", "batch_size": 64}
    trainer = make_trainer(started(data, store_root, **start), ("clean_accuracy", "pgd_accuracy"), **start)
    assert same(state(trainer), published)
    trainer.train_epoch()
    assert state(trainer)["fc.weight"].shape == (1000, 512)
    assert not torch.equal(state(trainer)["fc.weight"][:10], published["fc.weight"][:10])
    with torch.no_grad():
        trainer.net.fc.bias[500] = 1e4  # a class that the data have not
    assert set(trainer.score().values()) == {0.0}


def test_missing_sets_and_unknown_metrics_are_said_before_training(make_trainer: Any) -> None:
    for sets, options, code in (
        ({}, {"metrics": ("perturbed_validation_accuracy",)}, "SET_MISSING"),
        ({}, {"start": "baseline"}, "SET_MISSING"),
        ({}, {"start": "pretext"}, "SET_MISSING"),
        ({}, {"fooling_rates": [5]}, "SET_MISSING"),
        ({}, {"extra_sets": ["pixel"]}, "SET_MISSING"),
        ({}, {"metrics": ("mce",)}, "SET_MISSING"),
        ({}, {"metrics": ("mCE",)}, "METRIC_UNKNOWN"),
    ):
        with pytest.raises(TrainableError) as caught:
            make_trainer(sets, **options)
        assert caught.value.code == code


def test_every_metric_of_the_vocabulary_has_a_measure() -> None:
    from trainables.classification.scores import _CLEAN, _MEASURES

    assert {_CLEAN, LARGEST_SHARE, *_MEASURES, *UNDER_NOISE, *UNDER_CORRUPTION} == set(METRICS)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_it_trains_and_scores_on_a_gpu(make_trainer: Any, tmp_path: Path) -> None:
    trainer = make_trainer(metrics=SCORED, noise_scale=0.05, precision="auto", transform="crop_flip")
    trainer.train_epoch()
    trainer.save(tmp_path / "one.safetensors")
    again = make_trainer(metrics=SCORED, noise_scale=0.05, precision="auto", transform="crop_flip")
    again.load(tmp_path / "one.safetensors")
    assert same(state(trainer), state(again))
    assert again.score() == trainer.score()
    for resumed in (trainer, again):
        resumed.train_epoch()
    assert same(state(trainer), state(again))
