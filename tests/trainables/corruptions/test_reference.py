"""Ours beside what imagecorruptions 1.1.2 made of one image from the same draws.

The file is written by `python -m benchmarks.corruption_fidelity --frozen tests/trainables/corruptions/reference.npz`.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from trainables.perturbations.corruptions import corrupt, names

FILE = Path(__file__).parent / "reference.npz"


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    with np.load(FILE) as file:
        return dict(file)


def test_all_are_there_but_those_that_draw_otherwise(reference: dict[str, Any]) -> None:
    kept = {key.partition(" ")[0] for key in reference} - {"image"}
    assert set(names()) - kept == {"shot_noise", "impulse_noise", "frost"}


def test_no_value_is_off_by_more_than_one_grey_level(reference: dict[str, Any]) -> None:
    image = torch.from_numpy(reference.pop("image"))[None]
    for key, theirs in reference.items():
        name, severity = key.split()
        ours = corrupt(image, name, int(severity), torch.tensor([1]))[0].numpy()
        apart = np.abs(ours.astype(int) - theirs)
        assert apart.max() <= 1, key
        assert apart.mean() < 0.2, key
