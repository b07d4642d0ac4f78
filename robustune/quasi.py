"""Points that fill a space more evenly than chance: each a function of the seed and its number alone."""

from collections.abc import Mapping
from typing import Any, Final

from optuna.distributions import BaseDistribution

from robustune.distributions import Parameters, at

SEQUENCE: Final = "sobol"
"""The one that is taken where a study names none."""


def quasi_random(laws: Mapping[str, BaseDistribution], sequence: str, seed: int, number: int) -> Parameters:
    """The parameters at one point of a scrambled sequence, a coordinate for each.

    Optuna's own QMC sampler keeps a counter in its storage, draws its first trial at random and falls back to random
    draws where trials do not all have the same parameters. Here an inactive option has a coordinate as well, so that a
    space with conditions is filled evenly as a whole; what is inactive at a point is left out of its trial.

    Args:
        laws: of every parameter of the space, in drawing order.
        sequence: "sobol" or "halton".
        seed: of the scrambling.
        number: of the point, from 0 upward.

    Source: Owen 1998 (scrambled Sobol points), Owen 2017 (scrambled Halton points), as scipy has them.
    """
    from scipy.stats import qmc  # late: takes a second, and most studies have another sampler

    make: Any = {"sobol": qmc.Sobol, "halton": qmc.Halton}[sequence]
    engine = make(d=len(laws), scramble=True, rng=seed)
    if number:
        engine.fast_forward(number)
    (point,) = engine.random(1)
    return {key: at(law, float(share)) for (key, law), share in zip(laws.items(), point, strict=True)}
