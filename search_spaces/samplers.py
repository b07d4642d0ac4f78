"""The samplers a study may name, and the laws of their options (as JSON-Schema-like plain data)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SHARE = {"type": "number", "minimum": 0.0, "maximum": 1.0}

SAMPLERS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "random": {},
    "grid": {},
    "tpe": {
        "startup_trials": {
            "type": "integer",
            "minimum": 1,
            "maximum": 10_000,
            "description": "trials drawn at random before the estimator is asked",
        },
        "candidates": {
            "type": "integer",
            "minimum": 1,
            "maximum": 10_000,
            "description": "candidates the estimator weighs for one draw",
        },
    },
    "nsga2": {
        "population_size": {
            "type": "integer",
            "minimum": 2,
            "maximum": 10_000,
            "description": "trials of one generation; the first generation is random",
        },
        "mutation_probability": _SHARE | {"description": "chance that a drawn value replaces an inherited one"},
        "crossover_probability": _SHARE | {"description": "chance that a child has two parents"},
        "swapping_probability": _SHARE | {"description": "chance that a value is taken from the other parent"},
    },
}
