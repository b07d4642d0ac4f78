"""Draws of all true mean scores at once, as far as the nets tell them."""

import numpy as np

from analysis.confirmation.nets import Floats
from analysis.confirmation.variances import Spread


def deviations(spread: Spread, count: int, rng: np.random.Generator) -> Floats:
    """Returns (count, K, M) joint deviations of means from truths: a multivariate t of seeds plus a normal of sources.

    Each point's part of the seeds is scaled by its own chi-squared, of the fewest degrees of freedom among its metrics;
    the part of the sources is common to all points, as the sources are.
    """
    points, names = spread.means.shape
    df = spread.seed_df.min(axis=1)
    own = np.einsum("kmq,nkq->nkm", _root(spread.seeds), rng.standard_normal((count, points, names)))
    own *= np.sqrt(df / rng.chisquare(df, (count, points)))[:, :, None]
    shared = rng.standard_normal((count, points * names)) @ _root(spread.sources).T
    found: Floats = own + shared.reshape(count, points, names)
    return found


def _root(covariances: Floats) -> Floats:
    """A square root of (..., n, n) covariances; what rounding made negative counts as nothing."""
    values, vectors = np.linalg.eigh(covariances)
    found: Floats = vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]
    return found


def undominated(losses: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Returns (draws, K) which points of each draw's (K, M) losses nothing dominates; twins stay."""
    kept = np.ones(losses.shape[:2], dtype=bool)
    for point in range(losses.shape[1]):
        other = losses[:, point, None, :]
        kept &= ~((other <= losses).all(axis=2) & (other < losses).any(axis=2))
    return kept
