"""A finished study gets a larger budget; what it has tried stays, and teaches what follows."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from analysis import records
from robustune.budget import spending
from robustune.errors import Mistake
from robustune.makers import fitted_population
from robustune.standing import trials_left
from search_spaces.extent import trial_limit
from search_spaces.study import Study


def extended(
    folder: Path,
    study: Study,
    trials: int | None = None,
    hours: float | None = None,
    total_epochs: int | None = None,
) -> Study:
    """Returns the study with so much more of each bound; the patience is counted anew.

    A population that was fitted to the budget stays as it was, written out as the sampler's option: the generations
    that were bred are of that size.

    Args:
        folder: of the study.
        study: as its ledger holds it.
        trials: to add.
        hours: to add to the bound of the budget, where it has one.
        total_epochs: to add to the bound of the budget, where it has one.

    Raises:
        Mistake: OPTION_INVALID, STUDY_UNFINISHED, or BUDGET_UNFIT where the search would end at once all the same.
    """
    more = {"trials": trials, "hours": hours, "total_epochs": total_epochs}
    given = {key: value for key, value in more.items() if value is not None}
    if not given:
        raise Mistake("OPTION_INVALID", "name what to add: --trials, --hours or --total-epochs")
    if left := trials_left(folder):
        raise Mistake(
            "STUDY_UNFINISHED",
            f"{folder}: the study still has {left} of its {trial_limit(study)} trials to run"
            f"{' (it was extended before)' if records.extended(folder) else ''}; finish it first: "
            f"`robustune resume {folder.name}`",
        )
    larger = _with_budget(study, given)
    population = fitted_population(study)
    if population is not None:
        options = {**study.sampler.options, "population_size": population}
        larger = replace(larger, sampler=replace(study.sampler, options=options))
    _check_worth(folder, larger, trial_limit(study))
    return larger


def grown(study: Study, larger: Study) -> str:
    """Tells each bound of the budget that has grown, as in "8 trials become 12, 2 hours become 3"."""
    pairs = [(words, getattr(study.budget, key), getattr(larger.budget, key)) for key, words in _BOUNDS.items()]
    return ", ".join(f"{old:.12g} {words} become {new:.12g}" for words, old, new in pairs if old != new)


_BOUNDS = {"trials": "trials", "hours": "hours", "total_epochs": "epochs in all"}


def _with_budget(study: Study, given: dict[str, Any]) -> Study:
    sums = {}
    for key, value in given.items():
        option, before = f"--{key.replace('_', '-')}", getattr(study.budget, key)
        if not 0 < value < math.inf:
            raise Mistake("OPTION_INVALID", f"{option} {value:g}: expected a number above zero, how much to add")
        if before is None:
            raise Mistake("OPTION_INVALID", f"{option}: the budget of {study.name} has no such bound; leave it out")
        sums[key] = before + value
    try:
        return replace(study, budget=replace(study.budget, **sums))
    except ValidationError as error:
        told = "; ".join(f"{one['loc'][0]} would be {one['input']}: {one['msg']}" for one in error.errors())
        raise Mistake("OPTION_INVALID", f"{study.name}: {told}; add less") from None


def _check_worth(folder: Path, larger: Study, before: int) -> None:
    """Refuses a budget by which no further trial could begin."""
    spent = spending(folder, larger, math.inf)
    end = spent.end(records.driver_seconds(folder))
    if end is None:
        return
    if end.key == "grid":
        raise Mistake(
            "BUDGET_UNFIT",
            f"{folder}: all {before} points of the grid were tried, and a grid has no others; search a study with more "
            "points, or with another sampler and this one under warm_start_from",
        )
    option = f"--{end.key.replace('_', '-')}"
    raise Mistake("BUDGET_UNFIT", f"{folder}: {end.words} all the same; add to that bound too, with {option}")
