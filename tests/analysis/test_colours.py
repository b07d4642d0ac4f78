"""Colours stay apart to every colour vision, on light and on dark paper, and text on them can be read."""

from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest
from numpy.typing import NDArray

from analysis import colours
from analysis.page_parts import STYLE

# G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, "A Physiologically-based Model for Simulation of Color Vision
# Deficiency", IEEE TVCG 2009, table 1, severity 1.
VISIONS = {
    "all cones": np.eye(3),
    "no long": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no middle": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no short": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
PAPERS = [(colours.NAMED, colours.RAMP, "#ffffff"), (colours.NAMED_ON_DARK, colours.RAMP_ON_DARK, "#14181d")]


def lab(colour: str, vision: str) -> NDArray[np.float64]:
    """CIE L*a*b* of what an eye sees."""
    parts = np.array(mpl.colors.to_rgb(colour))
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(VISIONS[vision]) @ linear, 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ seen / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize(("named", "ramp", "paper"), PAPERS, ids=["light", "dark"])
def test_named_colours_are_far_apart_to_every_eye(
    named: tuple[str, ...], ramp: tuple[str, ...], paper: str, vision: str
) -> None:
    distances = [np.linalg.norm(lab(one, vision) - lab(other, vision)) for one, other in combinations(named, 2)]
    assert min(distances) > 20
    lightness = [lab(colour, vision)[0] for colour in ramp]
    assert (np.diff(lightness) > 0).all()


@pytest.mark.parametrize(("named", "ramp", "paper"), PAPERS, ids=["light", "dark"])
def test_lines_stand_out_from_their_paper(named: tuple[str, ...], ramp: tuple[str, ...], paper: str) -> None:
    assert min(colours.contrast(colour, paper) for colour in (*named, *ramp)) >= 2.95


def test_text_on_any_cell_can_be_read() -> None:
    cells = [colours.heat(share / 200) for share in range(-20, 221)]
    assert min(colours.contrast(cell, colours.ink_on(cell)) for cell in cells) >= 4.5


@pytest.mark.parametrize("count", [1, 2, 9, 17, 40])
def test_ordered_values_take_the_whole_ramp_in_their_order(count: int) -> None:
    places = colours.steps(count, ordered=True)
    assert list(places) == sorted(places)
    assert places[0] == 0
    assert count == 1 or places[-1] == colours.STEPS - 1
    assert count > colours.STEPS or len(set(places)) == count


def test_named_values_take_the_named_colours() -> None:
    assert colours.steps(8, ordered=False) == (0, 1, 2, 3, 4, 5, 0, 1)


def test_the_page_has_every_colour_of_both_papers() -> None:
    for colour in (*colours.NAMED, *colours.NAMED_ON_DARK, *colours.RAMP, *colours.RAMP_ON_DARK):
        assert colour in STYLE
