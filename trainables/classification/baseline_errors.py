"""The baseline's errors under corruptions, which scores are relative to."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from trainables.classification.baseline import baseline_net
from trainables.classification.corrupted_sets import read_corrupted
from trainables.classification.corruption_scorer import ERRORS, errors_under
from trainables.classification.corruption_steps import corrupted_name
from trainables.classification.facts import labelled, normalisation
from trainables.classification.measured import Way
from trainables.corruption_errors import ErrorTable
from trainables.errors import TrainableError
from trainables.models import evaluating
from trainables.precision import repeatable
from trainables.preparation import Inputs

# A sum of rates below this is none, as in `trainables.corruption_scores`.
_NONE: Final = 1e-9


def build_baseline_errors(arguments: Mapping[str, Any], inputs: Inputs, directory: Path) -> dict[str, Any]:
    """Writes the baseline's table of errors, the mean over it, and what of it training overlaps.

    Raises:
        TrainableError: BASELINE_FLAWLESS, where the baseline makes no error that some metric could be relative to.
    """
    names = tuple(arguments["corruptions"])
    data, split = inputs.folder("data"), arguments["split"]
    corrupted = {name: read_corrupted(inputs.folder(corrupted_name(split, name))) for name in names}
    images = len(next(iter(corrupted[names[0]].values())))
    net = baseline_net(inputs)
    with evaluating(net), repeatable():
        cells = Way(names, tuple(arguments["severities"]))
        table = errors_under(net, labelled(data, split).first(images), corrupted, cells, normalisation(data))
    for needed in arguments.get("needed", ()):
        _check_errs(table, needed)
    told = {
        "table": table.plain(),
        "mean_error": round(float(table.errors.mean()), 6),
        "clean_error": round(table.clean, 6),
        "images": images,
        "overlap": arguments["overlap"],
    }
    (directory / ERRORS).write_text(json.dumps(told))
    return told


def _check_errs(table: ErrorTable, needed: Mapping[str, Any]) -> None:
    part = table.only(needed["corruptions"], needed["severities"])
    beyond = part.clean if needed["beyond_clean"] else 0.0
    sums = (part.errors - beyond).sum(1)
    flawless = [part.corruptions[row] for row in (sums <= _NONE).nonzero().flatten().tolist()]
    if flawless:
        what = f"no more errors than the {part.clean:.3g} on clean images" if needed["beyond_clean"] else "no error"
        raise TrainableError(
            "BASELINE_FLAWLESS",
            f"it makes {what} under {', '.join(flawless)} at severity {', '.join(map(str, part.severities))}, so "
            f"nothing can be relative to that; leave {'it' if len(flawless) == 1 else 'them'} out, take higher "
            "severities or more corruption_images, or a weaker baseline",
        )
