"""The network that attacks walk on is the one they were given, by less arithmetic."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from trainables.classification.options import ClassificationOptions
from trainables.models import build
from trainables.perturbations.convolutions import Dense, Unshuffled
from trainables.perturbations.frozen import frozen
from trainables.seeds import generator


def scores_and_gradient(net: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    images = images.clone().requires_grad_()
    scores = net(images)
    (gradient,) = torch.autograd.grad(scores.square().sum(), images)
    return scores.detach(), gradient


def assert_same(net: nn.Module, other: nn.Module, images: Tensor) -> None:
    for one, two in zip(scores_and_gradient(net, images), scores_and_gradient(other, images), strict=True):
        assert (one - two).abs().max() <= 1e-4 * one.abs().max()


def learnt(net: nn.Module) -> nn.Module:
    """Batch norms that do something."""
    draw = generator("statistics")
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d) and module.running_mean is not None:
            module.running_mean.normal_(0, 0.1, generator=draw)
            module.running_var.uniform_(0.5, 2, generator=draw)
            with torch.no_grad():
                module.weight.uniform_(0.5, 1.5, generator=draw)
                module.bias.normal_(0, 0.1, generator=draw)
    return net.eval()


def kinds(net: nn.Module) -> set[type]:
    return {type(module) for module in net.modules()}


@pytest.mark.parametrize("stem", ["imagenet", "strided", "small"])
def test_a_resnet_gives_the_same_scores_and_gradients_without_its_batch_norms(stem: str) -> None:
    net = learnt(build(ClassificationOptions(width=16, stem=stem), 5, (3, 32, 32), seed=0))
    images = torch.randn(3, 3, 32, 32, generator=generator("images"))
    copied = frozen(net, images[:1])
    assert_same(net, copied, images)
    assert nn.BatchNorm2d not in kinds(copied)
    assert (Unshuffled in kinds(copied)) == (stem != "small")
    assert (Dense in kinds(copied)) == (stem != "small")
    assert_same(net, copied, torch.randn(2, 3, 48, 40, generator=generator("others")))
    assert_same(net, copied, torch.randn(2, 3, 37, 33, generator=generator("odd")))


@pytest.mark.parametrize("model", ["densenet121", "mobilenet_v3_small", "resnext50_32x4d"])
def test_other_architectures_give_the_same_scores(model: str) -> None:
    net = learnt(build(ClassificationOptions(model=model), 5, (3, 32, 32), seed=0))
    images = torch.randn(2, 3, 32, 32, generator=generator("images"))
    copied = frozen(net, images[:1])
    for one, other in ((net(images), copied(images)),):
        assert (one - other).abs().max() <= 1e-3 * one.abs().max()


def test_resizing_before_the_network_is_kept() -> None:
    net = learnt(build(ClassificationOptions(width=8, stem="small", input_size=24), 5, (3, 16, 16), seed=0))
    images = torch.randn(2, 3, 16, 16, generator=generator("images"))
    assert_same(net, frozen(net, images), images)


class Shared(nn.Module):
    """A convolution that two layers read, one that is called twice, and a batch norm without statistics."""

    def __init__(self, branches: bool = False) -> None:
        super().__init__()
        self.first, self.again = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.one, self.two, self.three = (nn.BatchNorm2d(4, track_running_stats=kept) for kept in (True, True, False))
        self.last = nn.Conv2d(4, 5, 1)
        self.branches = branches

    def forward(self, images: Tensor) -> Tensor:
        if self.branches and images.sum() > 1e9:  # what no tracer can follow
            return images.mean((2, 3))
        found = self.first(images)
        found = self.one(found) + found
        found = self.two(self.again(self.again(found)))
        return self.three(self.last(found)[:, :4]).mean((2, 3))


@pytest.mark.parametrize("branches", [False, True])
def test_layers_that_cannot_be_folded_stay(branches: bool) -> None:
    net = learnt(Shared(branches))
    images = torch.randn(6, 3, 9, 9, generator=generator("images"))
    assert_same(net, frozen(net, images), images)


def test_nothing_of_the_copy_learns_or_belongs_to_the_net(victim: Any) -> None:
    copied = frozen(victim.net, victim.normalisation.of(victim.images[:1]))
    assert not any(module.training for module in copied.modules())
    assert not any(parameter.requires_grad or parameter.grad is not None for parameter in copied.parameters())
    mine = {parameter.data_ptr() for parameter in victim.net.parameters()}
    assert mine.isdisjoint(parameter.data_ptr() for parameter in copied.parameters())


@pytest.mark.parametrize(("side", "reach"), [(3, 1), (5, 2), (7, 3)])
@pytest.mark.parametrize("bias", [False, True])
def test_an_unshuffled_convolution_is_the_plain_one(side: int, reach: int, bias: bool) -> None:
    layer = nn.Conv2d(3, 6, side, 2, reach, bias=bias).requires_grad_(False)
    images = torch.randn(2, 3, 12, 10, generator=generator("images"))
    assert Unshuffled.suits(layer, images.shape)
    assert_same(layer, Unshuffled(layer), images)
    assert_same(layer, Unshuffled(layer), images[:, :, :-1])


@pytest.mark.parametrize(
    ("side", "stride", "padding", "shape"),
    [(3, 1, 1, (2, 2)), (3, 2, 1, (2, 1)), (3, 1, 0, (3, 3)), (5, 2, 2, (3, 2)), (3, 1, 1, (1, 1))],
)
@pytest.mark.parametrize("bias", [False, True])
def test_a_dense_convolution_is_the_plain_one(
    side: int, stride: int, padding: int, shape: tuple[int, int], bias: bool
) -> None:
    layer = nn.Conv2d(4, 6, side, stride, padding, bias=bias).requires_grad_(False)
    images = torch.randn(3, 4, *shape, generator=generator("images"))
    assert Dense.suits(layer, images.shape)
    assert_same(layer, Dense(layer, images.shape), images)
    assert_same(layer, Dense(layer, images.shape), torch.randn(2, 4, 8, 8, generator=generator("larger")))


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(4, 4, 3, 1, 1, groups=2),
        nn.Conv2d(4, 4, 3, 1, 2, dilation=2),
        nn.Conv2d(4, 4, 3, 1, "same"),
        nn.Conv2d(4, 4, 3, 1, 1, padding_mode="reflect"),
        nn.Conv2d(4, 4, 1),
    ],
    ids=["groups", "dilation", "same", "reflect", "pointwise"],
)
def test_what_they_do_not_know_they_leave(layer: nn.Conv2d) -> None:
    assert not Dense.suits(layer, torch.Size((1, 4, 2, 2)))
    assert not Unshuffled.suits(layer, torch.Size((1, 4, 2, 2)))


def test_a_matrix_with_zeros_is_not_built() -> None:
    assert not Dense.suits(nn.Conv2d(4, 4, 3, 1, 1), torch.Size((1, 4, 3, 3)))
    assert not Dense.suits(nn.Conv2d(4, 4, 3, 2, 1), torch.Size((1, 4, 4, 4)))
