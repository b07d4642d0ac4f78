"""The blurs beside plain twins: scipy's filters, and loops over pixels and taps."""

import math

import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from trainables.perturbations.corruptions import TABLES, corrupt
from trainables.perturbations.corruptions.blur import glass_sources, motion_blur, zoomed
from trainables.perturbations.corruptions.constants import Disk, Motion
from trainables.perturbations.corruptions.convolution import disk_kernel
from trainables.perturbations.corruptions.smoothing import smoothed
from trainables.seeds import generator

Array = npt.NDArray[np.float64]


def assert_within_one(ours: Tensor, twin: Array, least: float = 1.0) -> None:
    apart = np.abs(ours.numpy().astype(int) - np.floor(twin.clip(0, 255) + 1e-9).astype(int))
    assert (apart <= 1).mean() >= least


@pytest.mark.parametrize("sigma", [0.1, 0.4, 1.0, 3.0, 40.0])
@pytest.mark.parametrize(("edges", "mode"), [("nearest", "nearest"), ("mirrored", "reflect")])
def test_smoothing_is_scipys(sigma: float, edges: str, mode: str, images: Tensor) -> None:
    ours = smoothed(images[0].float(), (sigma, sigma / 2), edges, truncate=3.0)  # type: ignore[arg-type]
    twin = ndimage.gaussian_filter(images[0].numpy().astype(float), (0, sigma, sigma / 2), mode=mode, truncate=3.0)
    assert np.allclose(ours.numpy(), twin, atol=1e-3)


@pytest.mark.parametrize("severity", [1, 5])
def test_gaussian_blur_is_scipys(severity: int, images: Tensor) -> None:
    sigma = TABLES["imagenet-c"]["gaussian_blur"][severity - 1]
    twin = ndimage.gaussian_filter(images.numpy().astype(float), (0, 0, sigma, sigma), mode="nearest", truncate=4.0)
    assert_within_one(corrupt(images, "gaussian_blur", severity), twin)


def test_a_disk_is_round_and_weighs_one() -> None:
    kernel, reach = disk_kernel(Disk(3, 0.1), torch.device("cpu"))
    assert kernel.sum().item() == pytest.approx(1)
    assert (kernel > 1e-6).sum() == 29  # whole points within 3 of the middle
    assert torch.equal(kernel[0], kernel[0].T)
    assert reach == (8, 8, 8, 8)


@pytest.mark.parametrize("severity", [1, 4, 5])
def test_defocus_is_a_plain_correlation(severity: int, images: Tensor) -> None:
    kernel = disk_kernel(TABLES["imagenet-c"]["defocus_blur"][severity - 1], torch.device("cpu"))[0][0].double().numpy()
    planes = images[:2].numpy().astype(float)
    twin = np.stack([[ndimage.correlate(plane, kernel, mode="mirror") for plane in image] for image in planes])
    assert_within_one(corrupt(images[:2], "defocus_blur", severity), twin)


@pytest.mark.parametrize(("side", "radius"), [(48, 10), (32, 20)])
@pytest.mark.parametrize("degrees", [-45.0, -13.0, 0.0, 30.0, 45.0])
def test_motion_is_a_sum_of_shifted_images(side: int, radius: int, degrees: float, images: Tensor) -> None:
    image = images[:1, :, :side, :32]
    height, width = image.shape[2:]
    motion = Motion(radius, 8)
    weights = np.exp(-0.5 * (np.arange(2 * radius + 1) / motion.sigma) ** 2)
    padded = np.pad(image[0].numpy().astype(float), ((0, 0), (64, 64), (64, 64)), mode="edge")
    twin = np.zeros(image.shape[1:])
    for tap, weight in enumerate(weights / weights.sum()):
        down = math.ceil(tap * math.sin(math.radians(degrees)) - 0.5)
        across = math.ceil(tap * math.cos(math.radians(degrees)) - 0.5)
        if abs(down) >= height or abs(across) >= width:
            break
        twin += weight * padded[:, 64 + down : 64 + down + height, 64 + across : 64 + across + width]
    assert_within_one(motion_blur(image, motion, torch.tensor([degrees]))[0], twin)


@pytest.mark.parametrize("factor", [1.01, 1.11, 1.3, 2.5, 4.5])
def test_zooming_is_scipys(factor: float, images: Tensor) -> None:
    plane = images[0, 0].numpy().astype(np.float64)
    crops = [math.ceil(side / factor) for side in plane.shape]
    top, left = ((side - crop) // 2 for side, crop in zip(plane.shape, crops, strict=True))
    twin = ndimage.zoom(plane[top : top + crops[0], left : left + crops[1]], factor, order=1, mode="nearest")
    ours = zoomed(images[:1, :1].float(), factor)[0, 0]
    assert ours.shape == twin.shape
    assert np.allclose(ours.numpy(), twin, atol=1e-2)


def test_zoom_blur_counts_the_image_twice() -> None:
    image = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    image[..., -1, -1] = 240  # in no enlargement but the first
    zooms = TABLES["imagenet-c"]["zoom_blur"][2]
    assert corrupt(image, "zoom_blur", 3)[0, 0, -1, -1] == math.floor(240 * 2 / (zooms.count + 1))


@pytest.mark.parametrize(("reach", "rounds"), [(1, 1), (1, 3), (2, 3), (4, 2)])
def test_glass_sources_follow_a_walk_over_all_pixels(reach: int, rounds: int) -> None:
    height, width, outcomes = 34, 37, (2 * reach) ** 2
    draws = generator("glass", reach, rounds)
    shape = (3, rounds, height - 2 * reach, width - 2 * reach)
    displacements = torch.randint(outcomes, shape, generator=draws, dtype=torch.uint8)
    ours = glass_sources(displacements, reach, (height, width))
    for image in range(3):
        held = np.arange(height * width).reshape(height, width)
        for turn in range(rounds):
            for row in reversed(range(reach + 1, height - reach + 1)):
                for column in reversed(range(reach + 1, width - reach + 1)):
                    code = int(displacements[image, turn, row - reach - 1, column - reach - 1])
                    down, across = code // (2 * reach) - reach, code % (2 * reach) - reach
                    held[row, column] = held[row + down, column + across]
        assert np.array_equal(ours[image].numpy(), held.flatten())


def test_glass_leaves_the_rim_in_place() -> None:
    displacements = torch.randint(16, (1, 2, 28, 28), generator=generator("rim"), dtype=torch.uint8)
    sources = glass_sources(displacements, 2, (32, 32)).view(32, 32)
    places = torch.arange(32 * 32).view(32, 32)
    assert torch.equal(sources[:3], places[:3])
    assert torch.equal(sources[:, :3], places[:, :3])
    assert torch.equal(sources[-1:], places[-1:])
