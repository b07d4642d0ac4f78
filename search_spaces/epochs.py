"""What a study measures from which epoch on, against its budget and its rule of early stopping."""

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
    """Note what begins after the last epoch, and objectives by which the rule cannot compare trials.

    At its first rung none of them may be measured yet, or they may be more than the rule knows to compare by.

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
    if rule is not None and rule.by_one_objective and len(objectives) > 1:
        complaints.add(
            "early_stopping.name",
            f"{rule.name} compares trials by one objective, and the study has {len(objectives)}; write "
            'name = "pareto_halving"',
        )
