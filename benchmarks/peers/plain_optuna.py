"""Optuna by its public ask and tell, every trial at full budget: what its tutorial for several objectives shows."""

from collections.abc import Callable, Mapping
from typing import Any

import optuna
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import Trial, TrialState

from robustune.distributions import Translator
from robustune.driver import Proposal
from robustune.lessons import quiet
from robustune.makers import population_size
from search_spaces import Study
from trainables.seeds import derive


class PlainOptuna:
    """One Optuna study whose trials are never stopped; its sampler is made once and draws from one stream.

    Args:
        study: what is searched. Its constraints are told to Optuna, its early stopping plays no part.
        sampler: made from a seed.
    """

    def __init__(self, study: Study, sampler: Callable[[int], BaseSampler]) -> None:
        self._given = study
        self._translator = Translator(study.space)
        self._running: dict[int, Trial] = {}
        with quiet():
            self._study = optuna.create_study(
                directions=["maximize" if one.goal == "max" else "minimize" for one in study.objectives],
                sampler=sampler(derive(study.seed, "peer") % 2**32),
            )

    def next(self) -> Proposal:
        """Asks for the next trial; there always is one."""
        trial = self._study.ask()
        self._running[trial.number] = trial
        config = self._translator.draw(trial, dormant=False)
        return Proposal(trial.number, derive(self._given.seed, trial.number, "trial"), config, 0)

    def report(self, number: int, report: Mapping[str, Any]) -> bool:
        """Tells a trial that failed, or has its full epochs, and lets every other go on."""
        if report["failure"] is not None:
            self._study.tell(self._running.pop(number), state=TrialState.FAIL)
            return False
        if report["epoch"] < self._given.budget.epochs:
            return True
        trial, metrics = self._running.pop(number), report["metrics"]
        for place, bound in enumerate(self._given.bounds):
            trial.set_constraint(f"{place}:{bound.metric}", bound.violation(metrics[bound.metric]))
        self._study.tell(trial, [metrics[one.metric] for one in self._given.objectives])
        return False


def tpe(study: Study, clock: Callable[[], float]) -> PlainOptuna:
    """Begins TPE with its defaults, but for trials in flight, which it counts as bad ones (constant liar)."""
    return PlainOptuna(study, lambda seed: TPESampler(seed=seed, constant_liar=True))


def tpe_multivariate(study: Study, clock: Callable[[], float]) -> PlainOptuna:
    """Begins TPE as `tpe` does, but for the multivariate estimator, which is an option with several objectives."""
    return PlainOptuna(study, lambda seed: TPESampler(seed=seed, multivariate=True, constant_liar=True))


def nsga2(study: Study, clock: Callable[[], float]) -> PlainOptuna:
    """Begins NSGA-II with its defaults, but for a population that fits the study's budget of trials as ours does."""
    size = population_size(study.budget.trials)
    return PlainOptuna(study, lambda seed: NSGAIISampler(seed=seed, population_size=size))


def random(study: Study, clock: Callable[[], float]) -> PlainOptuna:
    """Begins random search."""
    return PlainOptuna(study, lambda seed: RandomSampler(seed=seed))
