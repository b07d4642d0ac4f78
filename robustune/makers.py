"""Optuna's samplers as a study asks for them: fresh for every draw, seeded, with populations that fit the budget."""

import math
import warnings
from collections.abc import Callable, Mapping
from typing import Final

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, NSGAIIISampler, NSGAIISampler, RandomSampler

from robustune.tpe import Tpe
from search_spaces.samplers import DIVISIONS, POPULATIONS, reference_points
from search_spaces.study import Study

STARTUP_TRIALS: Final = 10
"""Trials that TPE and the Gaussian process draw at random first; Optuna's default."""
LARGEST_POPULATION: Final = 50

Make = Callable[[int], BaseSampler]
"""A fresh sampler of a seed below 2^32."""


def population_size(trials: int) -> int:
    """NSGA-II's population for a budget of trials: about as many generations as members.

    Optuna's default of 50 makes a budget of 48 trials a random search, since nothing is inherited before the first
    generation is full. On two made-up problems of 7 and 8 options (mean hypervolume of 12 to 30 seeds, one trial at a
    time) 4 to 8 members were best for 48 trials and 4 to 14 for 200, where 50 gained less than half as much over
    random draws.
    """
    return min(LARGEST_POPULATION, max(4, math.isqrt(trials)))


def fitted_population(study: Study) -> int | None:
    """The population that a study's sampler breeds, named or fitted to the budget; None where it breeds none.

    NSGA-III wants a member for every reference point, as far as a third of the budget allows that.
    """
    options = study.sampler.options
    if study.sampler.name not in POPULATIONS:
        return None
    size = population_size(study.budget.trials)
    if study.sampler.name == "nsga3":
        points = reference_points(len(study.objectives), int(options.get("divisions", DIVISIONS)))
        size = max(size, min(points, LARGEST_POPULATION, study.budget.trials // 3))
    return int(options.get("population_size", size))


def _random(study: Study) -> tuple[Make, int]:
    return lambda seed: RandomSampler(seed=seed), 0  # chance learns nothing: any rung will do


def _tpe(study: Study) -> tuple[Make, int]:
    """Optuna's TPE, multivariate for any number of objectives.

    Optuna's own default is the independent estimator where there are several; but a good learning rate depends on the
    batch size, and that one cannot know.
    Conditional options are learned one by one from the trials that had them; `group`, which learns them jointly, is
    experimental.

    A rung is enough for TPE once it holds the startup trials and two rows more than the options plus one, the law of
    BOHB (Falkner et al. 2018, section 3.2): with fewer, its densities of good and bad cannot both be told apart.
    """
    startup = startup_trials(study)
    candidates = int(study.sampler.options.get("candidates", 24))

    def make(seed: int) -> BaseSampler:
        return Tpe(
            seed=seed, n_startup_trials=startup, n_ei_candidates=candidates, multivariate=True, constant_liar=True
        )

    return make, max(startup, len(study.space) + 3)


def _nsga2(study: Study) -> tuple[Make, int]:
    """Optuna's NSGA-II; a rung is enough once it holds a whole generation, before which nothing is inherited."""
    size, mutation, crossover, swapping = _breeding(study)

    def make(seed: int) -> BaseSampler:
        return NSGAIISampler(
            seed=seed,
            population_size=size,
            mutation_prob=mutation,
            crossover_prob=crossover,
            swapping_prob=swapping,
        )

    return make, size


def _nsga3(study: Study) -> tuple[Make, int]:
    """Optuna's NSGA-III; enough is what it is for NSGA-II."""
    size, mutation, crossover, swapping = _breeding(study)
    divisions = int(study.sampler.options.get("divisions", DIVISIONS))

    def make(seed: int) -> BaseSampler:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # our laws hold what we use of it
            return NSGAIIISampler(
                seed=seed,
                population_size=size,
                mutation_prob=mutation,
                crossover_prob=crossover,
                swapping_prob=swapping,
                dividing_parameter=divisions,
            )

    return make, size


def _breeding(study: Study) -> tuple[int, float | None, float, float]:
    options = study.sampler.options
    size, mutation = fitted_population(study), options.get("mutation_probability")
    assert size is not None
    return (
        size,
        None if mutation is None else float(mutation),
        float(options.get("crossover_probability", 0.9)),
        float(options.get("swapping_probability", 0.5)),
    )


def startup_trials(study: Study) -> int:
    """Trials that are drawn at random before TPE or the Gaussian process is asked."""
    return int(study.sampler.options.get("startup_trials", STARTUP_TRIALS))


MAKERS: Final[Mapping[str, Callable[[Study], tuple[Make, int]]]] = {
    "random": _random,
    "tpe": _tpe,
    "nsga2": _nsga2,
    "nsga3": _nsga3,
}
"""How to make each sampler that draws while it is asked, and how many rows make a rung worth asking."""
