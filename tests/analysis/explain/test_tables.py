"""The tables of an explanation say what the nets' own outputs and weights are."""

import math
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from torchvision.models import VisionTransformer

from analysis import explained
from analysis.explain.activations import activations_table, feature_maps_table, spaced
from analysis.explain.explaining import Asked, Trained, explain
from analysis.explain.images import corrupted, inputs_of, picture, sample
from analysis.explain.parameters import filters_table, weights_table
from analysis.explained import Told
from trainables.data.store import read_images
from trainables.errors import TrainableError
from trainables.registry import has_network, load_network, trainer_names
from trainables.seeds import generator
from trainables.unet3plus import Architecture, build


@pytest.mark.parametrize(("count", "most"), [(0, 4), (1, 4), (4, 4), (5, 4), (64, 64), (4800, 64)])
def test_equally_spaced_numbers_keep_both_ends_and_differ(count: int, most: int) -> None:
    found = spaced(count, most)
    assert len(found) == len(set(found)) == min(count, most)
    assert found == sorted(found)
    if count:
        assert (found[0], found[-1]) == (0, count - 1)
        steps = np.diff(found)
        assert not len(steps) or steps.max() - steps.min() <= 1


def test_activations_are_the_mean_over_channels_of_what_layers_give(
    tables: Path, nets: list[Trained], data: Path
) -> None:
    rows = pq.read_table(tables / explained.ACTIVATIONS_FILE).to_pylist()
    net = load_network("classification")(nets[1].options, data, nets[1].checkpoint)
    fog, _ = corrupted(picture(data, None)[0], "fog", 3)
    with torch.no_grad():
        wanted = net.conv1(inputs_of(data, fog, torch.device("cpu")))[0].mean(0)
    row = next(row for row in rows if (row["net"], row["image"], row["layer"]) == ("trial 0", "perturbed", "conv1"))
    assert (row["height"], row["width"], row["shape"], row["place"]) == (16, 16, "4x16x16", 0)
    assert np.array(row["values"]).reshape(16, 16) == pytest.approx(wanted.numpy(), abs=1e-5)
    last = [row for row in rows if row["layer"] == "fc"]
    assert [(row["net"], row["image"], row["height"], row["width"]) for row in last] == [
        (net, image, 1, 5) for net in ("baseline", "trial 0") for image in ("clean", "perturbed")
    ]
    assert len(rows) == 4 * 21


def test_words_of_a_transformer_stand_where_their_patches_are() -> None:
    net = VisionTransformer(16, 4, 1, 2, 16, 32, num_classes=20).eval()
    images = {"clean": torch.randn(1, 3, 16, 16, generator=generator("test"))}
    rows = {row["layer"].rpartition(".")[2]: row for row in activations_table({"net": net}, images).to_pylist()}
    assert [(rows[name]["height"], rows[name]["width"]) for name in ("conv_proj", "self_attention", "3")] == [
        (4, 4)
    ] * 3
    head = rows["head"]
    assert (head["height"], head["width"]) == (4, 5)
    assert not any(math.isnan(value) for value in head["values"])
    assert {row["layer"] for row in filters_table({"net": net}, images["clean"]).to_pylist()} == {"conv_proj"}
    assert feature_maps_table({"net": net}, images).num_rows == 16 * 3 + 32


def test_a_segmentation_net_is_explained_up_to_its_head() -> None:
    net = build(Architecture("resnet18", encoder_width=8, stem="strided", decoder_width=4, deep_supervision=True), 4, 0)
    inputs = torch.randn(1, 3, 64, 64, generator=generator("test"))
    rows = activations_table({"net": net}, {"clean": inputs}).to_pylist()
    assert rows[0]["layer"] == "encoder.conv1"
    assert (rows[-1]["layer"], rows[-1]["shape"]) == ("head", "4x32x32")
    deep = {row["layer"] for row in filters_table({"net": net}, inputs).to_pylist() if row["depth"] == "deep"}
    assert deep == {"nodes.0.fuse.0"}


def test_histograms_count_every_value_once_in_bins_that_nets_share(
    tables: Path, nets: list[Trained], data: Path
) -> None:
    rows = pq.read_table(tables / explained.WEIGHTS_FILE).to_pylist()
    load = load_network("classification")
    for one in nets:
        net = load(one.options, data, one.checkpoint)
        for row in rows:
            if row["net"] == one.name:
                assert sum(row["counts"]) == net.get_parameter(f"{row['layer']}.{row['part']}").numel()
    kinds = {(row["role"], row["part"], row["low"], row["high"], len(row["counts"])) for row in rows}
    assert sorted(kind[:2] for kind in kinds) == [
        ("down-sampling", "weight"),
        ("first", "weight"),
        ("last", "bias"),
        ("last", "weight"),
        ("norm", "bias"),
        ("norm", "weight"),
    ]
    down = {row["layer"] for row in rows if row["role"] == "down-sampling"}
    assert down == {f"layer{stage}.0.{name}" for stage in (2, 3, 4) for name in ("conv1", "downsample.0")}
    norms = weights_table(
        {"net": load(nets[0].options, data, nets[0].checkpoint)}, torch.zeros(1, 3, 32, 32)
    ).to_pylist()
    ones = next(row for row in norms if row["role"] == "norm" and row["part"] == "weight")
    assert ones["low"] < 1 < ones["high"]


def test_filters_and_feature_maps_are_those_of_the_net(tables: Path, nets: list[Trained], data: Path) -> None:
    net = load_network("classification")(nets[0].options, data, nets[0].checkpoint)
    filters = pq.read_table(tables / explained.FILTERS_FILE).to_pylist()
    for row in filters[:4]:
        assert row["values"] == pytest.approx(net.conv1.weight[row["filter"]].detach().flatten().tolist())
    deep = [row for row in filters if row["net"] == "baseline" and row["depth"] == "deep"]
    assert {row["layer"] for row in deep} == {"layer4.1.conv2"}
    assert [row["filter"] for row in deep] == list(range(32))
    maps = pq.read_table(tables / explained.FEATURE_MAPS_FILE).to_pylist()
    assert {row["net"] for row in maps} == {"baseline", "trial 0"}
    layers = list(dict.fromkeys(row["layer"] for row in maps))
    assert len(layers) == 4
    assert (layers[0], layers[-1]) == ("conv1", "layer4.1.conv2")


def test_the_same_picture_and_sample_come_each_time(data: Path) -> None:
    (one, origin), (again, _) = picture(data, None), picture(data, None)
    assert torch.equal(one, again)
    assert origin.startswith("validation image ")
    noisy, told = corrupted(one, "gaussian_noise", 3)
    assert told == "gaussian noise, severity 3"
    assert torch.equal(noisy, corrupted(one, "gaussian_noise", 3)[0])
    assert not torch.equal(one, noisy)
    images = read_images(data / "validation.arrow").images
    assert torch.equal(sample(data, 12), sample(data, 99)[:12])
    assert len(sample(data, 99)) == len(images)
    assert torch.equal(sample(data, 99).flatten(1).sum(1).sort().values, images.flatten(1).sum(1).sort().values)


@pytest.mark.parametrize(
    ("content", "told"), [(None, "No such file"), (b"no picture", "no image of a known format"), (b"", "no image")]
)
def test_a_picture_that_is_none_is_told_before_any_work(
    content: bytes | None, told: str, data: Path, tmp_path: Path
) -> None:
    path = tmp_path / "frog.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TrainableError, match=told) as raised:
        picture(data, path)
    assert raised.value.code == "IMAGES_UNREADABLE"
    assert "frog.png" in raised.value.message


def test_a_checkpoint_of_another_net_is_told(data: Path, nets: list[Trained], tmp_path: Path) -> None:
    other = Trained("trial 0", {**nets[0].options, "width": 8}, nets[0].checkpoint)
    with pytest.raises(TrainableError) as raised:
        explain("classification", [other], data, Asked(), Told("", "", (), ()), tmp_path)
    assert raised.value.code == "CKPT_CORRUPT"
    assert not list(tmp_path.iterdir())


def test_every_trainer_has_a_network_or_says_that_it_has_none() -> None:
    for name in trainer_names():
        if has_network(name):
            assert callable(load_network(name))
        else:
            with pytest.raises(TrainableError, match="has no network"):
                load_network(name)
    assert has_network("segmentation")
