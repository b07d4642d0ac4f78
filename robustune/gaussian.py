"""Draws from Optuna's Gaussian process, in a thread beside the search: one takes from tenths of a second to many."""

import threading
from collections.abc import Mapping, Sequence

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import GPSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from robustune.distributions import Parameters, suggest
from robustune.lessons import quiet


class Drawing:
    """One draw, begun at once in a thread of its own, from what was known then; a function of its arguments alone.

    The thread shares nothing with the search that could change: the trials are copied in, and Optuna replaces a trial
    that it changes. While it drew (20 to 300 trials of 7 parameters, one core) the search's own thread never waited
    longer than 11 ms.

    Args:
        number: of the trial that it is for.
        trials: finished and running ones, all with the same parameters and the same constraints.
        goals: "max" or "min" of each objective.
        laws: of the parameters.
        seed: below 2^32.
    """

    def __init__(
        self,
        number: int,
        trials: Sequence[FrozenTrial],
        goals: Sequence[str],
        laws: Mapping[str, BaseDistribution],
        seed: int,
    ) -> None:
        self.number = number
        self._trials, self._laws = trials, laws
        self._drawn: Parameters = {}
        self._fault: Exception | None = None
        with quiet():  # here and not in the thread, which would race the search's own silencing of Optuna's logger
            self._study = _empty_study(goals, GPSampler(seed=seed, n_startup_trials=1))
        # A daemon: who presses Ctrl-C does not wait for a draw that nobody will use.
        self._thread = threading.Thread(target=self._run, name="gaussian process", daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether `parameters` answers at once."""
        return not self._thread.is_alive()

    def parameters(self) -> Parameters:
        """Returns what was drawn, once it is."""
        self._thread.join()
        if self._fault is not None:
            raise self._fault
        return self._drawn

    def _run(self) -> None:
        try:
            self._drawn = self._draw()
        except Exception as error:  # raised where the draw is asked for
            self._fault = error

    def _draw(self) -> Parameters:
        self._study.add_trials(self._trials)
        trial = self._study.ask()
        return {key: suggest(trial, key, law) for key, law in self._laws.items()}


def _empty_study(goals: Sequence[str], sampler: GPSampler) -> optuna.Study:
    directions = [StudyDirection.MAXIMIZE if goal == "max" else StudyDirection.MINIMIZE for goal in goals]
    return optuna.create_study(directions=directions, sampler=sampler)
