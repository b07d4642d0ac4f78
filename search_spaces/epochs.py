"""From which epoch on scores are measured and bounds hold, against the budget and the rungs."""

from __future__ import annotations

from collections.abc import Sequence

from search_spaces.complaints import Complaints, path_of
from search_spaces.study import Budget, Constraint, EarlyStopping, Objective


def check_epochs(
    objectives: Sequence[Objective | None],
    constraints: Sequence[Constraint | None],
    budget: Budget | None,
    rule: EarlyStopping | None,
    complaints: Complaints,
) -> None:
    """Note what begins after the last epoch, and a first rung where no objective is measured yet.

    Args:
        objectives: in the order of the file; None where one was refused.
        constraints: the same.
        budget: None where it was refused.
        rule: of early stopping; None where it was refused.
        complaints: what is wrong is noted here.
    """
    sections: dict[str, Sequence[Objective | Constraint | None]] = {
        "objectives": objectives,
        "constraints": constraints,
    }
    for section, parts in sections.items():
        for place, one in enumerate(parts):
            if one is not None and budget is not None and one.from_epoch > budget.epochs:
                complaints.add(
                    path_of(section, place, "from_epoch"),
                    f"{one.from_epoch} is more than the {budget.epochs} epochs of the budget, so {one.metric} would "
                    "never be measured for it",
                )
    first = min((1 if one is None else one.from_epoch for one in objectives), default=1)
    if rule is not None and rule.name != "none" and first > rule.grace:
        complaints.add(
            "early_stopping.grace",
            f"trials are compared after {rule.grace} {'epoch' if rule.grace == 1 else 'epochs'}, where no objective is "
            f"measured yet; let one begin by then, or set grace = {first}",
        )
