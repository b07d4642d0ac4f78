"""The attacked picture of an explanation is made as sets of such images are, and tells whether it fools."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from analysis.explain.attacked import Target, attacked
from analysis.explain.explaining import Trained
from analysis.explain.images import inputs_of, picture
from trainables.errors import TrainableError
from trainables.images import Normalisation
from trainables.perturbation_names import complaint, fooling_rate, is_attack
from trainables.perturbations.attack import wrong_targets
from trainables.perturbations.fooling import FoolingOptions, fooling_images
from trainables.registry import load_network
from trainables.seeds import generator


@pytest.fixture(scope="module")
def target(nets: list[Trained], data: Path) -> Target:
    net = load_network("classification")(nets[0].options, data, nets[0].checkpoint)
    return Target("baseline", net, {**nets[0].options, "rate_reference_size": 32}, "classification")


def said(target: Target, images: Tensor, data: Path) -> int:
    with torch.no_grad():
        return int(target.net(inputs_of(data, images, torch.device("cpu"))).argmax(1))


def test_a_fooling_image_is_the_one_that_sets_have_and_reaches_its_class(target: Target, data: Path) -> None:
    clean, _ = picture(data, None)
    made, told = attacked(target, clean, "fooling-0.5", data)
    label = torch.tensor([said(target, clean, data)])
    goal = wrong_targets(label, 5, generator("explain", "fooling-0.5", "target"))
    options, normal, seeds = FoolingOptions(0.5, reference_size=32), Normalisation((0.5,) * 3, (0.25,) * 3), label
    found = fooling_images(target.net, clean, label, goal, normal, options, seeds)
    assert torch.equal(made, found.images)
    assert said(target, made, data) == int(goal)
    ours, theirs = "abcde"[int(label)], "abcde"[int(goal)]
    assert told == f"fooling-0.5 against baseline: {ours} is taken for {theirs} after {int(found.steps)} steps"


def test_gaussian_noise_comes_alike_each_time_and_leaves_the_net_as_it_was(target: Target, data: Path) -> None:
    clean, _ = picture(data, None)
    before = {name: value.clone() for name, value in target.net.state_dict().items()}
    (one, told), (again, _) = (attacked(target, clean, "gaussian", data) for _ in range(2))
    assert torch.equal(one, again)
    assert (said(target, one, data) != said(target, clean, data)) == ("is taken for" in told)
    assert all(torch.equal(value, before[name]) for name, value in target.net.state_dict().items())


def test_a_net_that_says_a_class_of_every_pixel_is_refused(data: Path) -> None:
    net = nn.Conv2d(3, 2, 1)
    with pytest.raises(TrainableError, match="one class of a whole image; those of segmentation do not") as raised:
        attacked(Target("trial 0", net, {}, "segmentation"), picture(data, None)[0], "gaussian", data)
    assert raised.value.code == "OPTION_INVALID"


@pytest.mark.parametrize(
    ("name", "rate"),
    [("fooling-20", 20), ("fooling-0.5", 0.5), ("fooling-0", None), ("fog", None)],
)
def test_fooling_images_are_called_as_their_sets(name: str, rate: float | None) -> None:
    assert fooling_rate(name) == rate
    assert is_attack(name) == (rate is not None)
    assert (complaint(name) is None) == (name != "fooling-0")


def test_a_name_that_is_none_is_told_with_the_nearest() -> None:
    assert complaint("gausian") == "no perturbation has that name; did you mean gaussian?"
    assert complaint("motionblur") == "no perturbation has that name; did you mean motion_blur?"
    assert "fooling-20" in str(complaint("fooling--1"))
    assert "fooling-RATE" in str(complaint("zzz"))
