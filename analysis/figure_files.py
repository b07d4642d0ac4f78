"""Which files each figure has; needs no drawing library, so that whoever only sends or lists them loads none."""

from typing import Final

KINDS: Final = ("png", "svg", "pdf")
"""The formats in which every figure is written: for screens, for pages, and for papers."""


def figure_files(*names: str) -> tuple[str, ...]:
    """Returns the file names of figures, those of one figure together: `front.png`, `front.svg`, `front.pdf`."""
    return tuple(f"{name}.{kind}" for name in names for kind in KINDS)
