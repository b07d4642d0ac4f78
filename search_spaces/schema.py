"""A JSON Schema of study files, for editors that complete and check TOML while it is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from search_spaces.domains import CHOICE_LIMIT, SUBSET_LIMIT
from search_spaces.early_stopping import RULES
from search_spaces.samplers import SAMPLERS
from search_spaces.sections import METRICS_LIMIT, OBJECTIVES_LIMIT
from search_spaces.study import BRACKETS_LIMIT, EPOCHS_LIMIT, FIRST_LIMIT, HOURS_LIMIT, TEACHERS_LIMIT, TRIALS_LIMIT

Schema = dict[str, Any]

_SCALAR: Schema = {"type": ["boolean", "number", "string"]}
_RANGE: Schema = {"type": "array", "minItems": 2, "maxItems": 2}


def json_schema(vocabularies: Mapping[str, Mapping[str, Any]]) -> Schema:
    """A JSON Schema (draft 2020-12) that every study read_study accepts is valid under.

    It knows names, types and ranges; laws that join two keys (an inverted range, a name in both [options] and
    [space], a grid without points) are the reader's alone.

    Args:
        vocabularies: by trainer: its options' laws, metrics and data sets, as plain data.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Robustune study",
        "type": "object",
        "required": ["trainer", "data", "space", "objectives", "budget"],
        "additionalProperties": False,
        "properties": _properties(vocabularies),
        "allOf": [
            {
                "if": {"properties": {"trainer": {"const": name}}, "required": ["trainer"]},
                "then": _of_trainer(vocabulary),
            }
            for name, vocabulary in vocabularies.items()
        ],
    }


def _properties(trainers: Iterable[str]) -> Schema:
    """The sections as far as they are the same for every trainer."""
    return {
        "description": {"type": "string", "description": "one line about the study"},
        "trainer": {"enum": sorted(trainers), "description": "who trains a trial"},
        "data": {"type": "string", "description": "the data set"},
        "seed": {"type": "integer", "minimum": 0, "description": "every draw of the study follows from it"},
        "options": {"type": "object", "description": "the trainer's options that are held fixed"},
        "space": {"type": "object", "minProperties": 1, "description": "the options that are searched"},
        "objectives": {"type": "array", "minItems": 1, "maxItems": OBJECTIVES_LIMIT},
        "constraints": {"type": "array", "maxItems": METRICS_LIMIT},
        "measure": {"type": "array", "uniqueItems": True, "description": "further metrics to record"},
        "budget": _budget(),
        "sampler": _samplers(),
        "early_stopping": _early_stopping(),
        "first": {"type": "array", "maxItems": FIRST_LIMIT, "description": "configurations that are tried first"},
        "warm_start_from": {
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "maxItems": TEACHERS_LIMIT,
            "uniqueItems": True,
            "description": "finished studies whose trials teach the sampler",
        },
    }


def _budget() -> Schema:
    return _table(
        {
            "trials": {"type": "integer", "minimum": 1, "maximum": TRIALS_LIMIT},
            "epochs": {"type": "integer", "minimum": 1, "maximum": EPOCHS_LIMIT},
            "hours": {
                "type": "number",
                "exclusiveMinimum": 0,
                "maximum": HOURS_LIMIT,
                "description": "of wall clock after which no trial begins",
            },
            "total_epochs": {
                "type": "integer",
                "minimum": 1,
                "description": "of all trials together, after which no trial begins",
            },
            "patience": {
                "type": "integer",
                "minimum": 1,
                "description": "trials without a gain in hypervolume after which no trial begins",
            },
        },
        required=["trials", "epochs"],
    )


def _early_stopping() -> Schema:
    return _table(
        {
            "name": {"enum": list(RULES)},
            "grace": {"type": "integer", "minimum": 1, "description": "epochs before a trial can be stopped"},
            "reduction": {"type": "integer", "minimum": 2, "description": "one of so many goes on at a rung"},
            "brackets": {
                "type": "integer",
                "minimum": 1,
                "maximum": BRACKETS_LIMIT,
                "description": "groups of trials, each with a later first rung than the one before it",
            },
            "quorum": {
                "type": "integer",
                "minimum": 1,
                "maximum": TRIALS_LIMIT,
                "description": "trials that must have come as far before one is stopped by their median",
            },
        },
        required=["name"],
    )


def _of_trainer(vocabulary: Mapping[str, Any]) -> Schema:
    """What the sections are for one trainer."""
    options, metrics = vocabulary["options"], vocabulary["metrics"]
    searched = {name: _domain(law) for name, law in options.items() if not law.get("fixed")}
    metric = {"enum": sorted(metrics)}
    bounds = {"at_least": {"type": "number"}, "at_most": {"type": "number"}}
    bounded = _table({"metric": metric, **bounds, "from_epoch": _from_epoch("it holds from")}, ["metric"])
    return {
        "properties": {
            "data": {"enum": sorted(vocabulary["data"])},
            "options": _table({name: _fragment(law) for name, law in options.items()}),
            "space": _table(searched),
            "first": {"items": _table({name: _fragment(options[name]) for name in searched})},
            "objectives": {"items": {"oneOf": [_objective(name, law) for name, law in metrics.items()]}},
            "constraints": {"items": bounded | {"anyOf": [{"required": ["at_least"]}, {"required": ["at_most"]}]}},
            "measure": {"items": metric},
        }
    }


def _objective(name: str, law: Mapping[str, Any]) -> Schema:
    properties = {"metric": {"const": name}, "goal": {"const": law["goal"]}, "reference": {"type": "number"}}
    begins = {"from_epoch": _from_epoch("it is measured from")}
    return _table({**properties, **begins}, list(properties)) | {"description": law.get("description", name)}


def _from_epoch(says: str) -> Schema:
    return {"type": "integer", "minimum": 1, "maximum": EPOCHS_LIMIT, "description": f"the epoch that {says} on"}


def _domain(law: Mapping[str, Any]) -> Schema:
    """The domains that fit an option."""
    described = {"description": law.get("description", "")}
    if law["type"] == "array":
        subset = {"type": "array", "items": _fragment(law["items"]), "minItems": 1, "maxItems": SUBSET_LIMIT}
        return described | _one_kind("subset", subset | {"uniqueItems": True})
    value = _fragment(law)
    values = {"type": "array", "items": value, "minItems": 1, "uniqueItems": True}
    kinds = [_one_kind("choice", values | {"maxItems": CHOICE_LIMIT})]
    if law["type"] in ("number", "integer") and "enum" not in law:
        ranges = ["whole", "log_whole"] + (["uniform", "log_uniform"] if law["type"] == "number" else [])
        kinds += [_one_kind(kind, _RANGE | {"items": value}, {"points": values}) for kind in ranges]
    return described | {"oneOf": kinds}


def _one_kind(kind: str, values: Schema, more: Mapping[str, Schema] | None = None) -> Schema:
    expected = {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR, "minItems": 1}]}
    when = {"type": "object", "additionalProperties": expected}
    return _table({kind: values, "when": when, **(more or {})}, required=[kind])


def _samplers() -> Schema:
    kinds = [
        _table({"name": {"const": name}, **{key: _fragment(law) for key, law in laws.items()}}, required=["name"])
        for name, laws in SAMPLERS.items()
    ]
    return {"oneOf": kinds, "description": "who draws the configurations"}


def _fragment(law: Mapping[str, Any]) -> Schema:
    return {key: value for key, value in law.items() if key != "fixed"}


def _table(properties: Mapping[str, Schema], required: list[str] | None = None) -> Schema:
    table: Schema = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return table | ({"required": required} if required else {})
