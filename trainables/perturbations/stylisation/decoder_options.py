"""How AdaIN's decoder is trained. Torch-free, so that a command line can tell its defaults at once."""

import math
from dataclasses import dataclass
from typing import Final

from trainables.errors import TrainableError

STRIDE: Final = 8
"""Pixels of a side to one of the features that are decoded."""


@dataclass(frozen=True)
class DecoderTraining:
    """How a decoder is trained.

    Attributes:
        steps: of the optimiser.
        batch: images of a step, and as many styles.
        learning_rate: of Adam.
        decay: the rate of step t is learning_rate / (1 + decay * t).
        style_weight: of the style loss beside the content loss.
        size: side in pixels at which pictures of a folder are read.

    Raises:
        TrainableError: OPTION_INVALID, naming each that breaks its law.

    Source: Huang & Belongie 2017, section 6, and the settings of their published code, which cuts squares of 256 pixels
    out of pictures of 512 at random where we take the middle of each.
    """

    steps: int = 160_000
    batch: int = 8
    learning_rate: float = 1e-4
    decay: float = 5e-5
    style_weight: float = 10.0
    size: int = 256

    def __post_init__(self) -> None:
        laws = (
            ("steps", self.steps >= 1, "at least 1"),
            ("batch", self.batch >= 1, "at least 1"),
            ("learning_rate", 0 < self.learning_rate < math.inf, "a number above zero"),
            ("decay", 0 <= self.decay < math.inf, "zero or a number above it"),
            ("style_weight", 0 <= self.style_weight < math.inf, "zero or a number above it"),
            ("size", self.size >= 2 * STRIDE and self.size % STRIDE == 0, f"a multiple of {STRIDE}, from 16 on"),
        )
        broken = [f"{name}: {getattr(self, name)}: expected {law}" for name, lawful, law in laws if not lawful]
        if broken:
            raise TrainableError("OPTION_INVALID", "; ".join(broken))
