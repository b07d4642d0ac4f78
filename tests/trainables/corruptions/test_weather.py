import colorsys

import numpy as np
import pytest
import torch
from torch import Tensor

from trainables.perturbations.corruptions import Ice, corrupt
from trainables.perturbations.corruptions.constants import Fog, Frost, Motion, Snow
from trainables.perturbations.corruptions.plasma import plasma
from trainables.perturbations.corruptions.weather import fog, frost, snow
from trainables.seeds import generator


@pytest.mark.parametrize("decay", [1.4, 3.0])
def test_plasma_is_diamond_square_point_by_point(decay: float) -> None:
    side = 16
    uniform = torch.rand(2, side * side, generator=generator("plasma"), dtype=torch.float64)
    for map_number in range(2):
        drawn = iter((2 * uniform[map_number, 1:] - 1).tolist())
        heights, step, amplitude = np.zeros((side, side)), side, 1.0

        def mean(row: int, column: int, moves: list[tuple[int, int]], heights: np.ndarray = heights) -> float:
            return float(np.mean([heights[(row + down) % side, (column + right) % side] for down, right in moves]))

        while step > 1:
            half = step // 2
            corners = [(-half, -half), (-half, half), (half, -half), (half, half)]
            sides = [(-half, 0), (half, 0), (0, -half), (0, half)]
            for first_row, first_column, moves in ((half, half, corners), (0, half, sides), (half, 0, sides)):
                for row in range(first_row, side, step):
                    for column in range(first_column, side, step):
                        heights[row, column] = mean(row, column, moves) + amplitude * next(drawn)
            step, amplitude = half, amplitude / decay**2
        twin = (heights - heights.min()) / (heights.max() - heights.min())
        assert np.allclose(plasma(uniform.float(), decay)[map_number].numpy(), twin, atol=1e-5)


def test_fog_takes_the_brightest_value_back() -> None:
    image = torch.tensor([100, 200]).view(1, 1, 1, 2).expand(1, 3, 32, 2).repeat(1, 1, 1, 16).to(torch.uint8)
    made = fog(image, Fog(1.5, 2), torch.rand(1, 32 * 32, generator=generator("fog"))).float()
    brightest = 200 / 255
    assert made.max() <= 200
    share = brightest / (brightest + 1.5)
    assert made.min() == int(100 * share) or made.min() == int(200 * share)
    differences = made[..., 1::2] - made[..., ::2]
    assert abs(differences.mean().item() - 100 * share) < 8


def test_fog_on_black_is_black() -> None:
    black = torch.zeros(2, 3, 40, 33, dtype=torch.uint8)
    assert torch.equal(corrupt(black, "fog", 5, generator("black")), black)


def test_frost_is_a_weighted_sum_with_a_piece_of_the_ice() -> None:
    picture = torch.arange(3 * 80 * 90).remainder(251).view(3, 80, 90).to(torch.uint8)
    image = torch.full((1, 3, 32, 40), 100, dtype=torch.uint8)
    made = frost(image, Frost(0.5, 0.25, 1), torch.tensor([[0.0, 0.5, 0.999]]), Ice([picture]))
    piece = picture[:, 24:56, 49:89]
    assert torch.equal(made[0], (100 * 0.5 + piece * 0.25).to(torch.uint8))


def test_snow_is_the_same_upside_down_on_a_flat_image() -> None:
    flat = torch.full((2, 3, 40, 36), 60, dtype=torch.uint8)
    made = corrupt(flat, "snow", 3, generator("snow"))
    assert torch.equal(made, made.flip(2, 3))


def test_snow_without_flakes_only_whitens() -> None:
    image = torch.tensor([200, 100, 0]).view(1, 3, 1, 1).expand(1, 3, 32, 32).to(torch.uint8)
    setting = Snow(0.0, 0.1, 2.0, 0.9, Motion(4, 2), 0.7)
    made = snow(image, setting, torch.zeros(1, 16, 16), torch.tensor([-90.0]))
    grey = (0.299 * 200 + 0.587 * 100) * 1.5 + 127.5
    assert made[0, :, 0, 0].tolist() == [int(0.7 * v + 0.3 * max(v, grey)) for v in (200, 100, 0)]


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_brightness_raises_the_value_alone(severity: int, images: Tensor) -> None:
    made = corrupt(images, "brightness", severity)
    for before, after in zip(colours(images), colours(made), strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*before)
        lifted = colorsys.hsv_to_rgb(hue, saturation, min(value + severity / 10, 1))
        assert np.abs(np.array(lifted) * 255 - np.array(after) * 255).max() <= 1.01


def test_black_gets_grey() -> None:
    black = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    assert torch.equal(corrupt(black, "brightness", 2), torch.full_like(black, 51))


def colours(images: Tensor) -> list[tuple[float, float, float]]:
    """A few hundred pixels' red, green and blue in [0, 1]."""
    pixels = images.permute(0, 2, 3, 1).reshape(-1, 3)[::17].tolist()
    return [(red / 255, green / 255, blue / 255) for red, green, blue in pixels]
