"""What imagecorruptions has to be given to draw what ours draws."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from trainables.perturbations.corruptions import CORRUPTIONS, TABLES
from trainables.perturbations.corruptions.blur import zoom_crop


def fed_draws(name: str, severity: int, size: tuple[int, int], seeds: list[int]) -> npt.NDArray[np.float64] | None:
    """What the peer has to be given to draw what ours draws from `seeds`: (N, L), or None where that cannot be.

    Shot noise and impulse noise draw in another way than the peer.
    """
    corruption, setting = CORRUPTIONS[name], TABLES["imagenet-c"][name][severity - 1]
    if name not in _FEEDS or corruption.draw is None:
        return None
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    rows = [_FEEDS[name](corruption.draw(size, setting, generator), setting, size) for generator in generators]
    return np.stack([torch.cat([part.flatten().double() for part in row]).numpy() for row in rows])


def _pixels(draws: tuple[Tensor, ...], _: Any, __: tuple[int, int]) -> list[Tensor]:
    return [draws[0].permute(1, 2, 0)]


def _glass(draws: tuple[Tensor, ...], glass: Any, _: tuple[int, int]) -> list[Tensor]:
    drawn, outcomes = draws[0].flip(1, 2).double(), 2 * glass.reach
    pair = torch.stack([drawn % outcomes, drawn // outcomes], 3)  # across, then down
    return [(pair + 0.5) / outcomes]


def _angle(draws: tuple[Tensor, ...], _: Any, __: tuple[int, int]) -> list[Tensor]:
    return [(draws[0].double() + 45) / 90]


def _snow(draws: tuple[Tensor, ...], snow: Any, size: tuple[int, int]) -> list[Tensor]:
    noise = torch.zeros(size)
    crops = [zoom_crop(side, snow.zoom) for side in size]
    top, left = ((side - crop) // 2 for side, crop in zip(size, crops, strict=True))
    noise[top : top + crops[0], left : left + crops[1]] = draws[0]
    return [noise, (draws[1].double() + 135) / 90]


_FEEDS: Final[dict[str, Any]] = {
    "gaussian_noise": _pixels,
    "speckle_noise": _pixels,
    "glass_blur": _glass,
    "motion_blur": _angle,
    "snow": _snow,
    "frost": lambda draws, *_: [draws[0]],
    "fog": lambda draws, *_: [draws[0][1:]],
    "elastic_transform": lambda draws, *_: [(draws[0] + 1) / 2],
    "spatter": lambda draws, *_: [draws[0]],
}
