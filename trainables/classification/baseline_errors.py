"""The baseline's errors under corruptions, which scores are relative to."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trainables.classification.baseline import baseline_net
from trainables.classification.corrupted_cells import split_images
from trainables.classification.corruption_scorer import ERRORS, errors_under
from trainables.classification.facts import labelled
from trainables.classification.scores import correct
from trainables.corruption_cells import Way
from trainables.corruption_errors import ErrorTable
from trainables.corruption_scores import flawless
from trainables.data.facts import normalisation
from trainables.errors import TrainableError
from trainables.models import evaluating
from trainables.precision import repeatable
from trainables.preparation import Inputs


def build_baseline_errors(arguments: Mapping[str, Any], inputs: Inputs, directory: Path) -> dict[str, Any]:
    """Writes the baseline's table of errors, the mean over it, and what of it training overlaps.

    Raises:
        TrainableError: BASELINE_FLAWLESS, where the baseline makes no error that some metric could be relative to.
    """
    data, split = inputs.folder("data"), arguments["split"]
    corrupted = split_images(arguments, inputs)
    clean = labelled(data, split)
    # Another's images were made from test images that are not at hand, so all of ours tell the clean error.
    clean = clean if arguments["from_library"] else clean.first(len(corrupted))
    net = baseline_net(inputs)
    with evaluating(net), repeatable():
        cells = Way(tuple(arguments["corruptions"]), tuple(arguments["severities"]))
        norm = normalisation(data)
        table = errors_under(net, correct(net, clean, norm), corrupted, cells, norm)
    _check_errs(table, arguments.get("needed", ()))
    told = {
        "table": table.plain(),
        "mean_error": round(float(table.errors.mean()), 6),
        "clean_error": round(table.clean, 6),
        "images": len(corrupted),
        **{name: arguments[name] for name in ("source", "overlap", "seen")},
    }
    (directory / ERRORS).write_text(json.dumps(told))
    return told


def _check_errs(table: ErrorTable, needed: Sequence[Mapping[str, Any]]) -> None:
    """Holds the baseline to make errors in all cells that some metric is relative to."""
    found = [text for one in needed if (text := _lacking(table, one))]
    if found:
        better = "one that has learnt more" if all(one["beyond_clean"] for one in needed) else "a weaker one"
        raise TrainableError(
            "BASELINE_FLAWLESS",
            f"the baseline makes {'; '.join(dict.fromkeys(found))}; nothing can be relative to that: leave these "
            f"corruptions out, take higher severities or more corruption_images, or another baseline, {better}",
        )


def _lacking(table: ErrorTable, needed: Mapping[str, Any]) -> str:
    part = table.only(needed["corruptions"], needed["severities"])
    names = flawless(part, part.clean if needed["beyond_clean"] else 0.0)
    if not names:
        return ""
    what = f"no more errors than the {part.clean:.3g} on clean images" if needed["beyond_clean"] else "no error"
    return f"{what} under {', '.join(names)} at severity {', '.join(map(str, part.severities))}"
