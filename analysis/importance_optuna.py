"""Importance of options by Optuna's evaluators, over an in-memory study of plain trials."""

import logging
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator
from optuna.importance._base import BaseImportanceEvaluator
from optuna.trial import create_trial

from analysis.front import Floats
from analysis.importance_features import Design, Feature

TREES: Final = 32
DEPTH: Final = 6
"""Of fANOVA's trees. With Optuna's own 64 and 64 it takes 99 s for 2,000 trials of 8 options, with these 1 s, and the
shares differ by 0.03 at most; deep trees fit the noise of single trials."""
TOP: Final = 0.1
TOP_LEAST: Final = 5
"""Trials that PED-ANOVA's best part must hold."""


def fanova(design: Design, losses: Floats, seed: int) -> dict[str, float]:
    """Returns the share of the variance of the losses that each option explains alone, in [0, 1].

    Options that some trial did not draw are left out: the evaluator knows trials with all options alone. A subset's
    share is the sum over its elements. Nothing is returned where no tree finds a split.

    Args:
        design: the trials.
        losses: (n,) of one objective, lower is better, finite.
        seed: of the forest.

    Source: F. Hutter, H. Hoos, K. Leyton-Brown, "An Efficient Approach for Assessing Hyperparameter Importance", 2014.
        Optuna 5.0 hands logarithmic options to it as they are, which hides what a learning rate does between 1e-5 and
        1e-3; here they are logarithms already.
    """
    always = [option for option in design.options if design.drawn(option).all()]
    evaluator = FanovaImportanceEvaluator(n_trees=TREES, max_depth=DEPTH, seed=seed)
    try:
        return _evaluated(evaluator, design, losses, always)
    except RuntimeError:  # no tree has any variance, as where all trials have the same options
        return {}


def ped_anova(design: Design, losses: Floats) -> dict[str, float]:
    """Returns how far each option's values in the best trials differ from those in all: 0 where they do not.

    The best trials are a tenth of all, and five at least. Options that are not always drawn count with how often they
    were. A subset's number is the sum over its elements.

    Args:
        design: the trials.
        losses: (n,) of one objective, lower is better, finite: the evaluator always minimises.

    Source: S. Watanabe, A. Bansal, F. Hutter, "PED-ANOVA", 2023; for conditional options, Optuna 5.0.
    """
    quantile = best_part(len(losses))
    return _evaluated(PedAnovaImportanceEvaluator(target_quantile=quantile), design, losses, list(design.options))


def best_part(trials: int) -> float:
    """Returns which share of the trials PED-ANOVA calls the best."""
    return max(TOP, TOP_LEAST / trials)


def _evaluated(
    evaluator: BaseImportanceEvaluator, design: Design, losses: Floats, options: list[str]
) -> dict[str, float]:
    keys = {str(place): one for place, one in enumerate(design.features) if one.option in options}
    laws = {key: _law(feature) for key, feature in keys.items()}
    if not laws:
        return {}
    with _quiet():
        study = optuna.create_study(direction="minimize")
        study.add_trials(
            [
                create_trial(params=given, distributions={key: laws[key] for key in given}, value=float(loss))
                for row, loss in zip(design.matrix, losses, strict=True)
                for given in (_given(row, keys),)
            ]
        )
        named = [key for key in keys if design.drawn(keys[key].option).any()]
        # Not through `get_param_importances`, which makes equal shares where nothing matters at all.
        found = evaluator.evaluate(study, params=named)
    sums = dict.fromkeys(options, 0.0)
    for key in named:
        sums[keys[key].option] += float(found.get(key, 0.0))
    return sums


def _law(feature: Feature) -> BaseDistribution:
    if feature.values:
        return CategoricalDistribution(range(len(feature.values)))
    return FloatDistribution(feature.low, feature.high)


def _given(row: Floats, keys: dict[str, Feature]) -> dict[str, float | int]:
    """An Optuna trial's parameters; a number at the end of its range may lie beyond it by its last bits."""
    found: dict[str, float | int] = {}
    for key, feature in keys.items():
        value = float(row[int(key)])
        if not math.isnan(value):
            found[key] = int(value) if feature.values else min(max(value, feature.low), feature.high)
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """No line of Optuna's on making a study, nor its warnings of what is experimental and of what we do on purpose."""
    logger = logging.getLogger("optuna")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
