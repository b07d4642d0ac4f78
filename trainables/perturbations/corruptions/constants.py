"""What each severity means: the constants of ImageNet-C, Tiny-ImageNet-C and CIFAR-10-C, by name.

Source: the scripts of Hendrycks & Dietterich 2019 that made the three benchmarks. `imagenet-c` is what imagecorruptions
1.1.2 made of the first for images of any size: it has its own elastic transform. `imagenet-c-original` has the
published benchmark's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Disk:
    """Out-of-focus blur: radius in pixels, and sigma in pixels of what softens the disk's edge."""

    radius: float
    softness: float


@dataclass(frozen=True)
class Glass:
    """Displaced pixels between two blurs: sigma in pixels, largest displacement in pixels, rounds of displacement."""

    sigma: float
    reach: int
    rounds: int


@dataclass(frozen=True)
class Motion:
    """Half a Gaussian along a line: radius (the line has 2 * radius + 1 taps) and sigma in pixels."""

    radius: int
    sigma: float


@dataclass(frozen=True)
class Zooms:
    """Enlargements averaged: 1, 1 + step, ... `count` of them."""

    step: float
    count: int

    def factors(self) -> Sequence[float]:
        """Every factor, rounded as numpy's `arange` rounds it: the crop's side depends on the last bit."""
        step = (1 + self.step) - 1
        return [1 + place * step for place in range(self.count)]


@dataclass(frozen=True)
class Snow:
    """A snow layer: mean and deviation of its noise, enlargement, threshold, motion, and what is kept of the image."""

    mean: float
    deviation: float
    zoom: float
    threshold: float
    motion: Motion
    kept: float


@dataclass(frozen=True)
class Frost:
    """image * kept + ice * added, of ice enlarged by `scale`."""

    kept: float
    added: float
    scale: float


@dataclass(frozen=True)
class Fog:
    """Strength of the plasma added, and by how much its roughness decays from one scale to the next."""

    strength: float
    decay: float


@dataclass(frozen=True)
class Elastic:
    """Displacement, its smoothness, and the shift of the affine map's corners, in shares of the image's side."""

    displacement: float
    sigma: float
    shift: float


@dataclass(frozen=True)
class Spatter:
    """Water or mud: mean, deviation and sigma of its noise, threshold, and the water's opacity or the mud's sigma."""

    mean: float
    deviation: float
    sigma: float
    threshold: float
    last: float
    mud: bool


@dataclass(frozen=True)
class Saturation:
    """saturation * factor + offset, clipped to [0, 1]."""

    factor: float
    offset: float


Table = Mapping[str, Sequence[Any]]


def _snow(mean: float, deviation: float, zoom: float, threshold: float, radius: int, sigma: float, kept: float) -> Snow:
    return Snow(mean, deviation, zoom, threshold, Motion(radius, sigma), kept)


def _frost(scale: float, *shares: tuple[float, float]) -> Sequence[Frost]:
    return [Frost(kept, added, scale) for kept, added in shares]


def _elastic(side: float, *settings: tuple[float, float, float]) -> Sequence[Elastic]:
    return [Elastic(displacement / side, sigma / side, shift / side) for displacement, sigma, shift in settings]


IMAGENET_C: Final[Table] = {
    "gaussian_noise": (0.08, 0.12, 0.18, 0.26, 0.38),
    "shot_noise": (60, 25, 12, 5, 3),
    "impulse_noise": (0.03, 0.06, 0.09, 0.17, 0.27),
    "defocus_blur": (Disk(3, 0.1), Disk(4, 0.5), Disk(6, 0.5), Disk(8, 0.5), Disk(10, 0.5)),
    "glass_blur": (Glass(0.7, 1, 2), Glass(0.9, 2, 1), Glass(1, 2, 3), Glass(1.1, 3, 2), Glass(1.5, 4, 2)),
    "motion_blur": (Motion(10, 3), Motion(15, 5), Motion(15, 8), Motion(15, 12), Motion(20, 15)),
    "zoom_blur": (Zooms(0.01, 12), Zooms(0.01, 16), Zooms(0.02, 11), Zooms(0.02, 13), Zooms(0.03, 11)),
    "snow": (
        _snow(0.1, 0.3, 3, 0.5, 10, 4, 0.8),
        _snow(0.2, 0.3, 2, 0.5, 12, 4, 0.7),
        _snow(0.55, 0.3, 4, 0.9, 12, 8, 0.7),
        _snow(0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
        _snow(0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
    ),
    "frost": _frost(1.1, (1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75)),
    "fog": (Fog(1.5, 2), Fog(2, 2), Fog(2.5, 1.7), Fog(2.5, 1.5), Fog(3, 1.4)),
    "brightness": (0.1, 0.2, 0.3, 0.4, 0.5),
    "contrast": (0.4, 0.3, 0.2, 0.1, 0.05),
    # imagecorruptions: 250 * 0.05 and so on times uniform noise within 0.005 of the height; no affine map.
    "elastic_transform": tuple(Elastic(250 * share * 0.005, 0.01, 0) for share in (0.05, 0.065, 0.085, 0.1, 0.12)),
    "pixelate": (0.6, 0.5, 0.4, 0.3, 0.25),
    "jpeg_compression": (25, 18, 15, 10, 7),
    "speckle_noise": (0.15, 0.2, 0.35, 0.45, 0.6),
    "gaussian_blur": (1, 2, 3, 4, 6),
    "spatter": (
        Spatter(0.65, 0.3, 4, 0.69, 0.6, mud=False),
        Spatter(0.65, 0.3, 3, 0.68, 0.6, mud=False),
        Spatter(0.65, 0.3, 2, 0.68, 0.5, mud=False),
        Spatter(0.65, 0.3, 1, 0.65, 1.5, mud=True),
        Spatter(0.67, 0.4, 1, 0.65, 1.5, mud=True),
    ),
    "saturate": (Saturation(0.3, 0), Saturation(0.1, 0), Saturation(2, 0), Saturation(5, 0.1), Saturation(20, 0.2)),
}

IMAGENET_C_ORIGINAL: Final[Table] = {
    **IMAGENET_C,
    # 244 is the script's slip for 224, kept because the published images have it.
    "elastic_transform": _elastic(
        224,
        (244 * 2, 244 * 0.7, 244 * 0.1),
        (244 * 2, 244 * 0.08, 244 * 0.2),
        (244 * 0.05, 244 * 0.01, 244 * 0.02),
        (244 * 0.07, 244 * 0.01, 244 * 0.02),
        (244 * 0.12, 244 * 0.01, 244 * 0.02),
    ),
    "frost": _frost(1, (1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75)),
}

TINY_IMAGENET_C: Final[Table] = {
    "gaussian_noise": (0.04, 0.08, 0.12, 0.15, 0.18),
    "shot_noise": (250, 100, 50, 30, 15),
    "impulse_noise": (0.01, 0.02, 0.05, 0.08, 0.14),
    "defocus_blur": (Disk(0.5, 0.6), Disk(1, 0.1), Disk(1.5, 0.1), Disk(2.5, 0.01), Disk(3, 0.1)),
    "glass_blur": (Glass(0.1, 1, 1), Glass(0.5, 1, 1), Glass(0.6, 1, 2), Glass(0.7, 2, 1), Glass(0.9, 2, 2)),
    "motion_blur": (Motion(10, 1), Motion(10, 1.5), Motion(10, 2), Motion(10, 2.5), Motion(12, 3)),
    "zoom_blur": (Zooms(0.01, 7), Zooms(0.01, 12), Zooms(0.01, 16), Zooms(0.01, 21), Zooms(0.01, 26)),
    "snow": (
        _snow(0.1, 0.2, 1, 0.6, 8, 3, 0.8),
        _snow(0.1, 0.2, 1, 0.5, 10, 4, 0.8),
        _snow(0.15, 0.3, 1.75, 0.55, 10, 4, 0.7),
        _snow(0.25, 0.3, 2.25, 0.6, 12, 6, 0.65),
        _snow(0.3, 0.3, 1.25, 0.65, 14, 12, 0.6),
    ),
    "frost": _frost(0.3, (1, 0.3), (0.9, 0.4), (0.8, 0.45), (0.75, 0.5), (0.7, 0.55)),
    "fog": (Fog(0.4, 3), Fog(0.7, 3), Fog(1, 2.5), Fog(1.5, 2), Fog(2, 1.75)),
    "brightness": (0.1, 0.2, 0.3, 0.4, 0.5),
    "contrast": (0.4, 0.3, 0.2, 0.1, 0.05),
    "elastic_transform": _elastic(
        1, (0, 0, 0.08), (0.05, 0.3, 0.06), (0.1, 0.08, 0.06), (0.1, 0.03, 0.03), (0.16, 0.03, 0.02)
    ),
    "pixelate": (0.9, 0.8, 0.7, 0.6, 0.5),
    "jpeg_compression": (65, 58, 50, 40, 25),
    "speckle_noise": (0.15, 0.2, 0.25, 0.3, 0.35),
    "gaussian_blur": (0.5, 0.75, 1, 1.25, 1.5),
    "spatter": (
        Spatter(0.62, 0.1, 0.7, 0.7, 0.6, mud=False),
        Spatter(0.65, 0.1, 0.8, 0.7, 0.6, mud=False),
        Spatter(0.65, 0.3, 1, 0.69, 0.6, mud=False),
        Spatter(0.65, 0.1, 0.7, 0.68, 0.6, mud=True),
        Spatter(0.65, 0.1, 0.5, 0.67, 0.6, mud=True),
    ),
    "saturate": (Saturation(0.3, 0), Saturation(0.1, 0), Saturation(2, 0), Saturation(5, 0.1), Saturation(30, 0.2)),
}

CIFAR_10_C: Final[Table] = {
    "gaussian_noise": (0.04, 0.06, 0.08, 0.09, 0.1),
    "shot_noise": (500, 250, 100, 75, 50),
    "impulse_noise": (0.01, 0.02, 0.03, 0.05, 0.07),
    "defocus_blur": (Disk(0.3, 0.4), Disk(0.4, 0.5), Disk(0.5, 0.6), Disk(1, 0.2), Disk(1.5, 0.1)),
    "glass_blur": (Glass(0.05, 1, 1), Glass(0.25, 1, 1), Glass(0.4, 1, 1), Glass(0.25, 1, 2), Glass(0.4, 1, 2)),
    "motion_blur": (Motion(6, 1), Motion(6, 1.5), Motion(6, 2), Motion(8, 2), Motion(9, 2.5)),
    "zoom_blur": (Zooms(0.01, 7), Zooms(0.01, 12), Zooms(0.01, 16), Zooms(0.01, 21), Zooms(0.01, 26)),
    "snow": (
        _snow(0.1, 0.2, 1, 0.6, 8, 3, 0.95),
        _snow(0.1, 0.2, 1, 0.5, 10, 4, 0.9),
        _snow(0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
        _snow(0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
        _snow(0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
    ),
    "frost": _frost(0.2, (1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45)),
    "fog": (Fog(0.2, 3), Fog(0.5, 3), Fog(0.75, 2.5), Fog(1, 2), Fog(1.5, 1.75)),
    "brightness": (0.05, 0.1, 0.15, 0.2, 0.3),
    "contrast": (0.75, 0.5, 0.4, 0.3, 0.15),
    "elastic_transform": _elastic(
        1, (0, 0, 0.08), (0.05, 0.2, 0.07), (0.08, 0.06, 0.06), (0.1, 0.04, 0.05), (0.1, 0.03, 0.03)
    ),
    "pixelate": (0.95, 0.9, 0.85, 0.75, 0.65),
    "jpeg_compression": (80, 65, 58, 50, 40),
    "speckle_noise": (0.06, 0.1, 0.12, 0.16, 0.2),
    "gaussian_blur": (0.4, 0.6, 0.7, 0.8, 1),
    "spatter": (
        Spatter(0.62, 0.1, 0.7, 0.7, 0.5, mud=False),
        Spatter(0.65, 0.1, 0.8, 0.7, 0.5, mud=False),
        Spatter(0.65, 0.3, 1, 0.69, 0.5, mud=False),
        Spatter(0.65, 0.1, 0.7, 0.69, 0.6, mud=True),
        Spatter(0.65, 0.1, 0.5, 0.68, 0.6, mud=True),
    ),
    "saturate": (Saturation(0.3, 0), Saturation(0.1, 0), Saturation(1.5, 0), Saturation(2, 0.1), Saturation(2.5, 0.2)),
}

TABLES: Final[Mapping[str, Table]] = {
    "imagenet-c": IMAGENET_C,
    "imagenet-c-original": IMAGENET_C_ORIGINAL,
    "tiny-imagenet-c": TINY_IMAGENET_C,
    "cifar-10-c": CIFAR_10_C,
}
