import colorsys
import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

from trainables.perturbations.corruptions import corrupt
from trainables.perturbations.corruptions.constants import Saturation, Spatter
from trainables.perturbations.corruptions.extra import saturate, spatter
from trainables.perturbations.corruptions.smoothing import smoothed
from trainables.perturbations.corruptions.water import _connected, distance, edges, equalised, thickness
from trainables.seeds import generator


@pytest.mark.parametrize("setting", [Saturation(0.3, 0), Saturation(2, 0), Saturation(5, 0.1), Saturation(20, 0.2)])
def test_saturation_keeps_hue_and_value(setting: Saturation, images: Tensor) -> None:
    made = saturate(images, setting)
    before, after = (each.permute(0, 2, 3, 1).reshape(-1, 3)[::13].tolist() for each in (images, made))
    for clean, saturated in zip(before, after, strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*(level / 255 for level in clean))
        wanted = colorsys.hsv_to_rgb(hue, min(saturation * setting.factor + setting.offset, 1), value)
        assert np.abs(np.array(wanted) * 255 - np.array(saturated)).max() <= 1.01


def test_grey_saturates_towards_red_where_there_is_an_offset() -> None:
    grey = torch.full((1, 3, 32, 32), 200, dtype=torch.uint8)
    assert corrupt(grey, "saturate", 5)[0, :, 0, 0].tolist() == [200, 160, 160]
    assert torch.equal(corrupt(grey, "saturate", 3), grey)
    assert not corrupt(torch.zeros_like(grey), "saturate", 5).any()


def test_edges_of_a_square_are_its_outline() -> None:
    grey = torch.zeros(1, 20, 24, dtype=torch.int32)
    grey[0, 5:14, 6:18] = 200
    found = edges(grey)[0]
    assert found.sum() > 30
    rows, columns = found.nonzero().T
    inside = (rows >= 6) & (rows <= 12) & (columns >= 7) & (columns <= 16)
    outside = (rows < 4) | (rows > 14) | (columns < 5) | (columns > 18)
    assert not (inside | outside).any()


def test_weak_edges_count_where_they_reach_a_strong_one() -> None:
    strong = torch.zeros(2, 12, 12, dtype=torch.bool)
    thin = torch.zeros_like(strong)
    thin[0, range(10), range(10)] = True  # a diagonal, strong at one end
    strong[0, 0, 0] = True
    thin[0, 2:5, 9] = True  # apart from it
    thin[1, 0] = True  # in another image
    found = _connected(strong, thin)
    assert found[0].nonzero().tolist() == [[place, place] for place in range(10)]
    assert not found[1].any()


def test_distance_is_the_shortest_path_of_three_steps() -> None:
    marked = torch.rand(2, 40, 33, generator=generator("marks")) < 0.004
    steps = [(1, 0, 1.0), (0, 1, 1.0), (1, 1, 1.4), (1, 2, 2.1969), (2, 1, 2.1969)]
    signs = itertools.product((1, -1), repeat=2)
    moves = {(a * x, b * y, cost) for (a, b), (x, y, cost) in itertools.product(signs, steps)}
    twin = torch.where(marked, 0.0, 20.0)
    for _ in range(20):  # relaxes every path of up to 20 steps
        padded = torch.nn.functional.pad(twin, (2, 2, 2, 2), value=20.0)
        reached = [padded[:, 2 + x : 42 + x, 2 + y : 35 + y] + cost for x, y, cost in moves]
        twin = torch.minimum(twin, torch.stack(reached).amin(0))
    # A path may leave the image in ours, as a crow flies; in a convex rectangle that is never shorter.
    assert torch.allclose(distance(marked), twin, atol=1e-3)


def test_equalised_levels_are_spread_by_their_counts() -> None:
    values = torch.tensor([[[0.0, 0, 0, 0, 10, 10, 20, 20]]])
    assert equalised(values).flatten().tolist() == [0, 0, 0, 0, 128, 128, 255, 255]
    lone = torch.full((1, 3, 3), 7.0)
    assert torch.equal(equalised(lone), lone)


def test_water_lies_where_noise_is_high_and_mud_covers() -> None:
    image = torch.full((1, 3, 64, 64), 100, dtype=torch.uint8)
    noise = torch.randn(1, 64, 64, generator=generator("drops"))
    water = Spatter(0.65, 0.3, 2, 0.68, 0.5, mud=False)
    high = smoothed(noise * 0.3 + 0.65, 2.0) >= 0.68
    made = spatter(image, water, noise)
    assert torch.equal(made[0, :, ~high[0]], image[0, :, ~high[0]])
    assert (made >= image).all()
    assert (made[:, 1] >= made[:, 0]).all()  # turquoise
    mud = spatter(image, Spatter(0.65, 0.3, 2, 0.65, 1.5, mud=True), noise)
    assert (mud == torch.tensor([63, 42, 20], dtype=torch.uint8)[:, None, None]).all(1).float().mean() > 0.02
    assert (mud <= image).all()


def test_no_liquid_is_no_water() -> None:
    assert not thickness(torch.zeros(2, 33, 40)).any()
