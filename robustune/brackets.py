"""Brackets: groups of trials, each first compared later than the one before it.

Source: Hyperband (Li et al. 2018), asynchronously as in ASHA (Li et al. 2020).
"""

import math
from bisect import bisect_right
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Final

from search_spaces.study import EarlyStopping, Study
from trainables.seeds import derive

_SEEDS: Final = 2**63


class Brackets:
    """Says which bracket a trial belongs to.

    Args:
        study: its seed, budget and early stopping.
    """

    def __init__(self, study: Study) -> None:
        self._seed = study.seed
        self._limits = list(accumulate(shares(study.early_stopping, study.budget.epochs)))

    def of(self, number: int) -> int:
        """The bracket of a trial, counted from 0: a function of the study and the trial's number alone."""
        if len(self._limits) == 1:
            return 0
        return bisect_right(self._limits, Fraction(derive(self._seed, number, "bracket"), _SEEDS))


def shares(early_stopping: EarlyStopping, epochs: int) -> tuple[Fraction, ...]:
    """The chance of each bracket that a trial belongs to it; they add up to 1.

    It is inverse to the epochs that a trial of the bracket is expected to train where one in `reduction` goes on at
    every rung, so that all brackets spend the same. Hyperband shares its budget likewise, because which bracket ranks
    trials early enough and yet well enough is not known before. With n rungs of epochs that `reduction` divides its
    shares go by reduction^n / (n + 1); a trial that goes on does not start again here, which leaves more trials for
    the brackets of many rungs.

    Ray's rule (asha) has Ray's own: each bracket has a share smaller by e than the one before it.
    """
    if early_stopping.name == "asha":
        weights = [Fraction(math.exp(-bracket)) for bracket in range(early_stopping.brackets)]
        return tuple(weight / sum(weights) for weight in weights)
    costs = [_expected(early_stopping, epochs, bracket) for bracket in range(early_stopping.brackets)]
    whole = sum(1 / cost for cost in costs)
    return tuple(1 / cost / whole for cost in costs)


def _expected(early_stopping: EarlyStopping, epochs: int, bracket: int) -> Fraction:
    """Epochs that a trial of a bracket trains on average, where one in `reduction` goes on at each rung."""
    marks = (0, *early_stopping.rungs(epochs, bracket), epochs)
    steps = enumerate(pairwise(marks))
    return sum((Fraction(high - low, early_stopping.reduction**passed) for passed, (low, high) in steps), Fraction())


def lasting(early_stopping: EarlyStopping, epochs: int) -> Fraction:
    """The share of trials that spend their full epochs where one in `reduction` goes on at every rung."""
    return reaching(early_stopping, epochs, epochs)


def reaching(early_stopping: EarlyStopping, epochs: int, epoch: int) -> Fraction:
    """The share of trials that come to an epoch of the budget's where one in `reduction` goes on at every rung."""
    passed = [
        sum(rung < epoch for rung in early_stopping.rungs(epochs, bracket))
        for bracket in range(early_stopping.brackets)
    ]
    parts = zip(shares(early_stopping, epochs), passed, strict=True)
    return sum((share / early_stopping.reduction**count for share, count in parts), Fraction())
