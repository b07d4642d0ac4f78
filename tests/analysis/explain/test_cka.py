"""CKA against closed forms and a float64 reference on the whole batch; hooks, order of layers, dead channels."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torchvision.models import VisionTransformer

from analysis.explain.alignment import cka_table
from analysis.explain.cka import LEAST, MinibatchCka, gram
from analysis.explain.layers import Layer, layers_of, watched
from trainables.classification.options import ClassificationOptions
from trainables.errors import TrainableError
from trainables.models import build
from trainables.seeds import generator


def hsic(one: Tensor, other: Tensor) -> Tensor:
    """The unbiased estimator as Song et al. write it, of float64 features, without any shortcut."""
    size = len(one)
    first, second = ((values.double().flatten(1) @ values.double().flatten(1).T) for values in (one, other))
    for matrix in (first, second):
        matrix.fill_diagonal_(0)
    ones = torch.ones(size, dtype=torch.float64)
    trace = torch.trace(first @ second)
    product = (ones @ first @ ones) * (ones @ second @ ones) / ((size - 1) * (size - 2))
    mixed = 2 / (size - 2) * (ones @ first @ second @ ones)
    return (trace + product - mixed) / (size * (size - 3))


def reference(one: list[Tensor], other: list[Tensor]) -> float:
    cross = sum(hsic(a, b) for a, b in zip(one, other, strict=True))
    own = sum(hsic(a, a) for a in one) * sum(hsic(b, b) for b in other)
    return float(cross / math.sqrt(own))


def aligned(*features: Tensor, batch: int = 10_000) -> Tensor:
    sums = MinibatchCka(len(features))
    for parts in zip(*(values.split(batch) for values in features), strict=True):
        sums.add([gram(part) for part in parts])
    return sums.matrix()


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=generator("test", seed))


@settings(deadline=None)
@given(seed=st.integers(0, 1000), width=st.integers(1, 40), scale=st.floats(1e-6, 1e6))
def test_a_representation_is_itself_whatever_its_scale_its_place_and_its_turn(
    seed: int, width: int, scale: float
) -> None:
    features = drawn(24, width, seed=seed)
    turn, _ = torch.linalg.qr(drawn(width, width, seed=seed + 1))
    found = aligned(features, features * scale, features @ turn, features + 7.5)
    assert torch.allclose(found, torch.ones(4, 4, dtype=torch.float64), atol=2e-5)
    assert torch.equal(found, found.T)


@pytest.mark.parametrize("offset", [0.0, 30.0, 1000.0])
@pytest.mark.parametrize("batch", [200, 48])
def test_it_is_the_float64_reference_to_1e5_also_far_from_zero(offset: float, batch: int) -> None:
    """The last batch of 48 has 8 images. Without centring first, float32 loses 0.14 and more here."""
    one = drawn(200, 6, 4, 4) + offset
    other = 0.4 * one.flatten(1)[:, :30] ** 2 / (1 + offset) + drawn(200, 30, seed=2) + offset
    # The reference is of centred features: it cancels digits of its own where a mean is hundreds of deviations away.
    wide = [list((values.double() - values.double().mean(0)).split(batch)) for values in (one, other)]
    wanted = reference(*wide)
    assert float(aligned(one, other, batch=batch)[0, 1]) == pytest.approx(wanted, abs=1e-5)


def test_layers_of_a_real_net_are_the_float64_reference_of_the_whole_batch() -> None:
    net = thin()
    images = drawn(64, 3, 32, 32)
    layers = layers_of(net, images[:1])
    wide: list[Tensor] = []
    with watched(layers, lambda _, output: wide.append(output.double().flatten(1).clone())), torch.no_grad():
        net(images)
    table = cka_table({"net": net}, images).to_pylist()
    for row in table[::5]:
        wanted = reference([wide[row["place"]]], [wide[row["other_place"]]])
        assert row["cka"] == pytest.approx(wanted, abs=1e-5)
    assert [row["layer"] for row in table[:: len(layers)]] == [layer.name for layer in layers]


def test_a_container_has_what_its_last_part_gave_and_not_what_was_made_of_it_in_place() -> None:
    net, images = thin(), drawn(12, 3, 32, 32)
    every = [Layer(name, module, 0) for name, module in net.named_modules()]
    copies: dict[int, Tensor] = {}
    with watched(every, lambda place, output: copies.update({place: output.clone()})), torch.no_grad():
        net(images)
    wanted = aligned(*(copies[place] for place in range(len(every))))
    values = cka_table({"net": net}, images, chosen={"net": every})["cka"].to_numpy().reshape(wanted.shape)
    assert values == pytest.approx(wanted.numpy(), abs=1e-9)
    names = [layer.name for layer in every]
    assert values[names.index("layer1"), names.index("layer1.1")] == pytest.approx(1)
    assert values[names.index("layer1.0.bn1"), names.index("layer1.0.relu")] < 0.999


def test_unrelated_features_are_near_zero_however_many_there_are() -> None:
    """The biased estimator would say 0.9 and more of 4000 channels and 64 images."""
    assert abs(float(aligned(drawn(64, 4000), drawn(64, 4000, seed=1))[0, 1])) < 0.1


def test_dead_channels_and_a_last_batch_of_three_give_no_nan() -> None:
    live = drawn(35, 8)
    dead, constant = torch.zeros(35, 8), torch.full((35, 8), 0.1)
    once = torch.zeros(35, 8)
    once[3, 0] = 5.0
    found = aligned(live, dead, constant, once, torch.cat([live, constant], 1), batch=16)
    assert bool(torch.isfinite(found).all())
    assert float(found[0, 0]) == pytest.approx(1)
    assert not bool(found[1:4].any())
    assert float(found[0, 4]) == pytest.approx(1, abs=1e-6)
    first = aligned(live[:32], live[:32] ** 2, batch=16)
    assert torch.equal(aligned(live, live**2, batch=16), first)


def test_great_features_are_no_infinity() -> None:
    features = drawn(12, 5) * 1e30
    assert float(aligned(features, drawn(12, 5))[0, 0]) == pytest.approx(1)


def test_matrices_of_other_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="2 layers"):
        MinibatchCka(2).add([gram(drawn(8, 2))])
    with pytest.raises(ValueError, match="one shape"):
        MinibatchCka(2).add([gram(drawn(8, 2)), gram(drawn(9, 2))])


def thin(model: str = "resnet18") -> nn.Module:
    return build(ClassificationOptions(model=model, width=8, stem="strided"), 10, (3, 32, 32), seed=0)


def hooks(net: nn.Module) -> int:
    return sum(len(module._forward_hooks) for module in net.modules())


def test_pairs_share_their_batches_and_no_hook_is_left() -> None:
    one, other = thin(), thin()
    before = {name: value.clone() for name, value in one.state_dict().items()}
    table = cka_table({"one": one, "other": other}, drawn(19, 3, 32, 32), batch=8)
    layers = [layer.name for layer in layers_of(one, drawn(1, 3, 32, 32))]
    assert hooks(one) == hooks(other) == 0
    assert all(torch.equal(value, before[name]) for name, value in one.state_dict().items())
    pairs = list(dict.fromkeys(zip(table["net"].to_pylist(), table["other"].to_pylist(), strict=True)))
    assert pairs == [("one", "one"), ("one", "other"), ("other", "other")]
    values = table["cka"].to_numpy().reshape(3, len(layers), len(layers))
    assert values[0] == pytest.approx(values[1], abs=1e-9)
    assert values[0].diagonal() == pytest.approx(1)
    assert layers[0] == "conv1"
    assert layers[-1] == "fc"
    assert layers.index("layer2.0.conv2") < layers.index("layer2.0.downsample.0")


def test_hooks_go_after_an_exception_too() -> None:
    net = thin()
    layers = layers_of(net, drawn(1, 3, 32, 32))

    def receive(place: int, output: Tensor) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError), watched(layers, receive):
        net(drawn(1, 3, 32, 32))
    assert hooks(net) == 0


def test_values_that_are_no_numbers_are_told_with_net_and_layer() -> None:
    net = thin()
    with torch.no_grad():
        net.get_parameter("layer1.0.conv1.weight").fill_(math.nan)
    with pytest.raises(TrainableError, match=r"trial 3: its layer layer1\.0\.conv1") as told:
        cka_table({"trial 3": net}, drawn(8, 3, 32, 32))
    assert told.value.code == "NONFINITE"
    with pytest.raises(TrainableError, match=f"{LEAST} images at least, and 3 came"):
        cka_table({"trial 3": net}, drawn(3, 3, 32, 32))


class Shared(nn.Module):
    """Computes with one layer twice, and has another that never computes."""

    def __init__(self) -> None:
        super().__init__()
        self.idle, self.once, self.twice = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, values: Tensor) -> Tensor:
        found: Tensor = self.once(self.twice(self.twice(values)))
        return found


def test_a_layer_that_computes_twice_has_two_rows_and_an_idle_one_none() -> None:
    net, values = Shared(), drawn(6, 4)
    layers = layers_of(net, values)
    assert [layer.name for layer in layers] == ["twice", "twice (2)", "once"]
    seen: list[tuple[int, Tensor]] = []
    with watched(layers, lambda place, output: seen.append((place, output))), torch.no_grad():
        for _ in range(2):
            net(values)
    assert [place for place, _ in seen] == [0, 1, 2, 0, 1, 2]
    assert torch.equal(seen[1][1], net.twice(net.twice(values)))


def test_attention_that_computes_without_calling_its_layers_is_watched_as_a_whole() -> None:
    net = VisionTransformer(16, 8, 1, 2, 16, 32, num_classes=4).eval()
    names = [layer.name.rpartition("encoder_layer_0.")[2] for layer in layers_of(net, drawn(1, 3, 16, 16))]
    assert names == ["conv_proj", "self_attention", "mlp.0", "mlp.3", "heads.head"]
    assert cka_table({"net": net}, drawn(9, 3, 16, 16)).num_rows == 25
