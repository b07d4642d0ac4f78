import pytest
import torch
from torch import Tensor

from trainables.perturbations.corruptions import corrupt
from trainables.perturbations.corruptions.noise import gaussian_noise, impulse_noise, shot_noise
from trainables.seeds import generator

MANY = 40_000


def constant(level: int, side: int = 200) -> Tensor:
    return torch.full((1, 3, side, side), level, dtype=torch.uint8)


def test_gaussian_noise_is_clipped_and_truncated() -> None:
    image = torch.tensor([0, 100, 100, 255], dtype=torch.uint8).view(1, 1, 1, 4)
    noise = torch.tensor([-1.0, 0.5, -0.501, 1.0]).view(1, 1, 1, 4)
    assert gaussian_noise(image, 0.1, noise).flatten().tolist() == [0, 112, 87, 255]


def test_noise_has_its_deviation_and_no_pattern() -> None:
    made = corrupt(constant(128), "gaussian_noise", 1, generator("noise")).float()
    assert made.mean().item() == pytest.approx(127.5, abs=0.3)  # half a level is truncated
    assert made.std().item() == pytest.approx(0.08 * 255, rel=0.01)
    beside = torch.corrcoef(torch.stack([made[..., 1:].flatten(), made[..., :-1].flatten()]))[0, 1]
    assert abs(beside.item()) < 0.02


@pytest.mark.parametrize("photons", [3, 12, 60, 500])
@pytest.mark.parametrize("level", [0, 7, 130, 255])
def test_shot_noise_has_the_poisson_distribution(photons: int, level: int) -> None:
    draws = torch.rand(1, 3, 200, 200, generator=generator("shot", photons, level))
    made = shot_noise(constant(level), photons, draws).flatten()
    rate = level * photons / 255
    counts = torch.arange(photons, dtype=torch.float64)
    chances = torch.exp(torch.xlogy(counts, torch.tensor(rate)) - rate - torch.lgamma(counts + 1))
    chances = torch.cat([chances, 1 - chances.sum(0, keepdim=True)]).clamp_min(0)
    levels = torch.floor(torch.arange(photons + 1) * 255 / photons + 1e-6).long()
    expected = torch.zeros(256, dtype=torch.float64).scatter_add_(0, levels, chances) * made.numel()
    found = made.long().bincount(minlength=256).double()
    likely = expected > 5
    assert found[expected == 0].sum() == 0
    surprise = ((found - expected).square() / expected)[likely].sum()
    freedom = max(int(likely.sum()) - 1, 1)
    assert surprise < freedom + 5 * (2 * freedom) ** 0.5 + 10


def test_shot_noise_stays_lawful_at_both_ends_of_its_draws() -> None:
    ends = torch.tensor([0.0, 1 - 2.0**-24]).expand(3, 2).reshape(1, 3, 1, 2)
    image = torch.full((1, 3, 1, 2), 90, dtype=torch.uint8)
    for photons in (3, 60, 500):
        assert shot_noise(image, photons, ends).shape == image.shape


def test_impulse_noise_sets_halves_of_its_share_black_and_white() -> None:
    draws = torch.tensor([0.0, 0.049, 0.05, 0.0999, 0.1, 0.9]).view(1, 1, 1, 6)
    image = torch.full((1, 1, 1, 6), 77, dtype=torch.uint8)
    assert impulse_noise(image, 0.1, draws).flatten().tolist() == [255, 255, 0, 0, 77, 77]
    made = corrupt(constant(77), "impulse_noise", 5, generator("impulse"))
    for level, share in ((0, 0.135), (255, 0.135), (77, 0.73)):
        assert (made == level).float().mean().item() == pytest.approx(share, abs=0.006)


def test_speckle_grows_with_the_value_and_spares_black() -> None:
    assert torch.equal(corrupt(constant(0), "speckle_noise", 5, generator(0)), constant(0))
    spreads = [corrupt(constant(v), "speckle_noise", 1, generator(v)).float().std().item() for v in (50, 100)]
    assert spreads[0] == pytest.approx(7.5, rel=0.02)
    assert spreads[1] == pytest.approx(15, rel=0.02)
