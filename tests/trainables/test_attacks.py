from typing import Any

import pytest
import torch
from torch import nn

from trainables.images import Normalisation
from trainables.perturbations.attack import Attacked, wrong_targets
from trainables.perturbations.fooling import FoolingOptions, fooling_images
from trainables.perturbations.pgd import pgd_until_fooled
from trainables.seeds import generator

PLAIN = Normalisation((0.4, 0.5, 0.6), (0.2, 0.25, 0.3))


@pytest.fixture(scope="module")
def net() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 4)
        )


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.randint(30, 226, (23, 3, 12, 12), generator=generator("images")).to(torch.uint8)


@pytest.fixture(scope="module")
def labels(net: nn.Module, images: torch.Tensor) -> torch.Tensor:
    net.eval()
    with torch.no_grad():
        return net(PLAIN.of(images)).argmax(1)


def fooled(net: nn.Module, images: torch.Tensor, labels: torch.Tensor, **options: Any) -> Attacked:
    targets = wrong_targets(labels, 4, generator("targets"))
    chosen = FoolingOptions(**{"rate": 4.0, "reference_size": 12, **options})
    return fooling_images(net, images, labels, targets, PLAIN, chosen, labels)


def test_targets_are_uniform_over_the_wrong_classes() -> None:
    labels = torch.arange(10).repeat(900)
    targets = wrong_targets(labels, 10, generator("targets"))
    assert not (targets == labels).any()
    counts = torch.bincount((targets - labels) % 10, minlength=10)[1:]
    assert ((counts - 1000).abs() < 5 * 1000**0.5).all()


def test_every_fooling_image_fools_after_rounding(net: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> None:
    made = fooled(net, images, labels)
    targets = wrong_targets(labels, 4, generator("targets"))
    assert made.images.dtype == torch.uint8
    assert made.fooled.any()
    with torch.no_grad():
        predicted = net.eval()(PLAIN.of(made.images)).argmax(1)
    assert torch.equal(predicted == targets, made.fooled)
    assert (made.steps[made.fooled] > 0).all()


def test_the_net_comes_back_as_it_was(net: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> None:
    net.eval()
    net[1].train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    fooled(net, images, labels)
    assert [module.training for module in net] == [False, True, False, False, False, False]
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())


def test_one_step_has_the_lawful_length_and_direction(net: nn.Module) -> None:
    images = torch.full((6, 3, 12, 12), 128, dtype=torch.uint8)
    inputs = PLAIN.of(images).requires_grad_()
    targets = torch.arange(6) % 4
    net.eval()
    scores = net(inputs)
    rate = 6.0
    made = fooling_images(net, images, targets, targets, PLAIN, FoolingOptions(rate, 12, iterations=1), targets)
    (gradient,) = torch.autograd.grad(scores.gather(1, targets[:, None]).sum(), inputs)
    for index in (scores.argmax(1) != targets).nonzero().flatten().tolist():
        assert made.steps[index] == 1
        step = rate * gradient[index] / gradient[index].norm()
        assert torch.equal(made.images[index], PLAIN.pixels((inputs[index] + step).detach()[None])[0])


def test_one_rate_moves_pixels_alike_at_every_size() -> None:
    options = FoolingOptions(20.0, 224)
    assert options.step_length(224, 224) == pytest.approx(20.0)
    per_pixel = [options.step_length(side, side) / side for side in (32, 64, 224)]
    assert max(per_pixel) == pytest.approx(min(per_pixel))


def test_results_do_not_depend_on_the_batch(net: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> None:
    one, other = fooled(net, images, labels, batch=23), fooled(net, images, labels, batch=4)
    assert torch.equal(one.fooled, other.fooled)
    assert torch.equal(one.steps, other.steps)
    assert (one.images.int() - other.images.int()).abs().max() <= 1


def test_what_never_fools_is_reported(net: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> None:
    made = fooled(net, images, labels, rate=1e-6, iterations=3)
    assert not made.fooled.any()
    assert (made.steps == 3).all()


def test_a_flat_score_ends() -> None:
    flat = nn.Sequential(nn.Flatten(), nn.Linear(12, 3))
    nn.init.zeros_(flat[1].weight)
    nn.init.zeros_(flat[1].bias)
    images = torch.full((2, 3, 2, 2), 100, dtype=torch.uint8)
    targets = torch.tensor([1, 2])
    made = fooling_images(flat, images, 0 * targets, targets, PLAIN, FoolingOptions(5.0, 2, iterations=4), targets)
    assert torch.equal(made.images, images)
    assert not made.fooled.any()


def score_of(net: nn.Module) -> Any:
    return lambda points: net(PLAIN.of_floats(points))


@pytest.fixture
def attack(net: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> Any:
    def run(epsilon: float, steps: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
        return pgd_until_fooled(score_of(net.eval()), images / 255, labels, epsilon, steps, generator("pgd"))

    return run


def test_pgd_stays_in_the_ball_and_in_the_pixels(attack: Any, images: torch.Tensor) -> None:
    attacked, _ = attack(0.1)
    assert (attacked - images / 255).abs().max() <= 0.1 + 1e-6
    assert attacked.min() >= 0
    assert attacked.max() <= 1


def test_pgd_lowers_accuracy_and_a_wider_ball_more(attack: Any) -> None:
    held = [float(attack(epsilon)[1].float().mean()) for epsilon in (0.0, 0.02, 0.3)]
    assert held[0] == 1.0
    assert held[0] >= held[1] >= held[2]
    assert held[2] < 1.0


def test_what_pgd_calls_fooled_is_fooled(attack: Any, net: nn.Module, labels: torch.Tensor) -> None:
    attacked, held = attack(0.05)
    with torch.no_grad():
        assert torch.equal(score_of(net)(attacked).argmax(1) == labels, held)


def test_pgd_touches_no_parameter_and_no_gradient(attack: Any, net: nn.Module) -> None:
    before = {name: value.clone() for name, value in net.state_dict().items()}
    attack(0.1)
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())


def test_normalisation_and_its_inverse(images: torch.Tensor) -> None:
    assert torch.equal(PLAIN.pixels(PLAIN.of(images)), images)
    assert torch.equal(PLAIN.pixels(torch.full((1, 3, 1, 1), 1e6)), torch.full((1, 3, 1, 1), 255, dtype=torch.uint8))
