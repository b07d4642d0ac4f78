"""How pictures are corrupted and stored, checked before any is read. Imports no torch."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from trainables.corruption_facts import CONSTANTS, CORRUPTIONS, LARGEST_SIDE, SEVERITIES, SMALLEST_SIDE
from trainables.errors import TrainableError

SUFFIXES: Final[Mapping[str, tuple[str, ...]]] = {"png": (".png",), "jpeg": (".jpg", ".jpeg")}
"""Formats that are written; a picture keeps its suffix where it is one of these, and gets the first otherwise."""
VERSION: Final = 1
"""In the note beside each folder: raise it whenever the same picture gives other files."""


@dataclass(frozen=True)
class Cell:
    """One corruption at one severity."""

    corruption: str
    severity: int

    @property
    def folder(self) -> str:
        """Where its pictures lie below the output folder, as in the published ImageNet-C."""
        return f"{self.corruption}/{self.severity}"


@dataclass(frozen=True)
class Recipe:
    """What is made of each picture.

    Attributes:
        severities: at least one of 1 to 5.
        corruptions: of the 19; all of them where empty.
        constants: what the severities mean, a name in `CONSTANTS`.
        ice: folder of pictures for frost; our own ice where None.
        seed: of all draws.
        size: side in pixels that every picture is fitted to first; None keeps its size.
        format: png or jpeg.
    """

    severities: tuple[int, ...]
    corruptions: tuple[str, ...] = ()
    constants: str = "imagenet-c"
    ice: Path | None = None
    seed: int = 0
    size: int | None = None
    format: str = "png"

    def __post_init__(self) -> None:
        """Raises OPTION_INVALID, with every complaint, where a law is broken."""
        if found := list(self._complaints()):
            raise TrainableError("OPTION_INVALID", "; ".join(found))

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Every corruption at every severity, once each, in the order of ImageNet-C."""
        wanted, severities = self.corruptions or CORRUPTIONS, sorted(set(self.severities))
        return tuple(Cell(name, severity) for name in CORRUPTIONS if name in wanted for severity in severities)

    def target(self, picture: str) -> str:
        """The relative path of a picture's file in each cell's folder."""
        stem, dot, suffix = picture.rpartition(".")
        if f".{suffix.lower()}" in SUFFIXES[self.format]:
            return picture
        kept = stem if dot and "/" not in suffix else picture
        return kept + SUFFIXES[self.format][0]

    def note(self, cell: Cell, ice: str | None) -> dict[str, Any]:
        """How the pictures of a cell were made, as plain data; `ice` is the digest of the user's ice."""
        return {
            "corruption": cell.corruption,
            "severity": cell.severity,
            "constants": self.constants,
            "ice": ice if cell.corruption == "frost" else None,
            "seed": self.seed,
            "size": self.size,
            "format": self.format,
            "version": VERSION,
        }

    def _complaints(self) -> Iterable[str]:
        if not self.severities:
            yield "no severity came; give one or more of 1 (weak) to 5 (strong)"
        for severity in dict.fromkeys(self.severities):
            if severity not in SEVERITIES:
                yield f"severity is {severity}; a whole number from 1 (weak) to 5 (strong) is needed"
        for what, names, there in (
            ("corruption", self.corruptions, CORRUPTIONS),
            ("constants", (self.constants,), CONSTANTS),
            ("format", (self.format,), tuple(SUFFIXES)),
        ):
            for name in dict.fromkeys(names):
                if name not in there:
                    close = difflib.get_close_matches(name, there, 1)
                    meant = f", did you mean {close[0]!r}?" if close else ""
                    yield f"no {what} {name[:40]!r}{meant}; there is {', '.join(there)}"
        if self.size is not None and not SMALLEST_SIDE <= self.size <= LARGEST_SIDE:
            yield f"size is {self.size}; a side of {SMALLEST_SIDE} to {LARGEST_SIDE} pixels is needed"
