"""The section [early_stopping], held against the budget."""

from __future__ import annotations

from search_spaces.complaints import Complaints
from search_spaces.study import Budget, EarlyStopping
from search_spaces.tables import read_part

# What breaks no law of another key, where a value is refused.
_INSTEAD = {"reduction": 2, "brackets": 1}


def read_early_stopping(value: object, budget: Budget | None, complaints: Complaints) -> EarlyStopping | None:
    """The rule of [early_stopping]; notes one that leaves no rung below the budget's epochs."""
    rule = read_part(EarlyStopping, value, ("early_stopping",), complaints, _INSTEAD)
    if isinstance(value, dict) and "name" not in value:
        complaints.add("early_stopping.name", "the key is missing")
    if rule is not None and budget is not None and rule.name != "none":
        _check_rungs(rule, budget.epochs, complaints)
    return rule


def _check_rungs(rule: EarlyStopping, epochs: int, complaints: Complaints) -> None:
    possible = len(rule.rungs(epochs))
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
