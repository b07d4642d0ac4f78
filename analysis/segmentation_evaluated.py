"""Which of the evaluated segmentation trials a figure shows, and what they scored."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from analysis.evaluated import EVALUATION_FILE, evaluated
from analysis.knobs import NotDrawable
from search_spaces.study import Study

VALIDATION: Final = "original"


def scores_by_trial(folder: Path, study: Study) -> dict[int, dict[str, Any]]:
    """Returns the row of the study's evaluation of each trial that has one, by its number.

    Raises:
        OSError: as `analysis.evaluated.evaluated`.
    """
    table = evaluated(folder, EVALUATION_FILE, study, ("number",))
    return {} if table is None else {row["number"]: row for row in table.to_pylist()}


def telling(there: Iterable[int], scores: dict[int, dict[str, Any]]) -> tuple[int, ...]:
    """Returns the best trial without noise and the best one under it, by validation images; one where it is both.

    Where validation scores are not known, that is the first trial.

    Args:
        there: trials to choose from, at least one.
        scores: as `scores_by_trial` gives them.
    """
    every = list(dict.fromkeys(there))
    found: list[int] = []
    for column in (f"miou.{VALIDATION}", f"noisy_miou.{VALIDATION}"):
        known = [(scores[trial][column], -place) for place, trial in enumerate(every) if _known(scores, trial, column)]
        if known:
            found.append(every[-max(known)[1]])
    return tuple(dict.fromkeys(found)) or (every[0],)


def asked_for(trials: Sequence[int], there: Iterable[int], study: Study) -> tuple[int, ...]:
    """Returns the trials asked for, each once.

    Raises:
        NotDrawable: one of them was not evaluated.
    """
    every = sorted(set(there))
    if missing := [trial for trial in trials if trial not in every]:
        listed = ", ".join(map(str, every)) or "none"
        told = f"trial {missing[0]} was not evaluated (evaluated: {listed}); let `robustune evaluate --trial` do it"
        raise NotDrawable(study, told)
    return tuple(dict.fromkeys(trials))


def not_evaluated(study: Study, name: str) -> NotDrawable:
    """Returns the mistake of asking for a figure of a study whose folder has no such file of its own."""
    told = f"its folder has no {name} of its own: none of its trials was evaluated as segmentation; let "
    return NotDrawable(study, told + "`robustune evaluate` do it, for a study of the segmentation trainer")


def _known(scores: dict[int, dict[str, Any]], trial: int, column: str) -> bool:
    value = scores.get(trial, {}).get(column)
    return isinstance(value, float) and value == value
