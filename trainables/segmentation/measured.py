"""How a study of segmentation measures its scores, and what its reader should know of them. Torch-free."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from trainables.corruption_cells import by_epoch, ordered, part, seen_told, way, words
from trainables.corruption_options import CorruptionOptions
from trainables.noise_options import matched_told
from trainables.segmentation.corruption_options import MaskedCorruptionOptions
from trainables.segmentation.vocabulary import CORRUPTED_MIOU, UNDER_NOISE

MOVING: Final = ("glass_blur", "motion_blur", "elastic_transform")
"""Corruptions that move what is seen away from its mask: at 64x64 a severe motion blur by four pixels."""


def measured(options: Mapping[str, Any], metrics: Sequence[str], epochs: int) -> dict[str, list[tuple[int, str]]]:
    """In which ways corrupted_miou is measured: from which epoch on, and the way in words.

    Args:
        options: held by every trial of a study.
        metrics: that its trials report.
        epochs: of a trial.
    """
    if CORRUPTED_MIOU not in metrics:
        return {}
    held = part(MaskedCorruptionOptions, options)
    first, last = (words(held, way(held, last)) for last in (False, True))
    return {CORRUPTED_MIOU: by_epoch(first, last, epochs)}


def corruptions_of(options: CorruptionOptions, metrics: Sequence[str]) -> tuple[str, ...]:
    """Every corruption that trials are scored under, in the order of `CORRUPTIONS`; none where no metric needs it."""
    return ordered(options.corruptions) if CORRUPTED_MIOU in metrics else ()


def advice(options: Mapping[str, Any], possible: Mapping[str, Sequence[Any]], metrics: Sequence[str]) -> list[str]:
    """What to know of a study's scores under noise and under corruption, a line each.

    Args:
        options: held by every trial.
        possible: values that a searched option can take; of a continuous one its two ends.
        metrics: that trials report.
    """
    names = corruptions_of(part(MaskedCorruptionOptions, options), metrics)
    return [*matched_told(options, metrics, UNDER_NOISE), *seen_told(names), *_moving_told(names)]


def _moving_told(names: Sequence[str]) -> list[str]:
    moving = [name for name in names if name in MOVING]
    if not moving:
        return []
    verb = "moves" if len(moving) == 1 else "move"
    return [
        f"{CORRUPTED_MIOU}: {' and '.join(moving)} {verb} what is seen, and the masks stay those of the clean images, "
        "so that no network can be right everywhere"
    ]
