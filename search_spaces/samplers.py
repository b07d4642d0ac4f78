"""The samplers a study may name, and the laws of their options (as JSON-Schema-like plain data)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from search_spaces.complaints import Complaints

LEARNING: Final = ("tpe", "nsga2", "nsga3", "gp")
"""Samplers that learn from finished trials; the others draw by number alone."""
POPULATIONS: Final = ("nsga2", "nsga3")
"""Samplers that breed generations."""
REFERENCE_POINTS_LIMIT: Final = 10_000
DIVISIONS: Final = 3
"""Parts of each axis between NSGA-III's reference points; Optuna's default."""

_SHARE = {"type": "number", "minimum": 0.0, "maximum": 1.0}
_COUNT = {"type": "integer", "minimum": 1, "maximum": 10_000}
_BREEDING = {
    "population_size": {
        "type": "integer",
        "minimum": 2,
        "maximum": 10_000,
        "description": "trials of one generation; the first generation is random",
    },
    "mutation_probability": _SHARE | {"description": "chance that a drawn value replaces an inherited one"},
    "crossover_probability": _SHARE | {"description": "chance that a child has two parents"},
    "swapping_probability": _SHARE | {"description": "chance that a value is taken from the other parent"},
}

SAMPLERS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "random": {},
    "grid": {},
    "qmc": {
        "sequence": {
            "type": "string",
            "enum": ["sobol", "halton"],
            "description": "points that fill the space more evenly than chance",
        },
    },
    "tpe": {
        "startup_trials": _COUNT | {"description": "trials drawn at random before the estimator is asked"},
        "candidates": _COUNT | {"description": "candidates the estimator weighs for one draw"},
    },
    "nsga2": _BREEDING,
    "nsga3": {
        **_BREEDING,
        "divisions": {
            "type": "integer",
            "minimum": 1,
            "maximum": 100,
            "description": "parts of each objective's axis between the reference points that the front is spread along",
        },
    },
    "gp": {
        "startup_trials": _COUNT | {"description": "trials drawn at random before the process is asked"},
    },
}


def check_population(name: str, options: Mapping[str, Any], trials: int, complaints: Complaints) -> None:
    """Note a population, or a count of startup trials, that leaves the sampler nothing of the budget to learn in."""
    size, startup = options.get("population_size", 0), options.get("startup_trials", 0)
    if size > trials:
        complaints.add(
            "sampler.population_size",
            f"{size} is more than the {trials} trials of the budget, so that all of them would be drawn at random; a "
            "third of the trials does well",
        )
    if startup > trials:
        complaints.add(
            "sampler.startup_trials",
            f"{startup} is more than the {trials} trials of the budget, so that all of them would be drawn at random; "
            f"a quarter of the trials does well, or name the sampler 'random' in place of '{name}'",
        )


def reference_points(objectives: int, divisions: int) -> int:
    """How many reference points NSGA-III spreads: C(objectives + divisions - 1, divisions), Das & Dennis 1998."""
    return math.comb(objectives + divisions - 1, divisions)


def check_divisions(options: Mapping[str, Any], objectives: int, complaints: Complaints) -> None:
    """Note divisions that give more reference points than can be held."""
    divisions = options.get("divisions", DIVISIONS)
    count = reference_points(objectives, divisions)
    if count > REFERENCE_POINTS_LIMIT:
        complaints.add(
            "sampler.divisions",
            f"{divisions} divisions of {objectives} objectives make {count:,} reference points; at most "
            f"{REFERENCE_POINTS_LIMIT:,} can be held: lower it",
        )
