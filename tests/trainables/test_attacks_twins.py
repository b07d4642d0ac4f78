"""Every attack beside its slow twin, written as one loop over single images that shares no code with it."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from trainables.images import Normalisation
from trainables.perturbations.fooling import FoolingOptions, fooling_images
from trainables.perturbations.gaussian import GaussianOptions, gaussian_noise
from trainables.perturbations.pixel import PixelOptions, pixel_changes

FOOLING = FoolingOptions(2.0, 16)
GAUSSIAN = GaussianOptions(start=0.02, step=1.0, penalty=0.04, iterations=30)
PIXEL = PixelOptions(share=0.06, restarts=3)

Step = Callable[[Tensor, int], Tensor]


class Twin:
    """One image, its network and what is to become of it."""

    def __init__(self, net: nn.Module, image: Tensor, label: int, target: int, normalisation: Normalisation) -> None:
        self.net, self.image, self.label, self.target = net, image, label, target
        self.mean = torch.tensor(normalisation.mean)[:, None, None]
        self.std = torch.tensor(normalisation.std)[:, None, None]
        self.clean = (image / 255 - self.mean) / self.std

    def predicted(self, point: Tensor) -> int:
        with torch.no_grad():
            return int(self.net(point[None])[0].argmax())

    def gradient(self, point: Tensor, score: Callable[[Tensor], Tensor]) -> Tensor:
        point = point.clone().requires_grad_()
        score(self.net(point[None])[0]).backward()
        assert point.grad is not None
        return point.grad

    def rounded(self, point: Tensor) -> Tensor:
        return ((point * self.std + self.mean) * 255).round().clamp(0, 255).to(torch.uint8)

    def walk(
        self, point: Tensor, fools: Callable[[int], bool], onward: Callable[[Tensor, int], Tensor], limit: int
    ) -> Any:
        for steps in range(limit + 1):
            if fools(self.predicted(point)) or steps == limit:
                image = self.rounded(point)
                fooled = fools(self.predicted((image / 255 - self.mean) / self.std))
                if fooled or steps == limit:
                    return image, fooled, steps
            point = onward(point, steps)
        raise AssertionError

    def fooling(self, _: int) -> Any:
        length = FOOLING.rate * 16 / FOOLING.reference_size

        def onward(point: Tensor, steps: int) -> Tensor:
            gradient = self.gradient(point, lambda scores: scores[self.target])
            return point + length * gradient / gradient.norm()

        return self.walk(self.clean, lambda predicted: predicted == self.target, onward, FOOLING.iterations)

    def gaussian(self, seed: int) -> Any:
        drawn = torch.randn(self.clean.shape, generator=torch.Generator().manual_seed(seed))

        def onward(point: Tensor, steps: int) -> Tensor:
            gradient = self.gradient(point, lambda scores: scores.softmax(0)[self.target].log())
            noise = (1 - GAUSSIAN.penalty) * (point - self.clean)
            return self.clean + noise + GAUSSIAN.step * gradient / gradient.norm()

        start = self.clean + drawn * GAUSSIAN.start / self.std
        return self.walk(start, lambda predicted: predicted != self.label, onward, GAUSSIAN.iterations)

    def pixel(self, seed: int) -> Any:
        generator = torch.Generator().manual_seed(seed)
        count = max(1, round(PIXEL.share * 16 * 16))
        draws = [torch.randperm(16 * 16, generator=generator)[:count] for _ in range(PIXEL.restarts + 1)]

        def onward(point: Tensor, steps: int) -> Tensor:
            draw, begun = divmod(steps, PIXEL.iterations)
            point = self.clean if begun == 0 else point
            slopes = self.gradient(point, lambda scores: -scores.softmax(0)[self.label].log()).sign().flatten(1)
            colours = (point * self.std + self.mean).flatten(1).clone()
            for place in draws[draw].tolist():
                colours[:, place] = (colours[:, place] + PIXEL.step * slopes[:, place]).clamp(0, 1)
            return (colours.view(3, 16, 16) - self.mean) / self.std

        return self.walk(
            self.clean, lambda predicted: predicted != self.label, onward, PIXEL.iterations * (PIXEL.restarts + 1)
        )


@pytest.mark.parametrize(
    ("attack", "options", "twin"),
    [
        (fooling_images, FOOLING, Twin.fooling),
        (gaussian_noise, GAUSSIAN, Twin.gaussian),
        (pixel_changes, PIXEL, Twin.pixel),
    ],
    ids=["fooling", "gaussian", "pixel"],
)
@pytest.mark.slow
def test_the_batch_does_what_the_loop_over_images_does(attack: Any, options: Any, twin: Any, victim: Any) -> None:
    made = attack(*victim.given(), options, victim.seeds)
    rows = zip(victim.images, victim.labels.tolist(), victim.targets.tolist(), victim.seeds.tolist(), strict=True)
    slow = [
        twin(Twin(victim.net, image, label, target, victim.normalisation), seed) for image, label, target, seed in rows
    ]
    images, fooled, steps = (list(column) for column in zip(*slow, strict=True))
    victim.net.zero_grad()
    same = made.steps == torch.tensor(steps)
    assert same.double().mean() >= 0.98
    assert torch.equal(made.fooled, torch.tensor(fooled))
    assert made.fooled.any()
    assert made.steps[made.fooled].float().mean() > 2, "too easy to tell them apart"
    assert ((made.images.int() - torch.stack(images).int()).abs().flatten(1).amax(1)[same] <= 1).double().mean() >= 0.98
