import pytest
import torch
from torch import Tensor
from torch.nn import functional

from trainables.seeds import generator


@pytest.fixture(scope="session")
def images() -> Tensor:
    """Six smooth, coloured images of 48x40 with an edge in each, (6, 3, 48, 40) uint8."""
    draws = generator("corruption tests")
    coarse = torch.rand(6, 3, 6, 5, generator=draws)
    smooth = functional.interpolate(coarse, (48, 40), mode="bicubic").clamp_(0, 1)
    smooth[:, :, 20:, 15:] = 1 - smooth[:, :, 20:, 15:]
    return smooth.mul_(255).round_().to(torch.uint8)
