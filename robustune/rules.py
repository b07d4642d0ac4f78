"""What every rule of early stopping has, and which one a study asks for."""

from collections.abc import Mapping
from typing import Protocol

from robustune.halving import ParetoHalving
from search_spaces.study import Study


class Rule(Protocol):
    """Decides who goes on, by nothing but the reports it was given, in their order."""

    def report(self, number: int, epoch: int, metrics: Mapping[str, float]) -> bool:
        """Whether a trial goes on after an epoch; at the last epoch it does. Told twice, it answers the same."""

    def remember(self, number: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Takes up a report of before, which was decided then."""

    def stopped(self, number: int) -> None:
        """Takes up that a trial was stopped after its last remembered report."""


def rule_of(study: Study) -> Rule | None:
    """The study's rule of early stopping, fresh; None where no trial is to be stopped."""
    if study.early_stopping.name == "none":
        return None
    if study.early_stopping.name == "pareto_halving":
        return ParetoHalving(study)
    from robustune.ray_rules import Asha, MedianStopping  # late: it imports Ray, which takes a second or two

    return Asha(study) if study.early_stopping.name == "asha" else MedianStopping(study)
