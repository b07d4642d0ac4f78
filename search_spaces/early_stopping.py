"""The section [early_stopping], held against the budget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from search_spaces.complaints import Complaints, path_of
from search_spaces.study import Budget, EarlyStopping
from search_spaces.tables import read_part

RULES: Final = {
    "none": ("grace", "reduction", "brackets", "quorum"),  # so that a rule is switched off by its name alone
    "pareto_halving": ("grace", "reduction", "brackets"),
    "asha": ("grace", "reduction", "brackets"),
    "median_stopping": ("grace", "quorum"),
}
"""The keys that each rule takes beside its name."""

_PAUSES: Final = 'it pauses trials until others have come as far, and here a trial goes on or ends; write name = "asha"'
_CHANGES: Final = (
    "it changes the options of trials that run, and here a trial has the options that it began with; write "
    'name = "asha"'
)
_ELSEWHERE: Final = {
    "hyperband": _PAUSES,
    "hb_bohb": _PAUSES,
    "bohb": _PAUSES,
    "pbt": _CHANGES,
    "pb2": _CHANGES,
    "async_hyperband": 'write name = "asha"',
    "asynchyperband": 'write name = "asha"',
    "median_stopping_rule": 'write name = "median_stopping"',
    "medianstopping": 'write name = "median_stopping"',
    "fifo": 'write name = "none"',
}
"""Names that Ray Tune has for its schedulers, and what would do instead."""

# What breaks no law of another key, where a value is refused.
_INSTEAD: Final = {"reduction": 2, "brackets": 1, "quorum": 1}


def read_early_stopping(value: object, budget: Budget | None, complaints: Complaints) -> EarlyStopping | None:
    """The rule of [early_stopping]; notes keys of another rule, and rungs that the budget's epochs do not reach."""
    name = value.get("name") if isinstance(value, dict) else None
    if isinstance(value, dict) and isinstance(name, str) and name in _ELSEWHERE:
        complaints.add("early_stopping.name", f"{name} is not offered: {_ELSEWHERE[name]}")
        value = {**value, "name": "none"}
    rule = read_part(EarlyStopping, value, ("early_stopping",), complaints, _INSTEAD)
    if isinstance(value, dict) and "name" not in value:
        complaints.add("early_stopping.name", "the key is missing")
    if rule is not None and isinstance(value, dict) and rule.name != "none":
        _check_keys(rule.name, value, complaints)
    if rule is not None and budget is not None:
        check_rungs(rule, budget.epochs, complaints)
    return rule


def _check_keys(name: str, value: Mapping[str, Any], complaints: Complaints) -> None:
    every = {key for keys in RULES.values() for key in keys}
    for key in value:
        if key in every and key not in RULES[name]:
            complaints.add(path_of("early_stopping", key), f"{name} has no such key; it takes {', '.join(RULES[name])}")


def check_rungs(rule: EarlyStopping, epochs: int, complaints: Complaints) -> None:
    """Note a grace, or brackets, that leave no rung below the epochs of the budget."""
    possible = len(rule.rungs(epochs))
    if rule.name == "none":
        return
    if possible == 0:
        lower = "lower it, or " if epochs > 1 else ""
        complaints.add(
            "early_stopping.grace",
            f"{rule.grace} is not below the {epochs} {'epoch' if epochs == 1 else 'epochs'} of the budget, so no trial "
            f'could ever be stopped; {lower}write name = "none"',
        )
    elif rule.brackets > possible:
        complaints.add(
            "early_stopping.brackets",
            f"{rule.brackets} is more than {possible}: with grace = {rule.grace} and reduction = {rule.reduction} the "
            f"first rung of bracket {possible + 1} would be epoch {rule.grace * rule.reduction**possible}, not below "
            f"the {epochs} epochs of the budget; name at most {possible}",
        )
