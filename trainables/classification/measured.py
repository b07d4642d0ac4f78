"""How a study measures its scores under corruptions, and what its reader should know of them. Torch-free."""

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from trainables.classification.corruption_options import CorruptionOptions
from trainables.classification.overlaps import overlap_of
from trainables.classification.vocabulary import CE, UNDER_CORRUPTION, WITHOUT_OVERLAP
from trainables.corruption_facts import CORRUPTIONS
from trainables.corruption_overlaps import EXTRA, GROUPS

_FIELDS: Final = tuple(field.name for field in dataclasses.fields(CorruptionOptions))


@dataclasses.dataclass(frozen=True)
class Way:
    """The cells of a table of errors that a metric is made of.

    Attributes:
        corruptions: in the order of `CORRUPTIONS`.
        severities: ascending.
    """

    corruptions: tuple[str, ...]
    severities: tuple[int, ...]


def way(options: CorruptionOptions, metric: str, last: bool) -> Way:
    """What a metric under corruption is made of, at the last epoch or before it."""
    early = not last
    severities = options.early_corruption_severities if early else ()
    wanted: Collection[str] = (options.early_corruptions if early else ()) or options.corruptions
    if metric.startswith(CE):
        name = metric.removeprefix(CE)
        wanted = GROUPS.get(name, (name,))
    return Way(_ordered(wanted), tuple(sorted(severities or options.corruption_severities)))


def corruptions_of(options: CorruptionOptions, metrics: Iterable[str]) -> tuple[str, ...]:
    """Every corruption that some of the metrics is measured under, in the order of `CORRUPTIONS`."""
    ways = (way(options, metric, last=True) for metric in metrics if metric in UNDER_CORRUPTION)
    return _ordered({name for one in ways for name in one.corruptions})


def corruption_options(options: Mapping[str, Any]) -> CorruptionOptions:
    """The part of plain options that says how corruptions are measured; the rest is left aside."""
    told: dict[str, Any] = {}
    for name in _FIELDS:
        if name in options:
            told[name] = tuple(options[name]) if isinstance(options[name], list) else options[name]
    return CorruptionOptions(**told)


def measured(options: Mapping[str, Any], metrics: Sequence[str], epochs: int) -> dict[str, list[tuple[int, str]]]:
    """In which ways each metric under corruption is measured: from which epoch on, and the way in words.

    Two values of a metric can be compared where their words are the same. Where nothing changes there is one entry.

    Args:
        options: held by every trial of a study.
        metrics: that its trials report.
        epochs: of a trial.
    """
    held = corruption_options(options)
    found = {}
    for metric in metrics:
        if metric in UNDER_CORRUPTION:
            first, last = (_words(held, metric, way(held, metric, last)) for last in (False, True))
            found[metric] = [(1, last)] if first == last or epochs == 1 else [(1, first), (epochs, last)]
    return found


def advice(options: Mapping[str, Any], possible: Mapping[str, Sequence[Any]], metrics: Sequence[str]) -> list[str]:
    """What to know of a study's metrics under corruption, a line each: overlap with training, and what a search sees.

    Args:
        options: held by every trial.
        possible: values that a searched option can take, of a subset its elements.
        metrics: that trials report.
    """
    held = corruption_options(options)
    measured_under = corruptions_of(held, metrics)
    if not measured_under and held.corruption_test_data:
        return [
            f"corruption_test_data = {held.corruption_test_data!r} is not used: no metric of the study is under "
            "corruption; name mce in an objective or in measure"
        ]
    return [*_overlap_told(measured_under, overlap_of(options, possible), metrics), *_seen_told(measured_under)]


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


def _seen_told(names: Sequence[str]) -> list[str]:
    seen = [name for name in names if name not in EXTRA]
    if not seen:
        return []
    return [
        f"the search sees {', '.join(seen)}: `robustune evaluate` counts only what no trial was chosen by, so "
        f"{'it is' if len(seen) == 1 else 'they are'} not among its unseen corruptions"
    ]


def _words(options: CorruptionOptions, metric: str, chosen: Way) -> str:
    images = f"; first {options.corruption_images} images" if options.corruption_images else ""
    ice = f"; ice of {options.corruption_ice}" if options.corruption_ice and "frost" in chosen.corruptions else ""
    without = "; without overlap" if metric == WITHOUT_OVERLAP else ""
    names, severities = ", ".join(chosen.corruptions), _listed(chosen.severities)
    return f"{names} at {severities}; constants {options.corruption_constants}{images}{ice}{without}"


def _listed(severities: Sequence[int]) -> str:
    if len(severities) == 1:
        return f"severity {severities[0]}"
    if len(severities) > 2 and severities[-1] - severities[0] == len(severities) - 1:
        return f"severities {severities[0]} to {severities[-1]}"
    return f"severities {', '.join(map(str, severities))}"


def _ordered(names: Collection[str]) -> tuple[str, ...]:
    return tuple(name for name in CORRUPTIONS if name in names)
