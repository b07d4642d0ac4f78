"""The searches that are compared: ours and its parts, and the peers."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal

from benchmarks.peers import moasha, plain_optuna
from benchmarks.search_quality.rules import Completed, Highest, Predicted
from robustune.makers import fitted_population
from robustune.replay import Make, Searcher, driver
from robustune.teaching import Teaching
from search_spaces import Budget, EarlyStopping, Sampler, Study
from search_spaces.study import TRIALS_LIMIT


@dataclass(frozen=True)
class Method:
    """One search.

    Attributes:
        name: in file names and on the command line.
        label: for people.
        kind: ours; one of our parts, reported beside; a peer whose trials all have their full epochs; or one that stops
            some early.
        searcher: begins it.
        own: grace and reduction of its own, whatever the study's are; None: the study's.
    """

    name: str
    label: str
    kind: Literal["ours", "part", "full", "stopping"]
    searcher: Make
    own: tuple[int, int] | None = None

    def heeded(self, study: Study) -> Study:
        """Returns the study without what this method does not look at, so that a change of that changes no search."""
        if self.kind == "full":
            return replace(study, sampler=Sampler(), early_stopping=EarlyStopping())
        if self.kind == "stopping":
            rule = study.early_stopping
            grace, reduction = self.own or (rule.grace, rule.reduction)
            rule = EarlyStopping("pareto_halving", grace=grace, reduction=reduction)
            return replace(study, sampler=Sampler(), early_stopping=rule)
        return study


def ours(sampler: str | None = None, teaching: type[Teaching] = Teaching) -> Make:
    """Begins the search that `robustune search` would run, bounded by the horizon alone.

    Args:
        sampler: instead of the study's, with its default options.
        teaching: the rule that says what trials teach the sampler.
    """

    def begin(study: Study, clock: Callable[[], float]) -> Searcher:
        asked = study if sampler is None else replace(study, sampler=Sampler(sampler))
        return driver(unbounded(asked), clock, teaching)

    return begin


def unbounded(study: Study) -> Study:
    """Returns the study without a bound on its trials; a population still fits the budget that it had."""
    sampler, population = study.sampler, fitted_population(study)
    if population is not None:
        sampler = replace(sampler, options={**sampler.options, "population_size": population})
    return replace(study, sampler=sampler, budget=Budget(trials=TRIALS_LIMIT, epochs=study.budget.epochs))


METHODS: Final = {
    method.name: method
    for method in (
        Method("ours", "ours: TPE, Pareto halving", "ours", ours()),
        Method("ours-random", "ours with random proposals", "part", ours("random")),
        Method("ours-nsga2", "ours with NSGA-II", "part", ours("nsga2")),
        Method("rule-completed", "ours, taught by complete trials", "part", ours(teaching=Completed)),
        Method("rule-highest", "ours, taught by the highest rung", "part", ours(teaching=Highest)),
        Method("rule-predicted", "ours, taught by predictions", "part", ours(teaching=Predicted)),
        Method("random", "random, full budget", "full", plain_optuna.random),
        Method("optuna-tpe", "Optuna TPE, full budget", "full", plain_optuna.tpe),
        Method("optuna-tpe-joint", "Optuna TPE multivariate, full budget", "full", plain_optuna.tpe_multivariate),
        Method("optuna-nsga2", "Optuna NSGA-II, full budget", "full", plain_optuna.nsga2),
        Method("moasha", "Syne Tune MOASHA, our grace", "stopping", moasha.as_ours),
        Method(
            "moasha-default",
            "Syne Tune MOASHA, its defaults",
            "stopping",
            moasha.by_default,
            (moasha.GRACE, moasha.REDUCTION),
        ),
    )
}


def compared(study: Study) -> dict[str, Method]:
    """Returns the methods that differ on a study: where it has MOASHA's defaults, these are no variant of their own."""
    rule = study.early_stopping
    same = (rule.grace, rule.reduction) == (moasha.GRACE, moasha.REDUCTION)
    return {name: method for name, method in METHODS.items() if not (same and name == "moasha-default")}
