"""What changed since a search: the data, what is built from them, the software, and our own code."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from analysis import records
from robustune.checks import has_ledger
from robustune.errors import Mistake
from robustune.preparation import addresses, steps
from robustune.running import versions
from search_spaces import Study
from trainables.errors import TrainableError
from trainables.preparation import Step

DECISIVE: Final = ("python", "robustune", "torch", "torchvision", "scikit-learn", "numpy", "code")
"""Of the recorded versions those that a trained net, or its score, may depend on."""
DIGEST_LETTERS: Final = 12
MOST_TOLD: Final = 4


def changes(folder: Path, study: Study, then: Mapping[str, Any] | None = None) -> list[str]:
    """Returns a line for each thing that a net of the study would be trained with, and that is another now.

    Sets are compared by their addresses in the store, which tell data, options and builders. A ledger of before code
    was recorded tells nothing of code.

    Args:
        folder: of the study.
        study: as its ledger holds it.
        then: versions of the software that the net was trained with; None means those that the study was begun with.

    Raises:
        Mistake: DATA_UNKNOWN where the data are gone, OPTION_INVALID.
        LedgerError: there is no whole ledger.
    """
    told = {name: str(one["digest"]) for name, one in records.sets(folder).items()}
    return [*_sets(told, study), *_software(records.facts(folder)["versions"] if then is None else then, versions())]


def since_begun(folder: Path, planned: Sequence[Step]) -> list[str]:
    """Returns a line for each thing that nets of a confirmation were made with, and that is another now.

    Args:
        folder: of the confirmation's ledger; where there is none yet, nothing changed.
        planned: what its nets train with and are scored on.
    """
    if not has_ledger(folder):
        return []
    recorded = {name: str(one["digest"]) for name, one in records.sets(folder).items()}
    now = addresses(planned)
    other = [
        f"{name} ({_became(recorded[name], now[name])})"
        for name in recorded
        if now.get(name, recorded[name]) != recorded[name]
    ]
    found = [*other[:MOST_TOLD], *_software(records.facts(folder)["versions"], versions())]
    return [f"of the confirmation as it was begun: {one}" for one in found]


def check_unchanged(found: list[str], folder: Path, despite: bool) -> None:
    """Lets a study pass that nothing changed for, or that is wanted despite its changes.

    Raises:
        Mistake: STUDY_CHANGED, naming each change.
    """
    if found and not despite:
        raise Mistake(
            "STUDY_CHANGED",
            f"{folder}: what its search used is no longer the same: {'; '.join(found)}; a difference between promise "
            "and confirmation could come of that; put it back as it was, or go on with --despite-changes, which "
            "records it",
        )


def _sets(recorded: Mapping[str, str], study: Study) -> list[str]:
    try:
        now = addresses(steps(study))
    except TrainableError as error:
        raise Mistake.of(error, study.name, "OPTION_INVALID") from error
    other = [name for name, digest in recorded.items() if name in now and now[name] != digest]
    if "data" in other:  # all that is built of them is another then
        return [f"the data {study.data!r} ({_became(recorded['data'], now['data'])})"]
    roots = [f"{name} ({_became(recorded[name], now[name])})" for name in other]
    more = f" and {len(roots) - MOST_TOLD} more" if len(roots) > MOST_TOLD else ""
    return [f"what is built of the data: {', '.join(roots[:MOST_TOLD])}{more}"] if roots else []


def _software(then: Mapping[str, Any], now: Mapping[str, str]) -> list[str]:
    return [
        f"{'the code of trainables' if name == 'code' else name} ({_became(str(then[name]), now[name])})"
        for name in DECISIVE
        if name in then and then[name] != now[name]
    ]


def _became(old: str, new: str) -> str:
    return f"{old[:DIGEST_LETTERS]} became {new[:DIGEST_LETTERS]}"
