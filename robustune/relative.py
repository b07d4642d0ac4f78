"""What relative metrics are relative to and were measured under, in lines for people."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from analysis import records
from analysis.measuring import Ways
from search_spaces import Study
from trainables.architectures import HEAD_ONLY, WHOLE_NET
from trainables.corruption_overlaps import EXTRA
from trainables.registry import load_measured, vocabulary

ERRORS: Final = "baseline-errors/validation"
LETTERS: Final = 12


def ways(study: Study) -> dict[str, list[tuple[int, str]]]:
    """Returns of each relative metric of the study the ways that it is measured in, as the ledger keeps them."""
    found: dict[str, list[tuple[int, str]]] = load_measured(study.trainer)(
        study.options, study.metrics, study.budget.epochs
    )
    return found


def planned(study: Study) -> list[str]:
    """Tells of a study that is to be searched what its relative metrics are relative to, and how they are measured."""
    measured = ways(study)
    if not measured:
        return []
    verb = "are" if len(measured) > 1 else "is"
    if not _baseline_laws(study):
        under = next(iter(measured.values()))
        alone = [f"{', '.join(measured)} {verb} measured under {under[0][1]}"] if len(under) == 1 else []
        return [*alone, *course(measured, study.budget.epochs)]
    return [
        f"{', '.join(measured)} {verb} relative to: the baseline, {origin(study)}",
        *course(measured, study.budget.epochs),
    ]


def origin(study: Study) -> str:
    """Tells where the study's baseline comes from."""
    told = {name: study.options.get(name, law["default"]) for name, law in _baseline_laws(study).items()}
    if weights := told["baseline_weights"]:
        content = f" (SHA-256 {told['baseline_sha256'][:LETTERS]})" if told["baseline_sha256"] else ""
        return f"adopted from {weights}{content}"
    epochs = told["baseline_epochs"]
    parts = [
        f"start {told['baseline_start']}",
        _trained(told["baseline_unfrozen_layers"]),
        f"transform {told['baseline_transform']}",
        f"{epochs} epoch{'' if epochs == 1 else 's'}",
    ]
    return f"trained by preparation: {', '.join(part for part in parts if part)}"


def course(measured: Ways, epochs: int) -> list[str]:
    """Tells of the metrics that are measured in several ways which way holds when: a line for each way."""
    alike: dict[tuple[tuple[int, str], ...], list[str]] = {}
    for metric, found in measured.items():
        if len(found) > 1:
            alike.setdefault(tuple((first, words) for first, words in found), []).append(metric)
    return [f"{', '.join(metrics)} in {told}" for found, metrics in alike.items() for told in in_turn(found, epochs)]


def in_turn(found: Sequence[tuple[int, str]], epochs: int) -> list[str]:
    """Tells each way of one metric after its epochs, as in "epochs 1 to 8: spatter at severity 3"."""
    lasts = [*(first - 1 for first, _ in found[1:]), epochs]
    return [f"{_span(first, last)}: {words}" for (first, words), last in zip(found, lasts, strict=True)]


def reached(folder: Path) -> list[str]:
    """Tells of a study that was begun how good its baseline is, which corruptions the search saw, and which overlap.

    Nothing where no relative metric is asked for, or where the baseline was not measured yet.

    Raises:
        LedgerError: there is no whole ledger.
    """
    study, told = records.read_study(folder), records.sets(folder).get(ERRORS)
    measured = records.measured(folder)
    if told is None or not measured:
        return []
    corruptions = told["table"]["corruptions"]
    lines = [f"{', '.join(measured)}: relative to the baseline, {baseline(study, told)}"]
    lines += seen(corruptions)
    lines += overlap({name: why for name, why in told["overlap"].items() if name in corruptions})
    return lines


def baseline(study: Study, errors: Mapping[str, Any]) -> str:
    """Tells where the study's baseline comes from and how good it is."""
    return f"{origin(study)}; {worth(errors)}"


def worth(errors: Mapping[str, Any]) -> str:
    """Tells the accuracy of a baseline and its mean error under the corruptions that it was measured under."""
    table = errors["table"]
    severities = ", ".join(map(str, table["severities"]))
    return (
        f"clean accuracy {1 - errors['clean_error']:.4f}, mean error {errors['mean_error']:.4f} under "
        f"{counted(len(table['corruptions']), 'corruption')} at severities {severities} of "
        f"{counted(errors['images'], 'validation image')}"
    )


def seen(corruptions: Sequence[str]) -> list[str]:
    """Tells that a search saw corruptions which are kept for confirmation unless a study names them."""
    others = [name for name in corruptions if name not in EXTRA]
    if not others:
        return []
    return [f"the search saw other corruptions than the four extra ones: {', '.join(others)}"]


def overlap(found: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Tells which corruptions resemble what some trial of the study may train with."""
    if not found:
        return []
    told = "; ".join(f"{name} ({', '.join(why)})" for name, why in found.items())
    return [f"trials may train with what resembles these corruptions, which mce_without_overlap leaves out: {told}"]


def counted(number: int, what: str) -> str:
    """The number and its noun, as in "4 corruptions"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _baseline_laws(study: Study) -> dict[str, Mapping[str, Any]]:
    """Options of the baseline; none where the trainer knows of no baseline, and its scores stand for themselves."""
    laws = vocabulary(study.trainer)["options"]
    return {name: law for name, law in laws.items() if name.startswith("baseline_")}


def _trained(layers: int) -> str:
    if layers == HEAD_ONLY:
        return "head alone"
    return "" if layers == WHOLE_NET else f"{counted(layers, 'unfrozen stage')}"


def _span(first: int, last: int) -> str:
    return f"epoch {first}" if first == last else f"epochs {first} to {last}"
