"""How a study measures its scores under corruptions, and what its reader should know of them. Torch-free."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trainables import corruption_cells
from trainables.classification.corruption_options import ErrorOptions
from trainables.classification.overlaps import overlap_of
from trainables.classification.vocabulary import CE, UNDER_CORRUPTION, UNDER_NOISE, WITHOUT_OVERLAP
from trainables.corruption_cells import Way, by_epoch, ordered, part, seen_told, words
from trainables.corruption_options import CorruptionOptions
from trainables.corruption_overlaps import GROUPS
from trainables.noise_options import matched_told


def way(options: CorruptionOptions, metric: str, last: bool) -> Way:
    """What a metric under corruption is made of, at the last epoch or before it."""
    name = metric.removeprefix(CE)
    return corruption_cells.way(options, last, GROUPS.get(name, (name,)) if metric.startswith(CE) else ())


def corruptions_of(options: CorruptionOptions, metrics: Iterable[str]) -> tuple[str, ...]:
    """Every corruption that some of the metrics is measured under, in the order of `CORRUPTIONS`."""
    ways = (way(options, metric, last=True) for metric in metrics if metric in UNDER_CORRUPTION)
    return ordered({name for one in ways for name in one.corruptions})


def measured(options: Mapping[str, Any], metrics: Sequence[str], epochs: int) -> dict[str, list[tuple[int, str]]]:
    """In which ways each metric under corruption is measured: from which epoch on, and the way in words.

    Two values of a metric can be compared where their words are the same. Where nothing changes there is one entry.

    Args:
        options: held by every trial of a study.
        metrics: that its trials report.
        epochs: of a trial.
    """
    held = part(ErrorOptions, options)
    found = {}
    for metric in metrics:
        if metric in UNDER_CORRUPTION:
            first, last = (_words(held, metric, last) for last in (False, True))
            found[metric] = by_epoch(first, last, epochs)
    return found


def advice(options: Mapping[str, Any], possible: Mapping[str, Sequence[Any]], metrics: Sequence[str]) -> list[str]:
    """What to know of a study's metrics under noise and under corruption, a line each.

    The latter is overlap with training, and what a search sees.

    Args:
        options: held by every trial.
        possible: values that a searched option can take, of a subset its elements.
        metrics: that trials report.
    """
    held = part(ErrorOptions, options)
    measured_under = corruptions_of(held, metrics)
    noise = matched_told(options, metrics, UNDER_NOISE)
    if not measured_under and held.corruption_test_data:
        return [
            *noise,
            f"corruption_test_data = {held.corruption_test_data!r} is not used: no metric of the study is under "
            "corruption; name mce in an objective or in measure",
        ]
    return [*noise, *_overlap_told(measured_under, overlap_of(options, possible), metrics), *seen_told(measured_under)]


def _overlap_told(names: Iterable[str], overlap: Mapping[str, Mapping[str, str]], metrics: Sequence[str]) -> list[str]:
    by_cause: dict[tuple[str, str], list[str]] = {}
    for name in names:
        for perturbation, reason in overlap.get(name, {}).items():
            by_cause.setdefault((perturbation, reason), []).append(name)
    remedy = "" if WITHOUT_OVERLAP in metrics else f"; {WITHOUT_OVERLAP} leaves them out"
    return [
        f"trials may train with {perturbation!r}, which resembles {', '.join(found)}, and scores count "
        f"{'that' if len(found) == 1 else 'those'}: {reason}{remedy}"
        for (perturbation, reason), found in by_cause.items()
    ]


def _words(options: CorruptionOptions, metric: str, last: bool) -> str:
    without = "; without overlap" if metric == WITHOUT_OVERLAP else ""
    return words(options, way(options, metric, last)) + without
