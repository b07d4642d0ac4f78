from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from trainables.perturbations.pgd import fgsm, pgd, pgd_until_fooled
from trainables.seeds import generator


class Scores(nn.Module):
    """Of images in [0, 1]."""

    def __init__(self, victim: Any) -> None:
        super().__init__()
        self.net, self.normalisation = victim.net, victim.normalisation

    def forward(self, points: Tensor) -> Tensor:
        scores: Tensor = self.net(self.normalisation.of_floats(points))
        return scores


@pytest.fixture
def scores(victim: Any) -> Scores:
    return Scores(victim).eval()


@pytest.fixture
def images(victim: Any) -> Tensor:
    floats: Tensor = victim.images / 255
    return floats


@pytest.fixture
def attack(scores: Scores, images: Tensor, victim: Any) -> Callable[..., tuple[Tensor, Tensor]]:
    def run(epsilon: float, steps: int = 5) -> tuple[Tensor, Tensor]:
        return pgd_until_fooled(scores, images, victim.labels, epsilon, steps, generator("pgd"))

    return run


@pytest.mark.parametrize("epsilon", [2 / 255, 0.1])
def test_fgsm_is_that_of_torchattacks(epsilon: float, scores: Scores, images: Tensor, victim: Any) -> None:
    torchattacks = pytest.importorskip("torchattacks", reason="the extra `peers` is not installed")
    theirs = torchattacks.FGSM(scores, eps=epsilon)(images, victim.labels)
    assert (fgsm(scores, images, victim.labels, epsilon) - theirs).abs().max() <= 1e-5
    assert (theirs - images).abs().max() > epsilon / 2


@pytest.mark.parametrize("random_start", [False, True])
@pytest.mark.parametrize(("epsilon", "step_size", "steps"), [(8 / 255, 2 / 255, 10), (0.1, 0.03, 7)])
def test_pgd_is_that_of_torchattacks(
    random_start: bool, epsilon: float, step_size: float, steps: int, scores: Scores, images: Tensor, victim: Any
) -> None:
    torchattacks = pytest.importorskip("torchattacks", reason="the extra `peers` is not installed")
    peer = torchattacks.PGD(scores, eps=epsilon, alpha=step_size, steps=steps, random_start=random_start)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        theirs = peer(images, victim.labels)
    start = torch.Generator().manual_seed(5) if random_start else None
    ours = pgd(scores, images, victim.labels, epsilon, steps, start, step_size)
    assert (ours - theirs).abs().max() <= 1e-5
    assert (theirs - images).abs().max() > epsilon / 2


def test_pgd_stays_in_the_ball_and_in_the_pixels(attack: Any, scores: Scores, images: Tensor, victim: Any) -> None:
    plain = pgd(scores, images, victim.labels, 0.1, 5, generator("pgd"))
    for attacked in (attack(0.1)[0], plain, fgsm(scores, images, victim.labels, 0.1)):
        assert (attacked - images).abs().max() <= 0.1 + 1e-6
        assert attacked.min() >= 0
        assert attacked.max() <= 1


def test_pgd_lowers_accuracy_and_a_wider_ball_more(attack: Any) -> None:
    held = [float(attack(epsilon)[1].float().mean()) for epsilon in (0.0, 0.05, 0.3)]
    assert held[0] == 1.0
    assert held[0] >= held[1] >= held[2]
    assert held[2] < 1.0


def test_what_is_called_fooled_is_fooled(attack: Any, scores: Scores, victim: Any) -> None:
    attacked, held = attack(0.1)
    with torch.no_grad():
        assert torch.equal(scores(attacked).argmax(1) == victim.labels, held)


def test_whoever_stops_at_the_first_fooled_point_fools_whatever_goes_on_does(
    attack: Any, scores: Scores, images: Tensor, victim: Any
) -> None:
    attacked, held = attack(0.1, steps=6)
    plain = pgd(scores, images, victim.labels, 0.1, 6, generator("pgd"))
    with torch.no_grad():
        fooled = scores(plain).argmax(1) != victim.labels
    assert fooled.any()
    assert not (fooled & held).any()
    assert (attacked - plain)[held].abs().max() <= 1e-5


def test_neither_touches_a_parameter_or_a_gradient(attack: Any, scores: Scores, images: Tensor, victim: Any) -> None:
    before = {name: value.clone() for name, value in victim.net.state_dict().items()}
    attack(0.1)
    fgsm(scores, images, victim.labels, 0.1)
    assert all(torch.equal(before[name], value) for name, value in victim.net.state_dict().items())
    assert all(parameter.grad is None for parameter in victim.net.parameters())
