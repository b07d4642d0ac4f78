"""Losses of segmentation against closed forms and slow twins; what is ignored changes nothing and moves nothing."""

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from trainables.data.masked_images import IGNORED
from trainables.segmentation.losses import cross_entropy, dice, jaccard_gradients, lovasz

Loss = Callable[[Tensor, Tensor], Tensor]
LOSSES = [cross_entropy, dice, lovasz]


def drawn(seed: int, classes: int = 4, shape: tuple[int, int, int] = (2, 5, 6)) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    scores = 2 * torch.randn(shape[0], classes, *shape[1:], generator=generator)
    masks = torch.randint(0, classes - 1, shape, generator=generator)  # the last class is not there
    ignored = torch.rand(shape, generator=generator) < 0.25
    return scores, torch.where(ignored, IGNORED, masks).to(torch.uint8)


def slow_jaccard(truth: list[int], errors: set[int]) -> float:
    """The Jaccard loss of the class `1` where exactly those pixels are wrong."""
    said = [1 - value if pixel in errors else value for pixel, value in enumerate(truth)]
    both = sum(a and b for a, b in zip(truth, said, strict=True))
    either = sum(a or b for a, b in zip(truth, said, strict=True))
    return 1 - both / either if either else 0.0


def slow_lovasz(scores: Tensor, masks: Tensor) -> float:
    """Equation 8 of the paper pixel by pixel: sorted errors times by how much the loss of the set of errors grows."""
    probabilities = scores.double().softmax(1).movedim(1, -1).reshape(-1, scores.shape[1])
    wanted = masks.flatten().tolist()
    kept = [pixel for pixel, value in enumerate(wanted) if value != IGNORED]
    losses = []
    for label in sorted({wanted[pixel] for pixel in kept}):
        truth = [int(wanted[pixel] == label) for pixel in kept]
        errors = [abs(value - float(probabilities[pixel, label])) for value, pixel in zip(truth, kept, strict=True)]
        order = sorted(range(len(kept)), key=lambda place: -errors[place])
        total, wrong = 0.0, set[int]()
        for place in order:
            before = slow_jaccard(truth, wrong)
            wrong.add(place)
            total += errors[place] * (slow_jaccard(truth, wrong) - before)
        losses.append(total)
    return sum(losses) / len(losses)


@pytest.mark.parametrize("seed", range(4))
def test_lovasz_is_its_slow_twin(seed: int) -> None:
    scores, masks = drawn(seed)
    assert float(lovasz(scores, masks)) == pytest.approx(slow_lovasz(scores, masks), abs=1e-5)


def test_lovasz_of_hard_scores_is_the_jaccard_loss_of_the_classes_present() -> None:
    for said in itertools.product(range(2), repeat=4):
        masks = torch.tensor([[[0, 1, 1, 0]]])
        scores = torch.nn.functional.one_hot(torch.tensor([[said]]), 2).movedim(-1, 1).float() * 100
        truth = masks.flatten().tolist()
        wrong = {pixel for pixel in range(4) if said[pixel] != truth[pixel]}
        wanted = [slow_jaccard([int(value == label) for value in truth], wrong) for label in range(2)]
        assert float(lovasz(scores, masks)) == pytest.approx(sum(wanted) / 2, abs=1e-6)


def test_jaccard_gradients_add_up_to_one_and_never_fall_below_zero() -> None:
    truth = (torch.rand(5, 40, generator=torch.Generator().manual_seed(1)) < 0.4).float()
    gradients = jaccard_gradients(truth)
    assert (gradients >= -1e-7).all()
    assert torch.allclose(gradients.sum(1), torch.ones(5))


@pytest.mark.parametrize("seed", range(3))
def test_dice_is_its_formula_pixel_by_pixel(seed: int) -> None:
    scores, masks = drawn(seed)
    probabilities = scores.double().softmax(1)
    losses = []
    for label in range(scores.shape[1]):
        both = said = there = 0.0
        for image, row, column in itertools.product(*map(range, masks.shape)):
            if int(masks[image, row, column]) == IGNORED:
                continue
            probability = float(probabilities[image, label, row, column])
            said += probability
            if int(masks[image, row, column]) == label:
                both, there = both + probability, there + 1
        if there:
            losses.append(1 - 2 * both / (said + there))
    assert float(dice(scores, masks)) == pytest.approx(sum(losses) / len(losses), abs=1e-5)


def test_cross_entropy_is_the_mean_over_the_pixels_that_count() -> None:
    scores, masks = drawn(5)
    kept = masks != IGNORED
    flat = scores.movedim(1, -1)[kept]
    wanted = -flat.log_softmax(1)[torch.arange(len(flat)), masks[kept].long()].mean()
    assert torch.allclose(cross_entropy(scores, masks), wanted)
    assert float(cross_entropy(torch.zeros(1, 7, 3, 3), torch.zeros(1, 3, 3))) == pytest.approx(math.log(7), rel=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
def test_what_is_ignored_changes_no_loss_and_gets_no_gradient(loss: Loss) -> None:
    scores, masks = drawn(2)
    ignored = (masks == IGNORED)[:, None].expand_as(scores)
    other = torch.where(ignored, scores.flip(1) * 3, scores).requires_grad_()
    value = loss(other, masks)
    assert torch.allclose(value, loss(scores, masks), atol=1e-6)
    value.backward()
    assert other.grad is not None
    assert (other.grad[ignored] == 0).all()
    assert (other.grad[~ignored] != 0).any()


@pytest.mark.parametrize("loss", LOSSES)
def test_a_batch_without_a_pixel_that_counts_costs_nothing(loss: Loss) -> None:
    scores = drawn(1)[0].requires_grad_()
    value = loss(scores, torch.full((2, 5, 6), IGNORED, dtype=torch.uint8))
    value.backward()
    assert value.item() == 0
    assert scores.grad is not None
    assert (scores.grad == 0).all()


@pytest.mark.parametrize("loss", LOSSES)
def test_sure_and_right_costs_nothing_and_sure_and_wrong_the_most(loss: Loss) -> None:
    _, masks = drawn(3)
    truth = torch.where(masks == IGNORED, 0, masks.long())
    right = torch.nn.functional.one_hot(truth, 4).movedim(-1, 1).float() * 60
    assert float(loss(right, masks)) < 1e-6
    assert float(loss(right.roll(1, 1), masks)) >= 0.99


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_those_of_differences(loss: Loss) -> None:
    scores, masks = drawn(9, shape=(1, 2, 3))
    doubled = scores.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda given: loss(given, masks), (doubled,))


@pytest.mark.parametrize("loss", LOSSES)
def test_descent_on_a_loss_finds_the_mask(loss: Loss) -> None:
    scores, masks = drawn(4)
    scores = (0.1 * scores).requires_grad_()
    optimizer = torch.optim.Adam([scores], 0.3)
    for _ in range(60):
        optimizer.zero_grad()
        loss(scores, masks).backward()
        optimizer.step()
    kept = masks != IGNORED
    assert torch.equal(scores.argmax(1)[kept], masks[kept].long())
