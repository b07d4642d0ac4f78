"""Names every field in which two plain contents differ, and tells so of two studies."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from robustune.errors import Mistake
from search_spaces import Study

ABSENT = object()


def mismatch(folder: Path, begun: Study, study: Study) -> Mistake | None:
    """Returns STUDY_MISMATCH with every field that differs, where a folder holds a study of another content.

    Args:
        folder: of the study that was begun.
        begun: the study as its ledger holds it.
        study: the one that is to go on there.
    """
    changes = list(differences(begun.content(), study.content()))
    if not changes:
        return None
    return Mistake(
        "STUDY_MISMATCH",
        f"{folder}: holds a study '{begun.name}' with another content: {'; '.join(changes)}; give the study another "
        f"name, or name another folder with --results; what is there goes on with `robustune resume {begun.name}`",
    )


def differences(old: Any, new: Any, where: str = "") -> Iterator[str]:
    """Yields `key.path: OLD became NEW` for every leaf that differs, lists by index, in the order of the keys."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            yield from differences(old.get(key, ABSENT), new.get(key, ABSENT), f"{where}.{key}" if where else str(key))
    elif _nests(old) and _nests(new) and len(old) == len(new):
        for index, (left, right) in enumerate(zip(old, new, strict=True)):
            yield from differences(left, right, f"{where}[{index}]")
    elif old != new or isinstance(old, bool) != isinstance(new, bool):
        yield f"{where}: {_shown(old)} became {_shown(new)}"


def _nests(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(part, dict | list) for part in value)


def _shown(value: Any) -> str:
    text = "nothing" if value is ABSENT else json.dumps(value)
    return text if len(text) <= 200 else f"{text[:197]}..."
