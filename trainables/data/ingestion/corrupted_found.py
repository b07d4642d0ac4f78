"""What the reader of a corrupted test set finds, before any image is read."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from trainables.corruption_facts import CORRUPTIONS
from trainables.corruption_overlaps import EXTRA, FIFTEEN
from trainables.data.ingestion.class_names import some
from trainables.data.ingestion.found import Found
from trainables.data.ingestion.placing import Choices
from trainables.data.ingestion.trees import Tree
from trainables.errors import TrainableError


@dataclass(frozen=True)
class CorruptedFound:
    """The same source images under every corruption at every severity.

    Attributes:
        classes: their names; a label counts into them.
        class_ids: what the layout calls each class.
        corruptions: in the order of `CORRUPTIONS`.
        sources: n names of source images.
        labels: of each source image.
        under: the images under one corruption: n at the first severity, n at the second, and so on.
        unused: what else lies there, in words that follow a number, with that number.
    """

    classes: tuple[str, ...]
    class_ids: tuple[str, ...]
    corruptions: tuple[str, ...]
    sources: Sequence[str]
    labels: Sequence[int]
    under: Callable[[str], Found]
    unused: tuple[tuple[str, int], ...] = ()


def wanted(there: Collection[str], choices: Choices) -> tuple[str, ...]:
    """The corruptions to take, those included that are missing: the chosen ones, or the fifteen and extra ones there.

    Args:
        there: names of corruptions that the source has.
        choices: with `corruptions`, each of them known.
    """
    names = choices.corruptions or (*FIFTEEN, *(name for name in EXTRA if name in there))
    return tuple(name for name in CORRUPTIONS if name in names)


def missing(there: Collection[str], names: Sequence[str]) -> list[str]:
    """What is to be said of those of the corruptions that are not there: one complaint, or none."""
    absent = [name for name in names if name not in there]
    return [f"{len(absent)} of {len(names)} corruptions are missing: {some(absent)}"] if absent else []


def not_whole(tree: Tree, layout: str, problems: Sequence[str], would_do: str) -> TrainableError:
    """The DATA_INVALID that lists what a corrupted test set lacks."""
    return TrainableError("DATA_INVALID", f"{tree.where}: no whole {layout}: {'; '.join(problems)}; {would_do}")
