"""What can be set for one segmentation trial. Torch-free, so that a study can be checked in a moment."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from trainables import laws, noise_options
from trainables.corruption_options import conflicts as corruption_conflicts
from trainables.laws import option
from trainables.noise_options import MATCHED, NoiseOptions, ScoredNoiseOptions
from trainables.segmentation import network_options
from trainables.segmentation.corruption_options import MaskedCorruptionOptions
from trainables.segmentation.network_options import ARCHITECTURE, ENCODER, NetworkOptions
from trainables.training_options import TrainingOptions

__all__ = ["ARCHITECTURE", "ENCODER", "LOSSES", "MATCHED", "SegmentationOptions", "read"]

LOSSES: Final = ("cross_entropy", "cross_entropy_dice", "cross_entropy_lovasz")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SegmentationOptions(
    # The last comes first where options are listed.
    MaskedCorruptionOptions,
    ScoredNoiseOptions,
    NoiseOptions,
    TrainingOptions,
    NetworkOptions,
):
    """Everything about one trial that is not data, seed, epochs or hardware; a breach of any law raises ValueError.

    An option whose law says `fixed` stands in a study's `[options]` and never in its `[space]`: scores are compared
    only where they were measured alike.
    """

    batch_size: int = laws.with_default(TrainingOptions, "batch_size", 16)
    schedule: str = laws.with_default(TrainingOptions, "schedule", "poly")
    loss: str = option(
        "string",
        "cross_entropy",
        "cross-entropy of every pixel whose class is told, alone or with the Dice or Lovasz loss added",
        enum=list(LOSSES),
    )
    random_scale: float = option(
        "number",
        1.0,
        "training images and masks are resized by a factor between 1 / this and this; 1 leaves their size",
        minimum=1,
        maximum=4,
    )
    crop_size: int = option(
        "integer",
        0,
        "side in pixels of the random square cut from image and mask; 0 is the images' own size",
        minimum=0,
        maximum=2048,
    )
    flip_probability: float = option(
        "number",
        0.5,
        "probability that image and mask are mirrored, where that keeps the classes",
        minimum=0,
        maximum=1,
    )

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if isinstance(getattr(self, field.name), list):
                object.__setattr__(self, field.name, tuple(getattr(self, field.name)))
        found = laws.complaints(self) or _conflicts(self)
        if found:
            raise ValueError("segmentation options: " + "; ".join(found))


def read(plain: Mapping[str, Any]) -> SegmentationOptions:
    """Options of a plain mapping.

    Raises:
        TrainableError: OPTION_INVALID, for an unknown name or a broken law.
    """
    return laws.read(SegmentationOptions, plain, "segmentation")


def _conflicts(options: SegmentationOptions) -> list[str]:
    """Laws over several options at once."""
    return [
        *network_options.conflicts(options),
        *noise_options.conflicts(options),
        *corruption_conflicts(options),
    ]
