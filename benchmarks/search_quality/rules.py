"""Other rules of what a trial teaches the sampler, for comparison with `robustune.teaching`."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from robustune.teaching import Teaching
from search_spaces import Study
from trainables.seeds import derive

LEAST_PAIRS: Final = 3
"""Complete trials from which on final scores are predicted; before, a stopped trial's scores are those of its rung."""


class Completed(Teaching):
    """Complete trials alone teach; stopped ones are forgotten."""

    def telling(self, rungs: Sequence[int]) -> tuple[int, ...]:
        """The last rung."""
        return tuple(rungs[-1:])


class Highest(Teaching):
    """Every rung is a study of its own, and the highest with enough rows is asked; the plan that ours began with."""

    def telling(self, rungs: Sequence[int]) -> tuple[int, ...]:
        """All rungs."""
        return tuple(rungs)

    def asked(self, number: int) -> int:
        """The highest rung with enough rows, else the lowest."""
        ready = [rung for rung, lesson in self._lessons.items() if lesson.rows >= self._enough]
        return max(ready, default=min(self._lessons))


class Predicted(Completed):
    """A stopped trial is told final scores, predicted from its last rung and drawn with their uncertainty.

    The prediction is a line for each objective through the complete trials, its slope drawn towards 1 as by three
    more trials; the uncertainty is the deviation from it.
    """

    def __init__(self, study: Study, rungs: Sequence[int], enough: int, imputes: bool = False) -> None:
        super().__init__(study, rungs, enough, imputes)
        self._last = rungs[-1]
        self._scores: dict[int, dict[int, list[float]]] = {}

    def tell(self, number: int, rung: int, metrics: Mapping[str, float]) -> None:
        """Keeps what was scored at the rung, and tells it at the last one."""
        scores = [metrics[one.metric] for one in self._study.objectives]
        if np.isfinite(scores).all():
            self._scores.setdefault(number, {})[rung] = scores
        super().tell(number, rung, metrics)

    def close(self, number: int, blamed: bool = False) -> None:
        """Tells a stopped trial's predicted scores."""
        known = self._scores.get(number, {})
        if known and not blamed and self._last not in known:
            names = [one.metric for one in self._study.objectives]
            predicted = self._predicted(number, max(known))
            super().tell(number, self._last, dict(zip(names, predicted, strict=True)))
        super().close(number, blamed)

    def _predicted(self, number: int, rung: int) -> list[float]:
        pairs = np.array([(s[rung], s[self._last]) for s in self._scores.values() if rung in s and self._last in s])
        own = np.array(self._scores[number][rung])
        if len(pairs) < LEAST_PAIRS:
            return list(own)
        line, deviation = _lines(pairs[:, 0], pairs[:, 1], own)
        draw = np.random.default_rng(derive(self._study.seed, number, "predicted")).standard_normal(len(own))
        return [float(value) for value in line + deviation * draw]


Array = NDArray[np.float64]


def _lines(early: Array, final: Array, own: Array) -> tuple[Array, Array]:
    """Where each objective's line has `own`, and the standard deviation from the line; inputs (pairs, objectives)."""
    x, y = early - early.mean(axis=0), final - final.mean(axis=0)
    prior = 3 * x.var(axis=0) + 1e-6
    slope = ((x * y).sum(axis=0) + prior) / ((x * x).sum(axis=0) + prior)
    return final.mean(axis=0) + slope * (own - early.mean(axis=0)), (y - slope * x).std(axis=0)
