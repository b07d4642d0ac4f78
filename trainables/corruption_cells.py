"""Under which corruptions and severities a study scores its trials, and that in words. Torch-free."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar

from trainables.corruption_facts import CORRUPTIONS
from trainables.corruption_options import CorruptionOptions
from trainables.corruption_overlaps import EXTRA

T = TypeVar("T", bound=CorruptionOptions)


@dataclasses.dataclass(frozen=True)
class Way:
    """The cells of a table, corruptions by severities, that a score is made of.

    Attributes:
        corruptions: in the order of `CORRUPTIONS`.
        severities: ascending.
    """

    corruptions: tuple[str, ...]
    severities: tuple[int, ...]


def way(options: CorruptionOptions, last: bool, named: Collection[str] = ()) -> Way:
    """The cells that a score is made of, at the last epoch or before it.

    Args:
        options: of the study.
        last: whether it is the last epoch.
        named: corruptions to take in place of the study's.
    """
    severities = () if last else options.early_corruption_severities
    early = () if last else options.early_corruptions
    return Way(
        ordered(named or early or options.corruptions), tuple(sorted(severities or options.corruption_severities))
    )


def by_epoch(first: str, last: str, epochs: int) -> list[tuple[int, str]]:
    """From which epoch on a score is measured in which way, where its words before the last epoch and at it are these.

    Two values of a score can be compared where their words are the same. Where nothing changes there is one entry.
    """
    return [(1, last)] if first == last or epochs == 1 else [(1, first), (epochs, last)]


def words(options: CorruptionOptions, cells: Way) -> str:
    """All that tells one way of measuring from another."""
    images = f"; first {options.corruption_images} images" if options.corruption_images else ""
    ice = f"; ice of {options.corruption_ice}" if options.corruption_ice and "frost" in cells.corruptions else ""
    names, severities = ", ".join(cells.corruptions), _listed(cells.severities)
    return f"{names} at {severities}; constants {options.corruption_constants}{images}{ice}"


def part(kind: type[T], options: Mapping[str, Any]) -> T:
    """The part of plain options that says how corruptions are measured; the rest is left aside."""
    told: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        if field.name in options:
            value = options[field.name]
            told[field.name] = tuple(value) if isinstance(value, list) else value
    return kind(**told)


def seen_told(names: Sequence[str]) -> list[str]:
    """Advice where a search sees corruptions beyond the four for validation."""
    seen = [name for name in names if name not in EXTRA]
    if not seen:
        return []
    return [
        f"the search sees {', '.join(seen)}: `robustune evaluate` counts as unseen only what no trial was chosen by, "
        f"so {'it is' if len(seen) == 1 else 'they are'} not among its unseen corruptions"
    ]


def ordered(names: Collection[str]) -> tuple[str, ...]:
    """Corruptions in the order of `CORRUPTIONS`, each once."""
    return tuple(name for name in CORRUPTIONS if name in names)


def _listed(severities: Sequence[int]) -> str:
    if len(severities) == 1:
        return f"severity {severities[0]}"
    if len(severities) > 2 and severities[-1] - severities[0] == len(severities) - 1:
        return f"severities {severities[0]} to {severities[-1]}"
    return f"severities {', '.join(map(str, severities))}"
