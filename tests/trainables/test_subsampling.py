import pytest
import torch
from torch import nn

from trainables.classification.options import ClassificationOptions
from trainables.models import build
from trainables.subsampling import NARROW, SubsampledConvolution, exchange_narrow


@pytest.mark.parametrize(("channels", "groups", "bias", "side"), [(4, 1, False, 9), (15, 1, True, 8), (32, 4, True, 7)])
def test_it_computes_what_the_plain_convolution_does(channels: int, groups: int, bias: bool, side: int) -> None:
    generator = torch.Generator().manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(channels, 2 * channels, 1, 2, bias=bias, groups=groups)).double()
    images = torch.randn(3, channels, side, side, generator=generator, dtype=torch.float64)
    found = []
    for _ in range(2):
        point = images.clone().requires_grad_()
        scores = plain(point)
        slope = torch.randn(scores.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        found.append((scores, *torch.autograd.grad((scores * slope).sum(), [point, *plain.parameters()])))
        exchange_narrow(plain)
    assert isinstance(plain[0], SubsampledConvolution)
    assert all(torch.allclose(one, two, atol=1e-12) for one, two in zip(*found, strict=True))


def test_only_layers_that_would_write_past_their_memory_are_exchanged() -> None:
    others = [nn.Conv2d(16, 32, 1, 2), nn.Conv2d(4, 8, 1), nn.Conv2d(4, 8, 3, 2), nn.Conv2d(4, 8, 1, 2, padding=1)]
    net = nn.Sequential(*others)
    exchange_narrow(net)
    assert all(one is two for one, two in zip(net, others, strict=True))


@pytest.mark.parametrize("width", [4, 8, 16, 64])
def test_thin_networks_have_none_left_and_the_same_names(width: int) -> None:
    net = build(ClassificationOptions(width=width), 10, (3, 32, 32), 0)
    plain = [layer for layer in net.modules() if type(layer) is nn.Conv2d]
    assert not [layer for layer in plain if layer.kernel_size == (1, 1) and layer.in_channels < NARROW]
    assert net.get_parameter("layer2.0.downsample.0.weight").shape == (2 * width, width, 1, 1)
    assert isinstance(net.get_submodule("layer2.0.downsample.0"), SubsampledConvolution) == (width < NARROW)
    assert type(net.get_submodule("layer4.0.downsample.0")) is nn.Conv2d
