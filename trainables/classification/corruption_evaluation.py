"""One trial's network under every corruption of test images, beside the baseline."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from torch import Tensor, nn

from trainables.classification.corrupted_cells import split_images
from trainables.classification.corruption_scorer import ERRORS, errors_under
from trainables.classification.corruption_steps import TEST_ERRORS
from trainables.corruption_cells import Way
from trainables.corruption_errors import ErrorTable
from trainables.corruption_overlaps import GROUPS
from trainables.corruption_scores import corruption_errors, flawless, relative_corruption_error
from trainables.data.facts import normalisation
from trainables.preparation import Inputs

_DIGITS: Final = 6


def under_corruption(net: nn.Module, known: Tensor, corrupted: Mapping[str, Any], inputs: Inputs) -> dict[str, Any]:
    """Errors of a net in evaluation mode under each corruption of test images, and its scores relative to the baseline.

    Scores are means over the corruptions that no score of the search saw (`unseen`), over all, and over those that
    nothing resembles that a trial may train with (`without_overlap`). A corruption under which the baseline makes no
    error (`flawless`) makes every CE mean that counts it None, since that would be another mCE. One that adds nothing
    to the baseline's clean error (`harmless`) is left out of the relative means, which say how much harm is done where
    there is any. A mean is None too where no corruption is left.

    Args:
        net: the trial's.
        known: booleans, which of the clean test images it classifies correctly.
        corrupted: arguments of the step that measured the baseline.
        inputs: with `data`, that step and the corrupted images.
    """
    told = json.loads((inputs.folder(TEST_ERRORS) / ERRORS).read_text())
    baseline, data = ErrorTable.read(told["table"]), inputs.folder("data")
    cells = Way(baseline.corruptions, baseline.severities)
    images = split_images(corrupted, inputs)
    table = errors_under(net, known, images, cells, normalisation(data))
    without_error, harmless = flawless(baseline), flawless(baseline, beyond=baseline.clean)
    ce = _ratios(table, baseline, without_error, corruption_errors)
    relative = _ratios(table, baseline, harmless, _relative)
    chosen = {
        "unseen": [name for name in table.corruptions if name not in told["seen"]],
        "all": list(table.corruptions),
        "without_overlap": [name for name in table.corruptions if name not in told["overlap"]],
    }
    groups = {group: [name for name in names if name in ce] for group, names in GROUPS.items()}
    return {
        "table": table.plain(),
        "baseline": baseline.plain(),
        **{name: told[name] for name in ("seen", "overlap", "images", "source")},
        "ce": {name: None if value is None else round(value, _DIGITS) for name, value in ce.items()},
        "groups": {group: _mean(ce, names) for group, names in groups.items() if names},
        "mce": {which: _mean(ce, names) for which, names in chosen.items()},
        "relative_mce": {
            which: _mean(relative, [name for name in names if name not in harmless]) for which, names in chosen.items()
        },
        "flawless": list(without_error),
        "harmless": list(harmless),
    }


def _relative(table: ErrorTable, baseline: ErrorTable) -> Mapping[str, float]:
    ratios = relative_corruption_error(table.errors, table.clean, baseline.errors, baseline.clean, table.corruptions)
    return dict(zip(table.corruptions, ratios.tolist(), strict=True))


def _ratios(
    table: ErrorTable,
    baseline: ErrorTable,
    without: Collection[str],
    measure: Callable[[ErrorTable, ErrorTable], Mapping[str, float]],
) -> dict[str, float | None]:
    """By corruption; None for those that nothing can be relative to."""
    left = len(without) < len(table.corruptions)
    found = measure(table.without(without), baseline.without(without)) if left else {}
    return {name: found.get(name) for name in table.corruptions}


def _mean(values: Mapping[str, float | None], names: Sequence[str]) -> float | None:
    known = [value for name in names if (value := values[name]) is not None]
    return round(sum(known) / len(known), _DIGITS) if known and len(known) == len(names) else None
