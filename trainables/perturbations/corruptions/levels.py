"""From computed values to stored grey levels."""

from typing import Final

from torch import Tensor

_SLACK: Final = 2.0**-8
"""In grey levels. float32 puts a flat region at 199.99999 where exact arithmetic says 200."""


def levels(values: Tensor) -> Tensor:
    """uint8 of floats in grey levels: clipped to 0..255 and truncated, not rounded, as the reference does.

    Args:
        values: floats of any shape; changed in place.
    """
    return truncated(values.clamp_(0, 255).add_(_SLACK))


def truncated(values: Tensor) -> Tensor:
    """uint8 of floats in [0, 256), without their fractions."""
    return values.short().byte()  # by way of int16 a CPU takes a third of the time
