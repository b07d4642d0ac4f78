import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from trainables import checkpoints, models
from trainables.classification.options import ClassificationOptions
from trainables.errors import TrainableError
from trainables.unet3plus import Architecture, UNet3Plus, build, enter_training, freeze

CLASSES = 5
THIN = Architecture("resnet18", 4, "small", 4)


def net_of(seed: int = 0, **options: Any) -> UNet3Plus:
    return build(dataclasses.replace(THIN, **options), CLASSES, seed)


def images_of(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def convolved(inputs: int, outputs: int) -> int:
    return 9 * inputs * outputs + 2 * outputs


def decoder_count(channels: tuple[int, ...], width: int, classes: int) -> int:
    total = 9 * 5 * width * classes + classes
    for level in range(4):
        inputs = [*channels[: level + 1], *[5 * width] * (3 - level), channels[4]]
        total += sum(convolved(channels_of, width) for channels_of in inputs) + convolved(5 * width, 5 * width)
    return total


def test_the_papers_own_network_has_its_26_97_million_parameters() -> None:
    net = build(Architecture("unet"), 1, 0)
    assert round(count(net) / 1e6, 2) == 26.97
    channels = (64, 128, 256, 512, 1024)
    encoder = sum(
        convolved(before, after) + convolved(after, after)
        for before, after in zip((3, *channels), channels, strict=False)
    )
    assert count(net) == encoder + decoder_count(channels, 64, 1)


@pytest.mark.parametrize(
    ("encoder", "channels"),
    [
        ("resnet34", (64, 64, 128, 256, 512)),
        pytest.param("resnet50", (64, 256, 512, 1024, 2048), marks=pytest.mark.slow),
    ],
)
def test_a_resnet_encoder_is_torchvisions_without_its_head(encoder: str, channels: tuple[int, ...]) -> None:
    net = build(Architecture(encoder), 21, 0)
    classifier = models.build(ClassificationOptions(model=encoder), 1, (3, 64, 64), 0)
    assert net.encoder.channels == channels
    assert net.encoder.strides == (2, 4, 8, 16, 32)
    kept = {name: value for name, value in classifier.state_dict().items() if not name.startswith("fc.")}
    own = net.encoder.state_dict()
    assert own.keys() == kept.keys()
    assert all(torch.equal(own[name], value) for name, value in kept.items())
    top = classifier.get_submodule("fc")
    assert count(net) == count(classifier) - count(top) + decoder_count(channels, 64, 21)


@pytest.mark.parametrize("size", [(32, 48), (65, 97), (1, 7), (33, 32)])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stem": "imagenet"},
        {"stem": "strided", "activation": "gelu"},
        {"encoder": "unet", "deep_supervision": True},
        {"deep_supervision": True, "classification_guided": True},
    ],
)
def test_scores_are_finite_and_of_the_images_size(size: tuple[int, int], options: dict[str, Any]) -> None:
    net = net_of(**options)
    with torch.no_grad():
        found = net.outputs(images_of(2, 3, *size))
    assert found.scores.shape == (2, CLASSES, *size)
    assert len(found.sides) == (4 if options.get("deep_supervision") else 0)
    assert all(side.shape == found.scores.shape for side in found.sides)
    assert (found.presence is not None) == options.get("classification_guided", False)
    assert found.presence is None or found.presence.shape == (2, CLASSES)
    assert all(values.isfinite().all() for values in (found.scores, *found.sides))
    with torch.no_grad():
        assert torch.equal(net(images_of(2, 3, *size)), found.scores)
        assert torch.equal(net(images_of(2, 3, *size)), found.scores)


def test_padding_repeats_the_last_pixels_and_leaves_multiples_alone() -> None:
    net = net_of()
    stride = net.encoder.strides[-1]
    images = images_of(1, 3, 2 * stride - 3, stride - 1)
    larger = nn.functional.pad(images, (0, 1, 0, 3), mode="replicate")
    assert larger.shape[2:] == (2 * stride, stride)
    with torch.no_grad():
        assert torch.equal(net(images), net(larger)[..., :-3, :-1])


def test_the_decoder_takes_from_finer_maps_by_their_largest_values_and_from_coarser_ones_bilinearly() -> None:
    net = net_of(encoder="unet")
    node = net.nodes[1]
    taken: list[Tensor] = []
    for branch in node.branches:
        branch.register_forward_pre_hook(lambda _, values: taken.append(values[0]))
    maps: list[Tensor] = []
    net.encoder.register_forward_hook(lambda _, inputs, found: maps.extend(found))
    coarser: list[Tensor] = []
    for level in (2, 3):
        net.nodes[level].register_forward_hook(lambda _, inputs, found: coarser.insert(0, found))
    with torch.no_grad():
        net(images_of(1, 3, 32, 32))
    expected = [
        nn.functional.max_pool2d(maps[0], 2),
        maps[1],
        nn.functional.interpolate(coarser[0], scale_factor=2, mode="bilinear"),
        nn.functional.interpolate(coarser[1], scale_factor=4, mode="bilinear"),
        nn.functional.interpolate(maps[4], scale_factor=8, mode="bilinear"),
    ]
    assert [values.shape for values in taken] == [values.shape for values in expected]
    assert all(torch.equal(one, other) for one, other in zip(taken, expected, strict=True))


@pytest.mark.parametrize("encoder", ["resnet18", "unet"])
def test_gradients_reach_every_parameter_that_trains(encoder: str) -> None:
    net = net_of(encoder=encoder, deep_supervision=True, classification_guided=True)
    for layers in (0, 2, 5):
        net.zero_grad()
        freeze(net, layers)
        enter_training(net, layers)
        with models.own_randomness(0, torch.device("cpu")):
            found = net.outputs(images_of(2, 3, 32, 32))
        assert found.presence is not None
        loss = sum(values.square().mean() for values in (found.scores, *found.sides, found.presence))
        assert isinstance(loss, Tensor)
        loss.backward()  # type: ignore[no-untyped-call]
        reached = {name for name, value in net.named_parameters() if value.grad is not None}
        assert reached == {name for name, value in net.named_parameters() if value.requires_grad}
        frozen = {id(value) for stage in net.encoder.stages()[: 4 - layers] for value in stage.parameters()}
        if layers < 5:
            assert all((value.grad is None) == (id(value) in frozen) for value in stage_parameters(net))
            assert not net.encoder.training
        else:
            assert len(reached) == len(list(net.parameters()))
        for name, value in net.named_parameters():
            assert value.grad is None or value.grad.isfinite().all(), name


def stage_parameters(net: UNet3Plus) -> list[nn.Parameter]:
    return [value for stage in net.encoder.stages() for value in stage.parameters()]


def test_a_class_said_to_be_absent_has_lower_scores() -> None:
    net = net_of(classification_guided=True)
    assert isinstance(net.guide, nn.Sequential)
    with torch.no_grad():
        before = net(images_of(1, 3, 32, 32))
        net.guide[1].bias[2] -= 50
        after = net(images_of(1, 3, 32, 32))
    others = [0, 1, 3, 4]
    assert torch.equal(after[:, others], before[:, others])
    assert (before[:, 2] - after[:, 2] > 40).all()


def test_activations_are_exchanged_in_encoder_and_decoder() -> None:
    kinds = {type(module) for module in net_of(activation="silu").modules()}
    assert nn.SiLU in kinds
    assert nn.ReLU not in kinds


def test_weights_are_a_function_of_the_seed_and_come_back_from_a_checkpoint(tmp_path: Path) -> None:
    before = torch.random.get_rng_state()
    first, again, other = net_of(3).state_dict(), net_of(3).state_dict(), net_of(4)
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["head.weight"], other.state_dict()["head.weight"])
    checkpoints.save(tmp_path / "net.safetensors", first, {})
    other.load_state_dict(checkpoints.load(tmp_path / "net.safetensors")[0])
    with torch.no_grad():
        assert torch.equal(other(images_of(1, 3, 16, 16)), net_of(3)(images_of(1, 3, 16, 16)))


def test_published_weights_fill_the_encoder(tmp_path: Path) -> None:
    published = models.build(ClassificationOptions(), 1000, (3, 32, 32), seed=5)
    torch.save(published.state_dict(), tmp_path / "weights.pth")
    net = build(Architecture("resnet18", decoder_width=4), CLASSES, 0, str(tmp_path / "weights.pth"))
    name = "layer4.1.conv2.weight"
    assert torch.equal(net.encoder.get_parameter(name), published.get_parameter(name))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"encoder": "vgg11"}, "encoder: 'vgg11' is none of resnet18.*unet"),
        ({"decoder_width": 0, "activation": "softmax"}, r"activation: 'softmax'.*decoder_width: 0 is not above 0"),
    ],
)
def test_what_cannot_be_built_is_said_at_once(options: dict[str, Any], says: str) -> None:
    with pytest.raises(TrainableError, match=says) as caught:
        net_of(**options)
    assert caught.value.code == "OPTION_INVALID"
    with pytest.raises(TrainableError, match="published for ResNets of width 64"):
        build(THIN, CLASSES, 0, "")
