import itertools
from pathlib import Path
from typing import Any

import pytest
import torch

from trainables.classification.attacking import attack
from trainables.classification.baseline import baseline_net
from trainables.data.facts import facts_of, normalisation
from trainables.data.gathering import gathering
from trainables.data.soundness import lineage_columns, lineage_values
from trainables.data.store import ImageSet, Store, read_images
from trainables.errors import TrainableError
from trainables.preparation import Inputs

SPLIT_OF = {"perturbed-training": "train", "perturbed-validation": "validation"}
SETS = (
    *(f"augmentation/{name}" for name in ("fooling-0.5", "fooling-1", "gaussian", "pixel")),
    *("perturbed-training", "perturbed-validation", "hold-out", "out-of-distribution"),
)


def split_of(name: str) -> str:
    return "train" if name.startswith("augmentation") else SPLIT_OF.get(name, "holdout")


@pytest.fixture
def inputs(store: Store, prepared: Any) -> Inputs:
    return prepared.inputs(store)


def made(inputs: Inputs, name: str) -> ImageSet:
    return read_images(inputs.folder(f"set/{name}") / "images.arrow")


def column(images: ImageSet, name: str) -> torch.Tensor:
    return torch.tensor(images.columns[name].to_pylist())


@pytest.mark.parametrize("name", SETS)
def test_every_kept_image_fools_the_baseline_its_source_does_not_and_its_class_is_the_true_one(
    inputs: Inputs, name: str
) -> None:
    net, norm = baseline_net(inputs).cpu(), normalisation(inputs.folder("data"))
    images, source = made(inputs, name), read_images(inputs.folder("data") / f"{split_of(name)}.arrow")
    rows, targets = column(images, "row"), column(images, "target")
    with torch.no_grad():
        predicted = net(norm.of(images.images)).argmax(1)
        before = net(norm.of(source.images[rows])).argmax(1)
    assert torch.equal(before, images.labels)
    assert torch.equal(source.labels[rows], images.labels)
    assert (targets != images.labels).all()
    if "fooling" in name or name in SPLIT_OF or name == "hold-out":
        assert torch.equal(predicted, targets)
    assert (predicted != images.labels).all()
    for lineage in lineage_columns(facts_of(inputs.folder("data"))):
        values = lineage_values(source, lineage)
        assert [values[row] for row in rows.tolist()] == list(lineage_values(images, lineage))


def test_sets_that_must_share_no_source_share_none_in_any_sense(inputs: Inputs) -> None:
    scored = SETS[4:]
    apart = [("perturbed-training", name) for name in SETS[:4]] + list(itertools.combinations(scored, 2))
    for one, other in apart:
        for lineage in lineage_columns(facts_of(inputs.folder("data"))):
            values = (set(lineage_values(made(inputs, name), lineage)) for name in (one, other))
            assert not set.intersection(*values), (one, other, lineage)


def test_no_twin_of_a_scored_image_is_trained_on(inputs: Inputs) -> None:
    train = read_images(inputs.folder("data") / "train.arrow")
    for name in ("perturbed-validation", "hold-out", "out-of-distribution"):
        for lineage in lineage_columns(facts_of(inputs.folder("data"))):
            assert not set(lineage_values(made(inputs, name), lineage)) & set(lineage_values(train, lineage))


@pytest.mark.parametrize("name", SETS)
def test_the_summary_says_what_can_be_counted(inputs: Inputs, prepared: Any, name: str) -> None:
    told, images = prepared.summaries[f"set/{name}"], made(inputs, name)
    source = read_images(inputs.folder("data") / f"{split_of(name)}.arrow").images[column(images, "row")]
    change = (images.images.double() - source.double()).flatten(1)
    assert told["images"] == len(images) == told["attacked"] - told["dropped"]
    assert told["attacked"] <= told["asked"]
    assert told["success"] == pytest.approx(len(images) / told["attacked"], abs=1e-4)
    assert told["mean_l2"] == pytest.approx(float(change.square().sum(1).sqrt().mean()), abs=0.01)
    assert told["mean_linf"] == pytest.approx(float(change.abs().amax(1).mean()), abs=0.01)
    assert told["images_per_second"] > 0
    assert told["mean_steps"] >= 1


def test_draws_do_not_depend_on_the_number_of_shards(planned: Any, build_all: Any, store: Store, prepared: Any) -> None:
    steps = planned({"set_shards": 3}, {"extra_sets": ["pixel"]}, ())
    other = build_all(steps, {name: prepared.digests[name] for name in ("data", "baseline")})
    name = "set/augmentation/pixel"
    assert other.digests[name] != prepared.digests[name]
    one, two = (made(built.inputs(store), "augmentation/pixel") for built in (other, prepared))
    rows, again = (dict(zip(column(each, "row").tolist(), each.images, strict=True)) for each in (one, two))
    same = [row for row in rows if row in again and int((rows[row].int() - again[row].int()).abs().max()) <= 1]
    # An image at the edge of a step may go another way in a batch of another size.
    assert len(same) >= 0.9 * max(len(rows), len(again))


def test_all_attacked_images_are_kept_where_asked_but_never_in_what_is_scored(
    planned: Any, build_all: Any, store: Store, prepared: Any
) -> None:
    options = {"set_keep": "all"}
    metrics = ("perturbed_validation_accuracy",)
    steps = planned(options, {"fooling_rates": [1]}, metrics)
    every = build_all(steps, {"data": prepared.digests["data"]})
    told = every.summaries["set/augmentation/fooling-1"]
    assert (told["images"], told["dropped"]) == (12, 0)
    assert not column(made(every.inputs(store), "augmentation/fooling-1"), "fooled").all()
    assert every.digests["set/perturbed-validation"] == prepared.digests["set/perturbed-validation"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"augmentation_images": 400}, r"of 96 train images .*augmentation wants 400 and gets \d+ .*lower augm"),
        ({"evaluation_images": 500}, r"perturbed-training wants 500 .*lower evaluation_images to \d+"),
        ({"training_images": 10, "augmentation_images": 50}, r"of 10 train images correctly"),
    ],
)
def test_too_few_sources_are_told_with_counts_before_any_attack(
    planned: Any, build_all: Any, prepared: Any, changes: dict[str, Any], words: str
) -> None:
    steps = planned({**changes}, {"fooling_rates": [0.5]}, ())
    with pytest.raises(TrainableError, match=words) as caught:
        build_all(steps, {"data": prepared.digests["data"]})
    assert caught.value.code == "SET_TOO_SMALL"


def test_an_attack_that_fools_almost_never_is_told_with_counts(planned: Any, build_all: Any, prepared: Any) -> None:
    options = {"pixel_share": 1e-6, "pixel_restarts": 0}
    steps = planned(options, {"extra_sets": ["pixel"]}, ())
    known = {name: prepared.digests[name] for name in ("data", "baseline", "sources/train")}
    with pytest.raises(TrainableError, match="of 12 attacked images are kept; augmentation_images") as caught:
        build_all(steps, known)
    assert caught.value.code == "SET_TOO_SMALL"


def test_many_images_are_attacked_in_pieces(inputs: Inputs, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"attack": "gaussian", "options": {"iterations": 2}, "seed": 0, "split": "train"}
    clean = read_images(inputs.folder("data") / "train.arrow")
    rows = torch.arange(0, 96, 9)
    whole, pieces = (torch.empty(len(rows), 3, 16, 16, dtype=torch.uint8) for _ in range(2))
    one = attack(told, inputs, clean, rows, whole)
    monkeypatch.setattr("trainables.classification.attacking._PIECE_BYTES", 4 * 768)
    two = attack(told, inputs, clean, rows, pieces)
    assert int((whole.int() - pieces.int()).abs().max()) <= 1
    assert torch.equal(one.targets, two.targets)
    assert torch.equal(one.steps, two.steps)
    assert torch.allclose(one.l2, two.l2, atol=3.0)


def test_room_for_images_is_writable_and_leaves_no_file(tmp_path: Path) -> None:
    for count in (0, 5):
        with gathering(tmp_path, count, (3, 2, 2)) as images:
            images.fill_(7)
            assert images.shape == (count, 3, 2, 2)
        assert not list(tmp_path.iterdir())


def test_the_disks_room_for_images_is_taken_before_they_are_written(tmp_path: Path) -> None:
    with gathering(tmp_path, 100, (3, 64, 64)):
        (file,) = tmp_path.iterdir()
        assert file.stat().st_blocks * 512 >= 100 * 3 * 64 * 64


def test_a_trial_trains_on_the_sets_and_starts_from_the_baseline(make_trainer: Any, prepared: Any) -> None:
    metrics = ("perturbed_training_accuracy", "perturbed_validation_accuracy")
    chosen = {"fooling_rates": [0.5, 1], "extra_sets": ["gaussian", "pixel"], "extra_share": 0.5}
    trainer = make_trainer(prepared.digests, metrics, start="baseline", **chosen)
    # An image that fools the baseline is misclassified by a trial that still is the baseline.
    assert set(trainer.score().values()) == {0.0}
    trainer.train_epoch()
