"""A model of one objective by the options: how well it foretells trials that it did not see, and what it reads off."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor
from sklearn.model_selection import KFold

from analysis.front import Floats
from analysis.importance_features import Design

FOLDS: Final = 5
REPEATS: Final = 8
FEW: Final = 60
"""Trials below which a forest foretells better than boosting, as measured on sums of sines, products and choices."""


@dataclass(frozen=True)
class Fold:
    """A model with the trials that it did not see."""

    model: Any
    held_out: NDArray[np.int64]


@dataclass(frozen=True)
class Surrogate:
    """The models of all folds, and what part of the variance of unseen trials they foretell together.

    `r2` is 1 where they foretell every one, 0 where they do no better than the mean, and has no lower bound.
    """

    folds: tuple[Fold, ...]
    r2: float

    def foretold(self, matrix: Floats) -> Floats:
        """Returns (folds, n) what each fold's model says of every row of the (n, features) matrix."""
        return np.array([fold.model.predict(matrix) for fold in self.folds], dtype=np.float64)


def surrogate(design: Design, values: Floats, seed: int) -> Surrogate:
    """Fits a model to each of five parts of the trials left out in turn.

    Args:
        design: (n) trials.
        values: (n,) finite scores of one objective, not all equal.
        seed: of the parts and the models.
    """
    folds = []
    foretold = np.empty(len(values))
    for seen, held_out in KFold(FOLDS, shuffle=True, random_state=seed).split(design.matrix):
        model = _model(len(seen), seed).fit(design.matrix[seen], values[seen])
        foretold[held_out] = model.predict(design.matrix[held_out])
        folds.append(Fold(model, held_out))
    return Surrogate(tuple(folds), float(1 - np.mean((values - foretold) ** 2) / np.var(values)))


def permuted(model: Surrogate, design: Design, values: Floats, seed: int) -> dict[str, tuple[float, float]]:
    """Returns, for each option, how much of R2 is lost where its values are shuffled among unseen trials.

    A mean over folds and shuffles, and its standard deviation over folds. An option's columns are shuffled together;
    whether it was drawn at all is shuffled with them.

    Args:
        model: as `surrogate` fitted it.
        design: the same trials.
        values: their scores.
        seed: of the shuffles.

    Source: L. Breiman, "Random Forests", 2001, on held-out trials in place of those out of the bag.
    """
    generator = np.random.default_rng([seed, 1])
    lost: dict[str, list[float]] = {option: [] for option in design.options}
    variance = float(np.var(values))
    for fold in model.folds:
        unseen, truth = design.matrix[fold.held_out], values[fold.held_out]
        before = np.mean((fold.model.predict(unseen) - truth) ** 2)
        orders = [generator.permutation(len(unseen)) for _ in range(REPEATS)]
        for option in design.options:
            columns = design.columns(option)
            shuffled = np.tile(unseen, (REPEATS, 1))
            shuffled[:, columns] = np.vstack([unseen[order][:, columns] for order in orders])
            after = np.mean((fold.model.predict(shuffled) - np.tile(truth, REPEATS)) ** 2)
            lost[option].append(float(after - before) / variance)
    return {option: (float(np.mean(found)), float(np.std(found, ddof=1))) for option, found in lost.items()}


def _model(trials: int, seed: int) -> Any:
    if trials < FEW:
        return ExtraTreesRegressor(100, random_state=seed)
    leaf = min(20, max(2, trials // 10))
    return HistGradientBoostingRegressor(random_state=seed, max_leaf_nodes=8, min_samples_leaf=leaf)
