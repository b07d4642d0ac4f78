"""What to try next: Optuna's samplers behind ask, observe and end, repeatable from the record alone."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler

from robustune.distributions import Translator
from robustune.grid import grid
from robustune.teaching import Attributes, Teaching
from search_spaces.study import Study
from trainables.seeds import derive

STARTUP_TRIALS: Final = 10
"""Trials that TPE draws at random first; Optuna's default."""


class Sampler:
    """Draws configurations for a study, each a function of the study, its number and the events before it alone.

    Every ask takes a fresh Optuna sampler seeded by (study seed, trial number), so a search whose recorded events are
    played back (`restore`, `observe`, `end` in their order) draws what the uninterrupted one would have drawn.

    Args:
        study: what is searched; `sampler.name` is random, grid, tpe or nsga2.
        rungs: epochs at which trials are compared, ascending; the last is the budget's.

    Raises:
        Mistake: STUDY_INVALID, a grid that cannot be enumerated.
        KeyError: no sampler has that name.
    """

    def __init__(self, study: Study, rungs: tuple[int, ...]) -> None:
        self._study = study
        self._translator = Translator(study.space)
        self._rungs = frozenset(rungs)
        self._last = rungs[-1]
        self._grid = grid(study.space, derive(study.seed, "grid")) if study.sampler.name == "grid" else None
        if self._grid is None:
            self._make, enough = SAMPLERS[study.sampler.name](study)
            self._teaching = Teaching(study, rungs, enough)
        # A crossover inherits only what every trial has, so conditional options would stay random for ever under
        # NSGA-II. There an inactive option keeps a dormant gene that is inherited and never seen by a trial.
        self._dormant = study.sampler.name == "nsga2"
        self._attributes: dict[int, Attributes] = {}

    @property
    def size(self) -> int | None:
        """How many configurations there are to ask for; None without a grid."""
        return None if self._grid is None else len(self._grid)

    def ask(self, number: int) -> dict[str, Any] | None:
        """The configuration of a new trial, active options alone; None if the grid is exhausted.

        Args:
            number: the trial's number, asked once; from 0 upward.
        """
        if self._grid is not None:
            return dict(self._grid[number]) if number < len(self._grid) else None
        config: dict[str, Any] = {}
        trial, rungs = self._teaching.ask(
            number,
            self._make(derive(self._study.seed, number, "ask") % 2**32),
            lambda trial: config.update(self._translator.draw(trial, dormant=self._dormant)),
        )
        seen = self._translator.parameters(config)
        dormant = {key: value for key, value in trial.params.items() if key not in seen}
        self._attributes[number] = {**({"rungs": rungs} if rungs else {}), **({"dormant": dormant} if dormant else {})}
        return config

    def attributes(self, number: int) -> Attributes:
        """What must be kept with a running trial to restore it, as plain JSON data."""
        return self._attributes.get(number, {})

    def restore(self, number: int, config: Mapping[str, Any], attributes: Mapping[str, Any]) -> None:
        """Plays back an ask: the trial runs again, and the sampler knows of it what it knew.

        Args:
            number: the trial's number.
            config: what `ask` returned.
            attributes: what `attributes` returned after it.

        Raises:
            ValueError: the configuration lies outside the study's space.
        """
        if self._grid is None:
            parameters = self._translator.parameters(config) | attributes.get("dormant", {})
            self._teaching.restore(number, parameters, self._translator.laws(parameters), attributes.get("rungs", {}))
            self._attributes[number] = dict(attributes)

    def observe(self, number: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Tells what a running trial scored at an epoch; nothing happens between rungs, or at a rung told before.

        Args:
            number: the trial's number.
            epoch: how many epochs it has trained.
            metrics: every objective's and constraint's value; a trial lacking one, or with a non-finite one, does not
                count at this rung.
        """
        if self._grid is None and epoch in self._rungs:
            self._teaching.tell(number, epoch, metrics)

    def end(self, number: int, state: str, metrics: Mapping[str, float] | None) -> None:
        """Takes a trial out of flight.

        Args:
            number: the trial's number.
            state: "complete", "stopped", "failed" by its own options, or "lost" with its worker.
            metrics: scores of the last epoch of a complete trial, if they have not been observed; else ignored.
        """
        if self._grid is None:
            if state == "complete" and metrics is not None:
                self.observe(number, self._last, metrics)
            self._teaching.close(number, blamed=state == "failed")
        self._attributes.pop(number, None)


def population_size(trials: int) -> int:
    """NSGA-II's population for a budget of trials: about as many generations as members.

    Optuna's default of 50 makes a budget of 48 trials a random search, since nothing is inherited before the first
    generation is full. On two made-up problems of 7 and 8 options (mean hypervolume of 12 to 30 seeds, one trial at a
    time) 4 to 8 members were best for 48 trials and 4 to 14 for 200, where 50 gained less than half as much over
    random draws.
    """
    return min(50, max(4, math.isqrt(trials)))


Make = Callable[[int], BaseSampler]
"""A fresh sampler of a seed below 2^32."""


def _random(study: Study) -> tuple[Make, int]:
    return lambda seed: RandomSampler(seed=seed), study.budget.trials


def _tpe(study: Study) -> tuple[Make, int]:
    """Optuna's TPE, multivariate for one objective and independent for several, as Optuna advises.

    Conditional options are learned one by one from the trials that had them. `group`, which learns them jointly, would
    also force the multivariate estimator upon several objectives, and is experimental.

    A rung is enough for TPE once it holds the startup trials and two rows more than the options plus one, the law of
    BOHB (Falkner et al. 2018, section 3.2): with fewer, its densities of good and bad cannot both be told apart.
    """
    options = study.sampler.options
    startup = int(options.get("startup_trials", STARTUP_TRIALS))
    candidates = int(options.get("candidates", 24))

    def make(seed: int) -> BaseSampler:
        return TPESampler(seed=seed, n_startup_trials=startup, n_ei_candidates=candidates, constant_liar=True)

    return make, max(startup, len(study.space) + 3)


def _nsga2(study: Study) -> tuple[Make, int]:
    """Optuna's NSGA-II; a rung is enough once it holds a whole generation, before which nothing is inherited."""
    options = study.sampler.options
    size = int(options.get("population_size", population_size(study.budget.trials)))
    mutation = options.get("mutation_probability")
    crossover = float(options.get("crossover_probability", 0.9))
    swapping = float(options.get("swapping_probability", 0.5))

    def make(seed: int) -> BaseSampler:
        return NSGAIISampler(
            seed=seed,
            population_size=size,
            mutation_prob=None if mutation is None else float(mutation),
            crossover_prob=crossover,
            swapping_prob=swapping,
        )

    return make, size


SAMPLERS: Final[Mapping[str, Callable[[Study], tuple[Make, int]]]] = {"random": _random, "tpe": _tpe, "nsga2": _nsga2}
"""How to make each sampler but the grid, and how many rows make a rung worth asking."""
