import math
import zlib

import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from trainables.classification.options import ClassificationOptions
from trainables.errors import TrainableError
from trainables.models import build
from trainables.perturbations.noise_draws import Scratch, WeightNoise, maximum, pieces
from trainables.perturbations.noise_targets import NoisyWeight, Targets, check
from trainables.perturbations.weight_noise import Perturber, backward, noise, perturbed

EVERYTHING = Targets(("conv", "norm", "linear"))
NOISE = WeightNoise(0.1, 2.0, targets=EVERYTHING)


def generator(*parts: str) -> torch.Generator:
    return torch.Generator().manual_seed(zlib.crc32("/".join(parts).encode()))


class Attentive(nn.Module):
    """A convolution, batch norm with and without weights, attention, layer norm and two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3)
        self.norms = nn.Sequential(nn.BatchNorm2d(8), nn.BatchNorm2d(8, affine=False))
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm = nn.LayerNorm(8)
        self.first, self.last = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, images: Tensor) -> Tensor:
        words = self.norms(self.stem(images)).flatten(2).transpose(1, 2)
        mixed = self.norm(words + self.attention(words, words, words, need_weights=False)[0])
        result: Tensor = self.last(self.first(mixed)).mean(1)
        return result


def net_of(kind: type[nn.Module] = Attentive) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return kind()


def state(net: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in net.state_dict().items()}


def changed(net: nn.Module, before: dict[str, Tensor]) -> set[str]:
    return {name for name, value in net.state_dict().items() if not torch.equal(value, before[name])}


TIED = "encoder.layers.encoder_layer_1.mlp."
IMAGES = torch.randn(2, 3, 6, 6, generator=generator("images"))


@pytest.mark.parametrize(
    ("targets", "names"),
    [
        (Targets(), {"stem.weight", "norms.0.weight"}),
        (Targets(("norm",)), {"norms.0.weight", "norm.weight"}),
        (Targets(("linear",), ("*tion*",)), {"attention.in_proj_weight", "attention.out_proj.weight"}),
        (Targets(("linear", "conv"), ("stem.*", "l*")), {"stem.weight", "last.weight"}),
    ],
)
def test_targets_are_types_of_layers_and_patterns_of_names(targets: Targets, names: set[str]) -> None:
    net = net_of()
    assert check({"it": net}, targets) == {"it": len(names)}
    before = state(net)
    perturber = Perturber(net, WeightNoise(0.1, 2.0, targets=targets))
    with perturber.perturbed(generator("draw")):
        assert changed(net, before) == names == set(perturber.names)
    assert not changed(net, before)


@pytest.mark.parametrize(
    ("targets", "says"),
    [
        (Targets(("conv", "linear"), ("stem*",)), "no linear layer"),
        (Targets(("conv",), ("stem*", "steam.weight")), r"'steam\.weight' matches no weight.*'stem\.weight'"),
        (Targets(("conv",), ("steam.*",)), r"own_names: 'steam\.\*' matches no weight .* in it, other; there is 'st"),
    ],
)
def test_targets_that_reach_nothing_are_refused(targets: Targets, says: str) -> None:
    with pytest.raises(TrainableError, match=says) as caught:
        check({"it": net_of(), "other": nn.Conv2d(3, 4, 3)}, targets, "own")
    assert caught.value.code == "OPTION_INVALID"


def test_of_several_nets_each_is_reached() -> None:
    nets = {"it": net_of(), "other": nn.Sequential(nn.Conv2d(3, 4, 3))}
    assert check(nets, Targets(("conv",), ("stem*", "0.*"))) == {"it": 1, "other": 1}
    with pytest.raises(TrainableError, match=r"noise_names: 'stem\*' match no weight of other"):
        check(nets, Targets(("conv",), ("stem*",)))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ((-0.1, 2.0), "at least 0"),
        ((math.nan, 2.0), "at least 0"),
        ((0.1, 0.0), "above 0"),
        ((0.1, 1, "per_net"), "per_layer"),
    ],
)
def test_unlawful_noise_is_refused(values: tuple[float, ...], says: str) -> None:
    with pytest.raises(TrainableError, match=says):
        WeightNoise(*values)  # type: ignore[arg-type]
    with pytest.raises(TrainableError, match="'dense' is no type of layer"):
        Targets(("dense",))


@pytest.mark.parametrize("shape", [(300, 31, 3, 3), (70001,), (7, 3, 3, 3), (70, 1001, 1, 1), (3, 5), (40, 33, 7, 7)])
@pytest.mark.parametrize("channels_last", [False, True])
def test_pieces_are_one_draw_bit_for_bit(shape: tuple[int, ...], channels_last: bool) -> None:
    weight = nn.Parameter(torch.randn(shape, generator=generator("weight")))
    if channels_last and len(shape) == 4:
        weight.data = weight.data.contiguous(memory_format=torch.channels_last)
    slow, fast = generator("draw"), generator("draw")
    expected = noise(weight.detach(), 0.1, 2.0, slow)
    target = NoisyWeight("weight", weight, len(shape) > 2, 1, False)
    found = torch.empty_like(weight)
    for place, drawn, _ in pieces(target, WeightNoise(0.1, 2.0), fast, found, Scratch()):
        place.detach().copy_(drawn)
    assert torch.equal(found, expected)
    assert torch.equal(slow.get_state(), fast.get_state())


def test_the_maximum_per_layer_is_one_number() -> None:
    weight = torch.randn(4, 3, 3, 3, generator=generator("weight"))
    assert maximum(weight, "per_layer").shape == (1, 1, 1, 1)
    assert maximum(weight, "per_layer").item() == weight.abs().max()
    assert maximum(weight[0, 0]).shape == (1, 1)
    with_layer = drawn_for(nn.Conv2d(3, 4, 3), WeightNoise(1.0, 9.0, "per_layer"))
    by_kernel = drawn_for(nn.Conv2d(3, 4, 3), WeightNoise(1.0, 9.0))
    ratio = with_layer / by_kernel
    assert torch.allclose(ratio, ratio[:, :, :1, :1].expand_as(ratio), rtol=1e-4)
    assert (ratio >= 1 - 1e-5).all()


def drawn_for(layer: nn.Module, noise: WeightNoise) -> Tensor:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        layer.reset_parameters()  # type: ignore[operator]
    return Perturber(layer, noise).draw(generator("draw")).noise[0]


@pytest.mark.parametrize("clip", [1, 2, 3])
def test_clipped_share_and_effective_deviation_are_the_closed_forms(clip: int) -> None:
    layer = nn.Linear(700, 700, bias=False)
    nn.init.ones_(layer.weight)
    drawn = drawn_ones(layer, clip)
    tail = 2 * stats.norm.sf(clip)
    share = float((drawn.abs() >= clip).double().mean())
    assert abs(share - tail) < 5 * math.sqrt(tail * (1 - tail) / drawn.numel())
    # Of a clamp; resampling would give the smaller deviation of a truncated normal distribution.
    deviation = math.sqrt(1 - tail - 2 * clip * stats.norm.pdf(clip) + clip**2 * tail)
    assert float(drawn.double().std()) == pytest.approx(deviation, rel=0.006)
    assert float(drawn.double().std()) > stats.truncnorm(-clip, clip).std() * 1.005
    assert abs(float(drawn.double().mean())) < 5 * deviation / math.sqrt(drawn.numel())


def drawn_ones(layer: nn.Linear, clip: float) -> Tensor:
    return Perturber(layer, WeightNoise(1.0, clip, targets=Targets(("linear",)))).draw(generator("ones")).noise[0]


def test_draws_are_independent_from_step_to_step() -> None:
    layer = nn.Linear(64, 64, bias=False)
    perturber, numbers = Perturber(layer, NOISE), generator("steps")
    seen = []
    for _ in range(12):
        with perturber.perturbed(numbers):
            seen.append(layer.weight.detach().clone().flatten())
        seen[-1] -= layer.weight.detach().flatten()
    found = torch.corrcoef(torch.stack(seen)) - torch.eye(12)
    # 66 pairs of 4096 values: five standard deviations of a correlation of independent numbers.
    assert found.abs().max() < 5 / math.sqrt(4096)


def test_a_held_draw_is_the_same_in_each_step_while_the_weights_move() -> None:
    layer = nn.Linear(8, 8, bias=False)
    perturber = Perturber(layer, NOISE)
    held = perturber.draw(generator("epoch"))
    for _ in range(3):
        clean = layer.weight.detach().clone()
        with perturber.perturbed(held):
            assert torch.equal(layer.weight, clean + held.noise[0])
        assert torch.equal(layer.weight, clean)
        with torch.no_grad():
            layer.weight.mul_(1.1)
    with perturber.perturbed(perturber_state := generator("epoch")):
        pass
    assert not torch.equal(perturber_state.get_state(), generator("epoch").get_state())


def test_all_steps_share_one_copy_of_the_noisy_weights_and_a_held_draw_is_one_more() -> None:
    net = nn.Sequential(nn.Conv2d(64, 320, 3, bias=False), nn.Linear(300, 700, bias=False))
    perturber = Perturber(net, NOISE)
    clean = {weight.data_ptr() for weight in net.parameters()}
    held = perturber.draw(generator("epoch"))
    seen = []
    for source in (generator("a"), generator("b"), held, generator("c")):
        with perturber.perturbed(source):
            seen.append([weight.data_ptr() for weight in net.parameters()])
    assert all(places == seen[0] for places in seen)
    assert not set(seen[0]) & clean
    copy = sum(weight.nbytes for weight in net.parameters())
    assert sum(room.nbytes for room in perturber._rooms) == sum(each.nbytes for each in held.noise) == copy
    pieces_of_memory = [kept.nbytes for kept in perturber._scratch._kept.values()]
    assert sum(pieces_of_memory) < 0.5 * copy < 2**20  # it does not grow with the net


@pytest.mark.parametrize("autocast", [False, True])
def test_everything_returns_bit_for_bit_also_frozen_tied_and_after_an_exception(autocast: bool) -> None:
    net = net_of()
    net.get_submodule("stem").requires_grad_(False)
    net.last.weight = net.first.weight  # type: ignore[union-attr]
    net.eval()
    before, images = state(net), IMAGES
    perturber = Perturber(net, NOISE)
    assert perturber.names.count("first.weight") == 1
    assert "last.weight" not in perturber.names
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        clean = net(images)
        for draw in range(3):
            with perturber.perturbed(generator(str(draw))):
                assert len(changed(net, before)) == 7
                # One tied weight is perturbed once, and autocast's casts of the clean weights are not used on.
                assert torch.equal(net.first.weight, net.last.weight)  # type: ignore[union-attr]
                assert not torch.equal(net(images), clean)
            assert not changed(net, before)
            assert torch.equal(net(images), clean)
        with pytest.raises(KeyError), perturber.perturbed(generator("other")):
            raise KeyError
    assert not changed(net, before)
    assert not net.get_parameter("stem.weight").requires_grad


def test_parameters_that_share_memory_share_the_noise() -> None:
    pair = nn.ModuleList([nn.Linear(4, 6, bias=False), nn.Linear(6, 4, bias=False)])
    first, second = pair[0].weight, pair[1].weight
    second.data = first.data.t()
    before = state(pair)
    perturber = Perturber(pair, NOISE)
    assert perturber.names == ("0.weight",)
    with perturber.perturbed(generator("draw")):
        assert torch.equal(first.t(), second)
        assert not torch.equal(first, before["0.weight"])
    assert not changed(pair, before)
    assert first.data_ptr() == second.data_ptr()


def test_a_packed_attention_has_the_maximum_of_each_projection() -> None:
    attention = nn.MultiheadAttention(64, 2)
    with torch.no_grad():
        for scale, part in zip((1.0, 10.0, 100.0), attention.in_proj_weight.chunk(3), strict=True):
            part.fill_(scale)
    drawn = Perturber(attention, NOISE).draw(generator("draw")).noise[0].chunk(3)
    sizes = [float(part.std()) for part in drawn]
    assert sizes == pytest.approx([0.0957, 0.957, 9.57], rel=0.05)


def test_a_perturber_is_not_entered_inside_itself() -> None:
    layer = nn.Linear(2, 2)
    perturber = Perturber(layer, NOISE)
    with perturber.perturbed(generator("a")):
        once = layer.weight.detach().clone()
        with pytest.raises(RuntimeError, match="room for one"), perturber.perturbed(generator("b")):
            pass
        assert torch.equal(layer.weight, once)
        with Perturber(layer, NOISE).perturbed(generator("b")):
            assert not torch.equal(layer.weight, once)
        assert torch.equal(layer.weight, once)


class Product(nn.Module):
    """y = b * a * x by two linear layers, whose gradients are known."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)

    def forward(self, values: Tensor) -> Tensor:
        result: Tensor = self.last(self.first(values))
        return result


@pytest.mark.parametrize("layer", ["linear", "conv"])
def test_gradients_are_the_analytic_ones_in_both_modes(layer: str) -> None:
    net: nn.Module = Product()
    value = torch.tensor([[1.5]])
    if layer == "conv":
        net = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.Conv2d(1, 1, 1, bias=False))
        value = value[None, None]
    a, b = net.parameters()
    with torch.no_grad():
        a.fill_(2.0), b.fill_(-3.0)
    perturber = Perturber(net, WeightNoise(0.2, 2.0, targets=Targets((layer,))))
    held = perturber.draw(generator("draw"))
    da, db = (float(noise.sum()) for noise in held.noise)
    assert da != 0 != db
    for gradient, (of_a, of_b) in {
        # Activations are noisy in both: dL/db = a' x. What goes back to a passes b, clean or noisy.
        "recovered": (-3.0 * 1.5, (2.0 + da) * 1.5),
        "perturbed": ((-3.0 + db) * 1.5, (2.0 + da) * 1.5),
    }.items():
        net.zero_grad()
        loss = backward(perturber.perturbed(held), lambda: net(value).sum(), gradient)
        assert float(loss) == pytest.approx((2 + da) * (-3 + db) * 1.5, rel=1e-5)
        assert a.grad is not None
        assert b.grad is not None
        assert [float(a.grad.sum()), float(b.grad.sum())] == pytest.approx([of_a, of_b], rel=1e-5)


@pytest.mark.parametrize("autocast", [False, True])
def test_a_vision_transformer_with_tied_weights_comes_back_bit_for_bit(autocast: bool) -> None:
    told = {"model": "vit_b_16", "width": 4, "patch_size": 8, "depth": 2}
    net = build(ClassificationOptions(**told), 10, (3, 16, 16), seed=0)
    first, second = (net.get_submodule(f"encoder.layers.encoder_layer_{layer}.mlp.0") for layer in range(2))
    second.weight = first.weight
    images = torch.randn(2, 3, 16, 16, generator=generator("images"))
    perturber = Perturber(net, WeightNoise(0.1, 2.0, targets=Targets(("linear",))))
    attention = "encoder.layers.encoder_layer_0.self_attention."
    assert {f"{attention}in_proj_weight", f"{attention}out_proj.weight"} < set(perturber.names)
    assert f"{TIED}0.weight" not in perturber.names
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        nn.init.normal_(net.get_parameter("heads.head.weight"), generator=generator("head"))
        before = state(net)
        clean = net(images)
        with perturber.perturbed(generator("draw")):
            assert torch.equal(first.weight, second.weight)
            assert changed(net, before) == {*perturber.names, f"{TIED}0.weight"}
            assert not torch.equal(net(images), clean)
        assert not changed(net, before)
        assert torch.equal(net(images), clean)


def test_recovered_gradients_of_attention_flow_through_clean_weights() -> None:
    net = net_of().eval()
    images = IMAGES.clone().requires_grad_()
    last = net.get_parameter("last.weight")
    output = perturbed(net, 0.1, 2.0, generator("draw"), targets=Targets(("linear",), ("first*", "last*")))
    with output:
        score = net(images).sum()
    (found,) = torch.autograd.grad(score, net.get_parameter("first.bias"))
    assert torch.allclose(found, len(images) * last.detach().sum(0), rtol=1e-4)
