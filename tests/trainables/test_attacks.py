import copy
import dataclasses
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from trainables.images import Normalisation
from trainables.perturbations.attack import Attacked, wrong_targets
from trainables.perturbations.fooling import FoolingOptions, fooling_images
from trainables.perturbations.gaussian import GaussianOptions, gaussian_noise
from trainables.perturbations.pixel import PixelOptions, pixel_changes
from trainables.perturbations.registry import ATTACKS
from trainables.precision import repeatable
from trainables.seeds import generator

OPTIONS: dict[str, dict[str, Any]] = {
    "fooling": {"rate": 2.0, "reference_size": 16},
    "gaussian": {"step": 1.0, "penalty": 0.02},
    "pixel": {"share": 0.06, "restarts": 3},
}
EVERY = pytest.mark.parametrize("name", ATTACKS)


def attacked(name: str, victim: Any, rows: Any = slice(None), watch: Any = None, **changes: Any) -> Attacked:
    method = ATTACKS[name]
    options = method.options(**{**OPTIONS[name], **changes})
    return method.make(*victim.given(rows), options, victim.seeds[rows], watch)


def predicted(victim: Any, images: Tensor) -> Tensor:
    with torch.no_grad():
        classes: Tensor = victim.net(victim.normalisation.of(images)).argmax(1)
    return classes


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@EVERY
def test_a_cuda_device_takes_the_same_steps(name: str, victim: Any) -> None:
    here = attacked(name, victim)
    with repeatable():
        there = attacked(name, dataclasses.replace(victim, net=copy.deepcopy(victim.net).cuda()))
    assert there.images.device.type == there.fooled.device.type == there.steps.device.type == "cpu"
    assert (here.steps == there.steps).double().mean() >= 0.97


def test_targets_are_uniform_over_the_wrong_classes() -> None:
    labels = torch.arange(10).repeat(900)
    targets = wrong_targets(labels, 10, generator("targets"))
    assert not (targets == labels).any()
    counts = torch.bincount((targets - labels) % 10, minlength=10)[1:]
    assert ((counts - 1000).abs() < 5 * 1000**0.5).all()


@EVERY
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_what_counts_as_fooled_fools_after_rounding(name: str, precision: str, victim: Any) -> None:
    before = victim.images.clone()
    made = attacked(name, victim, precision=precision)
    classes = predicted(victim, made.images)
    wanted = classes == victim.targets if name == "fooling" else classes != victim.labels
    assert made.images.dtype == torch.uint8
    assert torch.equal(wanted, made.fooled)
    assert made.fooled.double().mean() > (0.2 if name == "pixel" else 0.9)
    assert (made.steps[made.fooled] > 0).all()
    assert torch.equal(victim.images, before)


@EVERY
@pytest.mark.parametrize("fails", [False, True])
def test_the_net_comes_back_as_it_was(name: str, fails: bool, victim: Any) -> None:
    net = victim.net
    net[0][1].train()
    net[1][0].weight.requires_grad_(False)
    net[2][0].weight.grad = torch.ones_like(net[2][0].weight)
    before = {name: value.clone() for name, value in net.state_dict().items()}

    def watch(rows: Tensor, points: Tensor) -> None:
        if fails:
            raise KeyboardInterrupt

    try:
        attacked(name, victim, slice(0, 4), watch, iterations=2)
        assert not fails
    except KeyboardInterrupt:
        assert fails
    finally:
        training = [name for name, module in net.named_modules() if module.training]
        frozen = [name for name, parameter in net.named_parameters() if not parameter.requires_grad]
        grads = {name: parameter.grad for name, parameter in net.named_parameters() if parameter.grad is not None}
        net.eval().requires_grad_(True).zero_grad()
    assert (training, frozen, list(grads)) == (["0.1"], ["1.0.weight"], ["2.0.weight"])
    assert (grads["2.0.weight"] == 1).all()
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


@EVERY
def test_results_depend_on_neither_batch_nor_order_nor_the_images_beside(name: str, victim: Any) -> None:
    whole, narrow = attacked(name, victim, batch=64), attacked(name, victim, batch=7)
    rows = torch.randperm(len(victim.images), generator=generator("order"))[:41]
    part = attacked(name, victim, rows)
    for one, other in ((whole, narrow), (Attacked(whole.images[rows], whole.fooled[rows], whole.steps[rows]), part)):
        same = (one.steps == other.steps) & (one.fooled == other.fooled)
        assert same.double().mean() >= 0.97
        assert (one.images.int() - other.images.int()).abs().flatten(1).amax(1)[same].double().mean() < 0.5


@EVERY
def test_what_never_fools_is_reported_with_all_its_steps(name: str, victim: Any) -> None:
    changes = {"rate": 1e-6} if name == "fooling" else {"step": 1e-6, **({"start": 1e-6} if name == "gaussian" else {})}
    made = attacked(name, victim, slice(0, 9), iterations=3, **changes)
    assert not made.fooled.any()
    assert (made.steps == (12 if name == "pixel" else 3)).all()


@EVERY
def test_no_images_make_none(name: str, victim: Any) -> None:
    made = attacked(name, victim, slice(0, 0))
    assert made.images.shape == (0, 3, 16, 16)
    assert len(made.fooled) == len(made.steps) == 0


@EVERY
def test_the_watcher_sees_every_image_before_every_step_and_at_its_end(name: str, victim: Any) -> None:
    seen: dict[int, list[Tensor]] = {}

    def watch(rows: Tensor, points: Tensor) -> None:
        assert points.min() >= 0
        assert points.max() <= 1
        for row, point in zip(rows.tolist(), points, strict=True):
            seen.setdefault(row, []).append(point)

    made = attacked(name, victim, slice(0, 40), watch)
    assert {row: len(points) for row, points in seen.items()} == dict(enumerate((made.steps + 1).tolist()))
    last = torch.stack([seen[row][-1] for row in range(40)])
    assert torch.equal(last.mul(255).round().to(torch.uint8), made.images)
    if name != "gaussian":
        first = torch.stack([seen[row][0] for row in range(40)])
        assert torch.equal(first.mul(255).round().to(torch.uint8), victim.images[:40])


def test_one_step_of_fooling_has_the_lawful_length_and_direction(victim: Any) -> None:
    inputs = victim.normalisation.of(victim.images).requires_grad_()
    scores = victim.net(inputs).gather(1, victim.targets[:, None])
    (gradient,) = torch.autograd.grad(scores.sum(), inputs)
    made = attacked("fooling", victim, rate=6.0, iterations=1)
    steps = 6.0 * gradient / gradient.flatten(1).norm(dim=1)[:, None, None, None]
    expected = victim.normalisation.pixels((inputs + steps).detach())
    assert (made.steps == 1).all()
    assert (made.images.int() - expected.int()).abs().max() <= 1
    assert (made.images == expected).double().mean() > 0.999


def test_one_rate_moves_pixels_alike_at_every_size() -> None:
    options = FoolingOptions(20.0, 224)
    assert options.step_length(224, 224) == pytest.approx(20.0)
    per_pixel = [options.step_length(side, side) / side for side in (32, 64, 224)]
    assert max(per_pixel) == pytest.approx(min(per_pixel))


def test_a_flat_score_ends() -> None:
    flat = nn.Sequential(nn.Flatten(), nn.Linear(12, 3))
    nn.init.zeros_(flat[1].weight)
    nn.init.zeros_(flat[1].bias)
    images, targets = torch.full((2, 3, 2, 2), 100, dtype=torch.uint8), torch.tensor([1, 2])
    options = FoolingOptions(5.0, 2, iterations=4)
    plain = Normalisation((0.4, 0.5, 0.6), (0.2, 0.25, 0.3))
    made = fooling_images(flat, images, 0 * targets, targets, plain, options, targets)
    assert torch.equal(made.images, images)
    assert not made.fooled.any()


def test_a_reduced_generation_size_gives_enlarged_images_that_fool_at_full_size(victim: Any) -> None:
    made = attacked("fooling", victim, generation_size=8)
    assert torch.equal(predicted(victim, made.images) == victim.targets, made.fooled)
    assert made.fooled.double().mean() > 0.5
    enlarging = nn.functional.interpolate(torch.eye(8)[None], 16, mode="linear")[0].T
    rows = made.images.double().transpose(2, 3).reshape(-1, 16).T
    explained = enlarging.double() @ torch.linalg.lstsq(enlarging.double(), rows).solution
    inside = ((rows > 0) & (rows < 255)).all(0)  # clipping bends the others
    assert inside.any()
    assert (explained - rows)[:, inside].abs().max() < 1.5


def test_a_generation_size_of_the_images_or_more_changes_nothing(victim: Any) -> None:
    own = attacked("fooling", victim, slice(0, 20))
    for side in (16, 99):
        assert torch.equal(attacked("fooling", victim, slice(0, 20), generation_size=side).images, own.images)


def test_first_noise_is_normal_with_the_standard_deviation_asked_for(victim: Any) -> None:
    grey = torch.full_like(victim.images, 128)
    seen = []
    options = GaussianOptions(start=0.05, iterations=0)
    gaussian_noise(
        victim.net, grey, victim.labels, victim.targets, victim.normalisation, options, victim.seeds,
        lambda _, points: seen.append(points - 128 / 255),
    )  # fmt: skip
    noise = torch.cat(seen)
    assert noise.std().item() == pytest.approx(0.05, rel=0.01)
    assert abs(noise.mean().item()) < 0.001
    assert noise.std((0, 2, 3)).tolist() == pytest.approx([0.05] * 3, rel=0.03)
    assert not torch.equal(noise[0], noise[1])


def test_noise_is_a_function_of_the_seed(victim: Any) -> None:
    one, other = (
        gaussian_noise(*victim.given(slice(0, 8)), GaussianOptions(start=0.1, iterations=0), seeds).images
        for seeds in (torch.full((8,), 3), torch.full((8,), 4))
    )
    assert not torch.equal(one, other)


def test_penalised_noise_stays_shorter_than_step_over_penalty(victim: Any) -> None:
    made = attacked("gaussian", victim, start=0.0, step=0.5, penalty=0.5, iterations=20)
    noise = victim.normalisation.of(made.images) - victim.normalisation.of(victim.images)
    rounding = 0.5 / 255 / min(victim.normalisation.std) * (3 * 16 * 16) ** 0.5
    assert noise.flatten(1).norm(dim=1).max() <= 0.5 / 0.5 + rounding


@pytest.mark.parametrize(("share", "pixels"), [(1e-6, 1), (0.005, 1), (0.02, 5), (0.1, 26)])
def test_only_the_share_of_pixels_differs(share: float, pixels: int, victim: Any) -> None:
    made = attacked("pixel", victim, share=share, restarts=2)
    differing = (made.images != victim.images).any(1).sum((1, 2))
    assert differing.max() <= pixels
    assert differing.float().mean() > 0.6 * pixels  # a colour at its bound may have to stay


def test_restarts_draw_other_pixels_and_fool_more(victim: Any) -> None:
    one, more = (attacked("pixel", victim, share=0.04, restarts=restarts) for restarts in (0, 4))
    assert more.fooled.sum() > one.fooled.sum()
    assert torch.equal(more.images[one.fooled], one.images[one.fooled])
    lost = ~one.fooled & ~more.fooled
    moved = [(made.images != victim.images).any(1).flatten(1)[lost] for made in (one, more)]
    assert not torch.equal(*moved)


def test_normalisation_and_its_inverse(victim: Any) -> None:
    every = torch.arange(256, dtype=torch.uint8)[None, None, None].expand(1, 3, 1, 256)
    assert torch.equal(victim.normalisation.pixels(victim.normalisation.of(every)), every)
    far = victim.normalisation.pixels(torch.full((1, 3, 1, 1), 1e6))
    assert torch.equal(far, torch.full((1, 3, 1, 1), 255, dtype=torch.uint8))


def test_a_study_says_in_which_arithmetic_its_sets_are_made(planned: Any) -> None:
    for told in ("float32", "bfloat16"):
        sets = [step for step in planned({"attack_precision": told}, hold_out=True) if step.kind == "set-shard"]
        assert {step.arguments["attack"] for step in sets} == set(ATTACKS)
        assert {step.arguments["options"]["precision"] for step in sets} == {told}
        for step in sets:
            ATTACKS[step.arguments["attack"]].options(**step.arguments["options"])


def test_options_of_every_attack_are_frozen_and_say_how_the_work_is_done() -> None:
    for name, method in ATTACKS.items():
        options = method.options(**OPTIONS[name])
        assert options.batch > 0
        assert options.precision == "float32"
        with pytest.raises(AttributeError):
            options.batch = 1
    assert PixelOptions().step * PixelOptions().iterations >= 1, "every colour is within reach"
    assert ATTACKS["pixel"].make is pixel_changes
