"""Classes have the colours of PASCAL VOC, and pictures of masks never mix two of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from analysis.mask_pictures import SIDE_LEAST, SIDE_MOST, drawn_size, image_picture, is_outlined, mask_picture
from analysis.voc_palette import LINE, PALETTE, VOID, Mask, hex_colour, painted

PUBLISHED = {
    0: (0, 0, 0),  # background
    1: (128, 0, 0),  # aeroplane
    2: (0, 128, 0),  # bicycle
    3: (128, 128, 0),  # bird
    4: (0, 0, 128),  # boat
    5: (128, 0, 128),  # bottle
    6: (0, 128, 128),  # bus
    7: (128, 128, 128),  # car
    8: (64, 0, 0),  # cat
    9: (192, 0, 0),  # chair
    10: (64, 128, 0),  # cow
    11: (192, 128, 0),  # dining table
    12: (64, 0, 128),  # dog
    13: (192, 0, 128),  # horse
    14: (64, 128, 128),  # motorbike
    15: (192, 128, 128),  # person
    16: (0, 64, 0),  # potted plant
    17: (128, 64, 0),  # sheep
    18: (0, 192, 0),  # sofa
    19: (128, 192, 0),  # train
    20: (0, 64, 128),  # tv/monitor
    255: (224, 224, 192),  # void
}
masks = arrays.arrays(np.uint8, arrays.array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.integers(0, 255))


@pytest.mark.parametrize(("number", "colour"), PUBLISHED.items())
def test_classes_have_their_published_colours(number: int, colour: tuple[int, int, int]) -> None:
    assert tuple(PALETTE[number].tolist()) == colour
    assert hex_colour(number) == "#{:02x}{:02x}{:02x}".format(*colour)


def test_every_class_has_the_colour_of_the_rule_and_shares_it_with_none() -> None:
    for number in range(256):
        colour, rest = [0, 0, 0], number
        for place in range(7, -1, -1):
            for channel in range(3):
                colour[channel] |= (rest >> channel & 1) << place
            rest >>= 3
        assert PALETTE[number].tolist() == colour
    assert len({tuple(colour) for colour in [*PALETTE.tolist(), LINE]}) == 257


@given(masks)
def test_an_enlarged_mask_has_each_pixel_as_a_block_of_its_colour_beside_lines(mask: Mask) -> None:
    picture = mask_picture(mask, mask)
    times = picture.shape[0] // mask.shape[0]
    assert picture.shape == (mask.shape[0] * times, mask.shape[1] * times, 3)
    assert SIDE_LEAST <= max(picture.shape) < SIDE_LEAST + max(mask.shape)
    blocks = painted(mask.repeat(times, 0).repeat(times, 1))
    line = (picture == LINE).all(2)
    assert (picture[~line] == blocks[~line]).all()
    assert not line[::times, ::times].any()
    assert line.any() == (len(np.unique(mask)) > 1)


@given(masks, st.integers(0, 255))
def test_lines_follow_the_truth_and_not_what_noise_has_torn(mask: Mask, alike: int) -> None:
    assert not (mask_picture(mask, np.full_like(mask, alike)) == LINE).all(2).any()
    lines = [(mask_picture(said, mask) == LINE).all(2) for said in (mask, np.full_like(mask, VOID))]
    assert (lines[0] == lines[1]).all()


def test_a_large_mask_is_scaled_down_and_has_no_colour_that_it_had_not() -> None:
    mask = np.random.default_rng(0).integers(0, 21, (750, 1000)).astype(np.uint8)
    picture = mask_picture(mask, mask)
    assert picture.shape == (SIDE_MOST * 3 // 4, SIDE_MOST, 3)
    assert set(map(tuple, picture.reshape(-1, 3).tolist())) <= set(PUBLISHED.values())


@pytest.mark.parametrize(("size", "times"), [((640, 960), 3), ((1280, 320), 4)])
def test_an_image_that_is_scaled_down_has_the_means_of_its_blocks(size: tuple[int, int], times: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
    height, width = drawn_size(*size)
    means = image[: height * times, : width * times].reshape(height, -1, width, times, 3).mean((1, 3))
    if size[0] % times == 0:
        assert (image_picture(image) == np.rint(means)).all()
    assert abs(image_picture(image).mean() - image.mean()) < 0.5


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (199, 3), (200, 200), (321, 320), (64, 64)])
def test_sizes_of_any_image_fit_the_sheet_and_keep_every_side(size: tuple[int, int]) -> None:
    height, width = drawn_size(*size)
    assert min(height, width) >= 1
    assert max(height, width) < 2 * SIDE_LEAST
    flat = np.full((*size, 3), 77, np.uint8)
    assert (image_picture(flat) == 77).all()
    assert image_picture(flat).shape == (height, width, 3)
    assert is_outlined(*size) == (height >= 3 * size[0])
