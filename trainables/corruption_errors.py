"""Error rates of a network under corruptions: counted batch by batch, kept as a table."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class ErrorTable:
    """Top-1 error rates of one network under corruptions, and on the same images uncorrupted.

    Attributes:
        corruptions: names, C of them.
        severities: S of them.
        errors: (C, S) float64 in [0, 1].
        clean: in [0, 1].

    Raises:
        ValueError: a name or a severity stands there twice or not at all, the shape is another, or a rate is none.
    """

    corruptions: tuple[str, ...]
    severities: tuple[int, ...]
    errors: Tensor
    clean: float

    def __post_init__(self) -> None:
        for kind, values in (("corruptions", self.corruptions), ("severities", self.severities)):
            if not values or len(set(values)) < len(values):
                raise ValueError(f"ErrorTable: {kind}: {values!r} is empty or names one twice")
        wanted = (len(self.corruptions), len(self.severities))
        if self.errors.shape != wanted:
            raise ValueError(f"ErrorTable: errors of shape {tuple(self.errors.shape)}, the names want {wanted}")
        check_rates("ErrorTable", self.errors)
        check_rates("ErrorTable: clean", torch.tensor(self.clean))

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> "ErrorTable":
        """What `plain` gave.

        Raises:
            ValueError: it is something else.
        """
        try:
            errors = torch.tensor(plain["errors"], dtype=torch.float64)
            return cls(tuple(plain["corruptions"]), tuple(plain["severities"]), errors, float(plain["clean"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"ErrorTable: no table of errors ({type(error).__name__}: {error})") from error

    def plain(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {
            "corruptions": list(self.corruptions),
            "severities": list(self.severities),
            "errors": self.errors.tolist(),
            "clean": self.clean,
        }

    def only(self, corruptions: Collection[str], severities: Collection[int] | None = None) -> "ErrorTable":
        """The cells of these corruptions and severities (None: all of those at hand), in the table's order.

        Raises:
            ValueError: one of them stands not in the table, or none is left.
        """
        wanted = self.severities if severities is None else severities
        for kind, asked, there in (("", corruptions, self.corruptions), ("severity ", wanted, self.severities)):
            missing = [value for value in asked if value not in there]
            if missing:
                raise ValueError(f"ErrorTable: no errors under {kind}{missing[0]!r}; there are {listed(there, 20)}")
        rows = [row for row, name in enumerate(self.corruptions) if name in corruptions]
        columns = [column for column, severity in enumerate(self.severities) if severity in wanted]
        return ErrorTable(
            tuple(self.corruptions[row] for row in rows),
            tuple(self.severities[column] for column in columns),
            self.errors[rows][:, columns],
            self.clean,
        )

    def without(self, corruptions: Collection[str]) -> "ErrorTable":
        """The other rows; names that stand not in the table change nothing.

        Raises:
            ValueError: none is left.
        """
        left = [name for name in self.corruptions if name not in corruptions]
        if not left:
            raise ValueError(f"ErrorTable: without {', '.join(corruptions)} no corruption is left")
        return self.only(left)


class ErrorCount:
    """Counts errors batch by batch, in any order and in several processes; the rates are exact, whatever the batches.

    A cell is a corruption and a severity; what is not corrupted counts as the cell `CLEAN`.
    """

    CLEAN = ("clean", 0)

    def __init__(self) -> None:
        self._counts: dict[tuple[str, int], tuple[int, int]] = {}

    def add(self, corruption: str, severity: int, wrong: Tensor) -> None:
        """Counts a batch.

        Args:
            corruption: a name, or `clean` with severity 0.
            severity: of the corruption.
            wrong: (n,) booleans, on any device: which images were misclassified.

        Raises:
            ValueError: they are no such booleans.
        """
        if wrong.dtype != torch.bool or wrong.ndim != 1:
            raise ValueError(f"ErrorCount: want (n,) booleans, got {tuple(wrong.shape)} {wrong.dtype}")
        self._add((corruption, severity), int(wrong.sum()), len(wrong))

    def merge(self, other: "ErrorCount") -> None:
        """Counts what another one counted as well."""
        for cell, counts in other._counts.items():
            self._add(cell, *counts)

    def table(self, corruptions: Sequence[str], severities: Sequence[int], clean: float | None = None) -> ErrorTable:
        """The rates in these cells.

        Args:
            corruptions: names.
            severities: of each of them.
            clean: rate on other images, where those that were corrupted are not at hand; None takes the counted one.

        Raises:
            ValueError: a cell has no image, or another number of images than the first one.
        """
        cells = [(name, severity) for name in corruptions for severity in severities]
        images = self._images(cells if clean is not None else [self.CLEAN, *cells])
        rates = [self._counts[cell][0] / images for cell in cells]
        errors = torch.tensor(rates, dtype=torch.float64).view(len(corruptions), len(severities))
        own = self._counts[self.CLEAN][0] / images if clean is None else clean
        return ErrorTable(tuple(corruptions), tuple(severities), errors, own)

    def _images(self, cells: Sequence[tuple[str, int]]) -> int:
        """Images counted in each of the cells."""
        empty = [f"{name} {severity}" for name, severity in cells if not self._counts.get((name, severity), (0, 0))[1]]
        if empty:
            raise ValueError(f"ErrorCount: no image counted for {listed(empty)}")
        _, images = self._counts[cells[0]]
        uneven = [f"{name} {severity}" for name, severity in cells if self._counts[name, severity][1] != images]
        if uneven:
            first = f"{cells[0][0]} {cells[0][1]}".removesuffix(" 0")
            raise ValueError(f"ErrorCount: other numbers of images than the {images} of {first} for {listed(uneven)}")
        return images

    def _add(self, cell: tuple[str, int], wrong: int, images: int) -> None:
        before = self._counts.get(cell, (0, 0))
        self._counts[cell] = (before[0] + wrong, before[1] + images)


def check_rates(where: str, rates: Tensor) -> None:
    """Lets rates from 0 to 1 pass.

    Raises:
        ValueError: one is none; `where` begins the message.
    """
    wrong = rates[~((rates >= 0) & (rates <= 1))]  # what is no number is neither
    if len(wrong):
        raise ValueError(f"{where}: {float(wrong[0])} is no error rate from 0 to 1")


def listed(values: Iterable[object], most: int = 6) -> str:
    """The first `most` values, and how many more there are."""
    told = [str(value) for value in values]
    return ", ".join(told[:most]) + (f" and {len(told) - most} more" if len(told) > most else "")
