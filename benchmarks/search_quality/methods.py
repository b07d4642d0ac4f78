"""The searches that are compared: ours and its parts, and the peers."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal

from benchmarks.peers import moasha, plain_optuna
from robustune.makers import fitted_population
from robustune.replay import Make, Searcher, driver
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
        grace: of its own, whatever the study's is; None: the study's.
    """

    name: str
    label: str
    kind: Literal["ours", "part", "full", "stopping"]
    searcher: Make
    grace: int | None = None

    def heeded(self, study: Study) -> Study:
        """Returns the study without what this method does not look at, so that a change of that changes no search."""
        if self.kind == "full":
            return replace(study, sampler=Sampler(), early_stopping=EarlyStopping())
        if self.kind == "stopping":
            rule = study.early_stopping
            rule = EarlyStopping("pareto_halving", grace=self.grace or rule.grace, reduction=rule.reduction)
            return replace(study, sampler=Sampler(), early_stopping=rule)
        return study


def ours(sampler: str | None = None) -> Make:
    """Begins the search that `robustune search` would run, bounded by the horizon alone.

    Args:
        sampler: instead of the study's, with its default options.
    """

    def begin(study: Study, clock: Callable[[], float]) -> Searcher:
        return driver(unbounded(study if sampler is None else replace(study, sampler=Sampler(sampler))), clock)

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
        Method("random", "random, full budget", "full", plain_optuna.random),
        Method("optuna-tpe", "Optuna TPE, full budget", "full", plain_optuna.tpe),
        Method("optuna-tpe-joint", "Optuna TPE multivariate, full budget", "full", plain_optuna.tpe_multivariate),
        Method("optuna-nsga2", "Optuna NSGA-II, full budget", "full", plain_optuna.nsga2),
        Method("moasha", "Syne Tune MOASHA, our grace", "stopping", moasha.as_ours),
        Method("moasha-default", "Syne Tune MOASHA, grace 1", "stopping", moasha.by_default, moasha.GRACE),
    )
}


def compared(study: Study) -> dict[str, Method]:
    """Returns the methods that differ on a study: with a grace of 1, MOASHA's default is no variant of its own."""
    same = study.early_stopping.grace == moasha.GRACE
    return {name: method for name, method in METHODS.items() if not (same and name == "moasha-default")}
