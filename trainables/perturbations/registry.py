"""The attacks that sets of perturbed images are made with, by name."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from trainables.perturbations.attack import Attack
from trainables.perturbations.fooling import FoolingOptions, fooling_images
from trainables.perturbations.gaussian import GaussianOptions, gaussian_noise
from trainables.perturbations.pixel import PixelOptions, pixel_changes


@dataclasses.dataclass(frozen=True)
class Method:
    """An attack and the frozen dataclass of its options."""

    make: Attack
    options: type[Any]


ATTACKS: Final[Mapping[str, Method]] = {
    "fooling": Method(fooling_images, FoolingOptions),
    "gaussian": Method(gaussian_noise, GaussianOptions),
    "pixel": Method(pixel_changes, PixelOptions),
}
