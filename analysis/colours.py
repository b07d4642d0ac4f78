"""Colours that people of every colour vision tell apart, on light and on dark paper."""

from typing import Final

import matplotlib as mpl

# Near the hues of M. Okabe and K. Ito, "Color Universal Design" (2008), moved until every two are far apart, to
# eyes without one of the three cones too, and each stands out from its paper as WCAG 2 asks of lines: contrast 3.
NAMED: Final = ("#0a3fb5", "#dd7a06", "#04754f", "#bf659c", "#5093fa", "#6b3a00")
NAMED_ON_DARK: Final = ("#4c84f5", "#eebb2e", "#32f098", "#9a80ae", "#d3effe", "#b0503f")
STEPS: Final = 17
"""Colours of a ramp that a page has classes for."""


def _ramp(low: float, high: float) -> tuple[str, ...]:
    shares = [low + (high - low) * step / (STEPS - 1) for step in range(STEPS)]
    return tuple(mpl.colors.to_hex(mpl.colormaps["inferno"](share)) for share in shares)


# Lightness runs one way in both, so that the order of the values shows in grey as well.
RAMP: Final = _ramp(0.1, 0.68)
RAMP_ON_DARK: Final = _ramp(0.48, 0.97)


def heat(share: float) -> str:
    """Returns the colour of a heat map's cell, dark to light as the share grows from 0 to 1."""
    return str(mpl.colors.to_hex(mpl.colormaps["viridis"](min(max(share, 0.0), 1.0))))


def ink_on(colour: str) -> str:
    """Returns black or white, whichever has the greater contrast to the colour; it is at least 4.5."""
    return "#000000" if contrast(colour, "#000000") >= contrast(colour, "#ffffff") else "#ffffff"


def contrast(one: str, other: str) -> float:
    """Returns the contrast of two colours, 1 to 21, as WCAG 2 defines it."""
    low, high = sorted([_luminance(one), _luminance(other)])
    return (high + 0.05) / (low + 0.05)


def steps(count: int, ordered: bool) -> tuple[int, ...]:
    """Returns which colour each of `count` values has: places in RAMP for ordered ones, else in NAMED.

    Ordered values use the whole ramp; beyond STEPS of them neighbours share a colour.
    """
    if not ordered:
        return tuple(place % len(NAMED) for place in range(count))
    return tuple(round(place * (STEPS - 1) / max(1, count - 1)) for place in range(count))


def _luminance(colour: str) -> float:
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in mpl.colors.to_rgb(colour)]
    return float(0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2])
