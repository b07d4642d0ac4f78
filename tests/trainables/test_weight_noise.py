import math

import pytest
import torch
from scipy import stats
from torch import nn

from trainables.perturbations.weight_noise import maximum, noise, noisy_weights, perturbed

SCALE, CLIP = 0.1, 1.5


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def small_net() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.BatchNorm2d(4, affine=False), nn.Conv2d(4, 2, 1)
        )


def state(net: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in net.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_noise_is_a_clamped_normal_of_each_kernels_maximum() -> None:
    weight = torch.linspace(-1, 1, 64 * 64 * 9).view(64, 64, 3, 3)
    scaled = noise(weight, SCALE, CLIP, generator()) / (SCALE * maximum(weight))
    assert scaled.abs().max() <= CLIP * (1 + 1e-6)
    count = scaled.numel()
    clipped = float((scaled.abs() >= CLIP * (1 - 1e-6)).double().mean())
    expected = 2 * stats.norm.sf(CLIP)
    assert abs(clipped - expected) < 5 * math.sqrt(expected * (1 - expected) / count)
    inside = scaled[scaled.abs() < CLIP * (1 - 1e-6)].double().numpy()
    assert stats.kstest(inside, stats.truncnorm(-CLIP, CLIP).cdf).pvalue > 1e-3
    variance = 1 - 2 * CLIP * stats.norm.pdf(CLIP) - expected + CLIP**2 * expected
    assert float(scaled.double().var()) == pytest.approx(variance, rel=0.03)


def test_maximum_is_per_kernel_and_per_vector() -> None:
    weight = torch.randn(5, 4, 3, 3, generator=generator())
    slow = torch.stack([torch.stack([kernel.abs().max() for kernel in row]) for row in weight])
    assert torch.equal(maximum(weight)[:, :, 0, 0], slow)
    assert torch.equal(maximum(weight[:, :, :1, :1]), weight[:, :, :1, :1].abs())
    assert torch.equal(maximum(torch.tensor([1.0, -3.0])), torch.tensor([3.0]))


def test_weights_return_bit_for_bit_also_after_an_exception() -> None:
    net = small_net()
    before = state(net)
    for seed in range(3):
        with perturbed(net, SCALE, CLIP, generator(seed)):
            assert not torch.equal(net[0].weight, before["0.weight"])
            assert torch.equal(net[0].bias, before["0.bias"])
        assert same(before, state(net))
    with pytest.raises(KeyError), perturbed(net, SCALE, CLIP, generator()):
        raise KeyError
    assert same(before, state(net))


def test_noise_does_not_depend_on_the_memory_format_and_scale_zero_is_none() -> None:
    net, last = small_net(), small_net().to(memory_format=torch.channels_last)
    with perturbed(net, SCALE, CLIP, generator()), perturbed(last, SCALE, CLIP, generator()):
        assert same(state(net), state(last))
    before, untouched = state(net), generator()
    with perturbed(net, 0.0, CLIP, untouched):
        assert same(before, state(net))
    assert torch.equal(untouched.get_state(), generator().get_state())


def test_batch_norm_without_weights_is_left_alone() -> None:
    assert [weight.shape for weight in noisy_weights(small_net())] == [(4, 3, 3, 3), (4,), (2, 4, 1, 1)]


def test_recovered_gradients_flow_through_clean_weights() -> None:
    net = nn.Sequential(nn.Conv2d(2, 3, 3, bias=False), nn.Conv2d(3, 1, 3, bias=False))
    images = torch.randn(1, 2, 8, 8, generator=generator(), requires_grad=True)
    (clean,) = torch.autograd.grad(net(images).sum(), images)
    with perturbed(net, SCALE, CLIP, generator(1)):
        noisy = net(images).sum()
        (inside,) = torch.autograd.grad(noisy, images, retain_graph=True)
    (recovered,) = torch.autograd.grad(noisy, images)
    assert torch.equal(recovered, clean)
    assert not torch.allclose(inside, clean)
