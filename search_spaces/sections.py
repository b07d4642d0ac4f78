"""The sections of a study file besides [space]: each made into its part of a study, complaints noted on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from search_spaces.complaints import Complaints, path_of, quote
from search_spaces.domains import KINDS, Value
from search_spaces.laws import Fragment, Law, Parts
from search_spaces.samplers import SAMPLERS, check_divisions, check_population
from search_spaces.study import EPOCHS_LIMIT, TRIALS_LIMIT, Budget, Constraint, Objective, Sampler
from search_spaces.tables import check_keys, is_table, read_part

OBJECTIVES_LIMIT = 10
METRICS_LIMIT = 100

Metrics = Mapping[str, Mapping[str, Any]]

# What breaks no law of another section, where a value is refused or missing.
_SCORED = {"metric": "the metric", "from_epoch": 1}
_OBJECTIVE = {**_SCORED, "goal": "max", "reference": 0.0}
_CONSTRAINT = {**_SCORED, "at_least": None, "at_most": None}
_BUDGET = {"trials": TRIALS_LIMIT, "epochs": EPOCHS_LIMIT, "hours": None, "total_epochs": None, "patience": None}


def read_options(
    table: Mapping[str, object], laws: Mapping[str, Fragment] | None, complaints: Complaints
) -> dict[str, Value]:
    """The lawful options of [options]; none are judged where the trainer is unknown (`laws` None)."""
    options: dict[str, Value] = {}
    for name, value in table.items() if laws is not None else ():
        assert laws is not None
        key = path_of("options", name)
        if name not in laws:
            complaints.unknown(key, name, "an option of the trainer", laws)
        elif isinstance(value, dict) and any(kind in value for kind in KINDS):
            complaints.add(key, "a domain came where a fixed value belongs; searched options stand in [space]")
        elif (lawful := Law(laws[name]).read(value, ("options", name), complaints)) is not None:
            options[name] = lawful
    return options


def read_objectives(value: object, metrics: Metrics | None, complaints: Complaints) -> tuple[Objective | None, ...]:
    """The objectives of [[objectives]], each in its place; None where no table stands."""
    objectives: list[Objective | None] = []
    tables = _tables(value, "objectives", OBJECTIVES_LIMIT, complaints)
    for place, table in enumerate(tables):
        objectives.append(read_part(Objective, table, ("objectives", place), complaints, _OBJECTIVE))
        law = _metric_law(table, "objectives", tables[:place], metrics, complaints)
        if law and isinstance(table, dict):
            _check_goal(table, ("objectives", place), law, complaints)
    if value == []:
        complaints.add("objectives", "at least one objective is needed: [[objectives]]")
    return tuple(objectives)


def _check_goal(table: Mapping[str, Any], parts: Parts, law: Mapping[str, Any], complaints: Complaints) -> None:
    """Note a goal against the metric's own, and a reference that no score could ever be better than."""
    metric, goal, reference = quote(table["metric"]), table.get("goal"), table.get("reference")
    if goal in ("max", "min") and goal != law["goal"]:
        sense = "higher" if law["goal"] == "max" else "lower"
        complaints.add(path_of(*parts, "goal"), f'{metric} is better when {sense}; write goal = "{law["goal"]}"')
    best = law.get("maximum" if law["goal"] == "max" else "minimum")
    if best is None or not isinstance(reference, int | float) or isinstance(reference, bool):
        return
    if reference >= best if law["goal"] == "max" else reference <= best:
        complaints.add(
            path_of(*parts, "reference"),
            f"{quote(reference)}: {metric} is {best} at best, so no trial could ever be better than this reference; "
            "name the worst score still of interest",
        )


def read_constraints(value: object, metrics: Metrics | None, complaints: Complaints) -> tuple[Constraint | None, ...]:
    """The constraints of [[constraints]], each in its place; None where no table stands."""
    constraints: list[Constraint | None] = []
    tables = _tables(value, "constraints", METRICS_LIMIT, complaints)
    for place, table in enumerate(tables):
        constraint = read_part(Constraint, table, ("constraints", place), complaints, _CONSTRAINT)
        constraints.append(constraint)
        law = _metric_law(table, "constraints", tables[:place], metrics, complaints)
        if constraint is not None:
            _check_bounds(constraint, ("constraints", place), law, complaints)
        if isinstance(table, dict) and table.keys() <= _SCORED.keys():
            complaints.add(path_of("constraints", place), "a constraint needs at_least, at_most or both")
    return tuple(constraints)


def _check_bounds(constraint: Constraint, parts: Parts, law: Mapping[str, Any], complaints: Complaints) -> None:
    low, high = constraint.at_least, constraint.at_most
    if low is not None and high is not None and low > high:
        complaints.add(path_of(*parts), f"at_least ({low!r}) lies above at_most ({high!r}); nothing can meet both")
    if low is not None and low > law.get("maximum", low):
        complaints.add(path_of(*parts, "at_least"), f"{low!r}: the metric is at most {law['maximum']}")
    if high is not None and high < law.get("minimum", high):
        complaints.add(path_of(*parts, "at_most"), f"{high!r}: the metric is at least {law['minimum']}")


def read_measure(value: object, metrics: Metrics | None, complaints: Complaints) -> tuple[str, ...]:
    """The known metrics of the list `measure`."""
    if not isinstance(value, list):
        complaints.add("measure", f"{quote(value)} is not a list of metrics")
        return ()
    if len(value) > METRICS_LIMIT:
        complaints.add("measure", f"it names {len(value)} metrics, at most {METRICS_LIMIT} can be recorded")
        return ()
    measured: list[str] = []
    for place, one in enumerate(value):
        if not isinstance(one, str):
            complaints.add(path_of("measure", place), f"{quote(one)} is not a text")
        elif one in measured:
            complaints.add(path_of("measure", place), f"{quote(one)} stands in the list twice")
        elif _is_metric(one, ("measure", place), metrics, complaints):
            measured.append(one)
    return tuple(measured)


def read_budget(value: object, complaints: Complaints) -> Budget | None:
    """The budget of [budget]; notes bounds that could never end a search, or would before it finished a trial."""
    if isinstance(value, dict) and type(value.get("hours")) is int:
        value = {**value, "hours": float(value["hours"])} if abs(value["hours"]) < 2**63 else value
    budget = read_part(Budget, value, ("budget",), complaints, _BUDGET)
    if budget is None or not isinstance(value, dict):
        return None
    known = {key for key in ("trials", "epochs") if value.get(key) == getattr(budget, key)}
    if "epochs" in known and budget.total_epochs is not None and budget.total_epochs < budget.epochs:
        complaints.add(
            "budget.total_epochs",
            f"{budget.total_epochs} is less than the {budget.epochs} epochs of one trial, and none could stand on the "
            "front; name at least as many",
        )
    if "trials" in known and budget.patience is not None and budget.patience >= budget.trials:
        complaints.add(
            "budget.patience",
            f"{budget.patience} is not below the {budget.trials} trials of the budget, so it could never end the "
            "search; lower it or leave it out",
        )
    return budget


def read_sampler(value: object, budget: Budget | None, complaints: Complaints, objectives: int = 1) -> Sampler | None:
    """The sampler of [sampler] with its options, which stand beside its name, for so many objectives."""
    if not is_table(value, ("sampler",), complaints):
        return None
    assert isinstance(value, dict)
    if "name" not in value:
        complaints.add("sampler.name", "the key is missing")
        return None
    name = value["name"]
    if not isinstance(name, str) or name not in SAMPLERS:
        complaints.unknown("sampler.name", name, "a sampler", SAMPLERS)
        return None
    laws = SAMPLERS[name]
    check_keys(value, ("sampler",), ["name", *laws], (), complaints)
    read = {key: Law(laws[key]).read(one, ("sampler", key), complaints) for key, one in value.items() if key in laws}
    options: dict[str, Any] = {key: one for key, one in read.items() if one is not None}
    if budget is not None:
        check_population(name, options, budget.trials, complaints)
    if name == "nsga3":
        check_divisions(options, max(1, objectives), complaints)
    return Sampler(name=name, options=options)


def _tables(value: object, key: str, limit: int, complaints: Complaints) -> list[object]:
    if not isinstance(value, list):
        complaints.add(key, f"{quote(value)} is not a list of tables; write each one under [[{key}]]")
        return []
    if len(value) > limit:
        complaints.add(key, f"{len(value)} came, there may be at most {limit}")
    return value[:limit]


def _metric_law(
    table: object, section: str, above: Sequence[object], metrics: Metrics | None, complaints: Complaints
) -> Mapping[str, Any]:
    """What the vocabulary says of a table's metric, {} if nothing; notes an unknown and a repeated one.

    A metric may stand in several constraints that begin at different epochs.
    """
    metric = table.get("metric") if isinstance(table, dict) else None
    if not isinstance(metric, str):
        return {}
    parts: Parts = (section, len(above), "metric")
    own = _beginning(table) if section == "constraints" else None
    others = [other for other in above if isinstance(other, dict) and other.get("metric") == metric]
    if any(own is None or _beginning(other) == own for other in others):
        hint = "; bounds that change in training differ in from_epoch" if own is not None else ""
        complaints.add(path_of(*parts), f"{quote(metric)} already stands in one of the [[{section}]] above{hint}")
    known = _is_metric(metric, parts, metrics, complaints)
    return metrics[metric] if known and metrics is not None else {}


def _beginning(table: object) -> object:
    return table.get("from_epoch", 1) if isinstance(table, dict) else None


def _is_metric(metric: str, parts: Parts, metrics: Metrics | None, complaints: Complaints) -> bool:
    if metrics is None or metric in metrics:
        return True
    complaints.unknown(path_of(*parts), metric, "a metric that the trainer reports", metrics)
    return False
