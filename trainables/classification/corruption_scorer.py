"""Scores of a network under corruptions, relative to the baseline's errors on the same images."""

import dataclasses
import json
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Final

from torch import Tensor, nn

from trainables.classification.batches import LabelledImages
from trainables.classification.measured import way
from trainables.classification.options import ClassificationOptions
from trainables.classification.scores import correct
from trainables.classification.vocabulary import RELATIVE_MCE, WITHOUT_OVERLAP
from trainables.corruption_cells import Way
from trainables.corruption_errors import ErrorCount, ErrorTable
from trainables.corruption_scores import mce, relative_mce
from trainables.errors import TrainableError
from trainables.images import Normalisation

ERRORS: Final = "errors.json"

ImagesOf = Callable[[str, int], LabelledImages]
"""Gives the images under a corruption at a severity."""


@dataclasses.dataclass(frozen=True)
class CorruptionScorer:
    """Measures any metric under corruption on one network.

    Attributes:
        normalisation: of the network's input.
        options: those of corruptions are read.
        clean: the images that were corrupted, as they were.
        corrupted: gives the corrupted images.
        baseline: the baseline's errors on the same images.
        overlap: corruptions that some trial of the study may train with something like.
    """

    normalisation: Normalisation
    options: ClassificationOptions
    clean: LabelledImages
    corrupted: ImagesOf
    baseline: ErrorTable
    overlap: Collection[str]

    def score(
        self, net: nn.Module, metrics: Sequence[str], last: bool, known: Tensor | None = None
    ) -> dict[str, float]:
        """The metrics, all of them out of one pass over each block of images; the net must be in evaluation mode.

        Args:
            net: to score.
            metrics: under corruption.
            last: whether this is the trial's last epoch; before it a study may have fewer corruptions and severities.
            known: booleans, which of all validation images it classifies correctly, where that was found out already.

        Raises:
            TrainableError: NONFINITE, where a class score is no finite number; BASELINE_FLAWLESS, where the baseline
                makes no error that a score could be relative to.
        """
        ways = {metric: way(self.options, metric, last) for metric in metrics}
        severities = next(iter(ways.values())).severities  # they depend on the epoch alone
        wanted = {name for one in ways.values() for name in one.corruptions}
        names = tuple(name for name in self.baseline.corruptions if name in wanted)
        if known is None or len(known) != len(self.clean):
            # Not a part of what is known: in batches of another size a score may differ in its last bits.
            known = correct(net, self.clean, self.normalisation)
        table = errors_under(net, known, self.corrupted, Way(names, severities), self.normalisation)
        return {metric: self._measure(metric, table, one) for metric, one in ways.items()}

    def _measure(self, metric: str, table: ErrorTable, one: Way) -> float:
        own, baseline = (which.only(one.corruptions, one.severities) for which in (table, self.baseline))
        measure: Callable[..., float] = relative_mce if metric == RELATIVE_MCE else mce
        try:
            return measure(own, baseline, without=self.overlap if metric == WITHOUT_OVERLAP else ())
        except ValueError as error:  # preparation holds the baseline to it, so its errors are another's here
            raise TrainableError("BASELINE_FLAWLESS", f"{metric}: {error}") from error


def errors_under(
    net: nn.Module, known: Tensor, corrupted: ImagesOf, cells: Way, normalisation: Normalisation
) -> ErrorTable:
    """Exact error rates of a net in evaluation mode: on the clean images, and in each of the cells.

    Args:
        net: to measure.
        known: booleans, which of the clean images it classifies correctly.
        corrupted: gives the images of a cell.
        cells: of the table.
        normalisation: of the network's input.

    Raises:
        TrainableError: NONFINITE, where a class score is no finite number; what `corrupted` raises.
    """
    count = ErrorCount()
    for name in cells.corruptions:
        for severity in cells.severities:
            count.add(name, severity, ~correct(net, corrupted(name, severity), normalisation))
    return count.table(cells.corruptions, cells.severities, clean=int((~known).sum()) / len(known))


def read_baseline_errors(folder: Path) -> tuple[ErrorTable, dict[str, dict[str, str]]]:
    """The baseline's table, and by what and why training overlaps each corruption that it does."""
    told = json.loads((folder / ERRORS).read_text())
    return ErrorTable.read(told["table"]), told["overlap"]
