"""Draws of all true mean scores at once, as far as the nets tell them."""

from typing import Final

import numpy as np

from analysis.confirmation.nets import Floats
from analysis.confirmation.variances import Spread

LEAST_POINTS: Final = 5
"""Fewer points than that tell nothing of how points lie."""
ROUNDING: Final = 1e-24
"""Of the squared means: variances up to that are none."""
NEGLIGIBLE: Final = 1e-6
"""Of the variance of a mean: less noise between points than that counts as that, or equations would be singular."""


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


def likely(spread: Spread, count: int, rng: np.random.Generator) -> Floats:
    """Returns (count, K, M) draws of all true mean scores, given the means that were seen.

    Points of a study lie along a common trade-off, and those seen far off it are so partly by chance. So the true ones
    are taken as normal about a common centre, of which nothing is known beforehand, with the covariance that the seen
    ones have beyond their noise; draws are from what is then known of them (empirical Bayes). Fewer than five points
    tell no such covariance: draws are then about the means themselves.

    Source: Efron & Morris 1972, Biometrika 59, 335-347, for the covariance; the noise here is known and not equal.
    """
    points, names = spread.means.shape
    noise = deviations(spread, count, rng)
    covariance = spread.covariance
    if points < LEAST_POINTS or np.diag(covariance).max() <= ROUNDING * np.abs(spread.means).max() ** 2:
        return spread.means + noise
    unit = _units(spread)
    means, covariance = spread.means / unit, covariance / np.outer(np.tile(unit, points), np.tile(unit, points))
    prior: Floats = np.asarray(np.kron(np.eye(points), _beyond(means, covariance)), dtype=np.float64)
    # A wide normal for the centre; a wider one would lose digits of the rest.
    centre = 1e4 * np.diag((np.diag(covariance) + np.diag(prior)).reshape(points, names).mean(axis=0))
    prior += np.kron(np.ones((points, points)), centre)
    gain = np.linalg.solve(prior + covariance, prior).T
    middle = means.mean(axis=0)
    # A draw of truth and noise, moved by what they make of the means that were seen (Matheron's rule).
    truth = (rng.standard_normal((count, points * names)) @ _root(prior).T).reshape(count, points, names)
    off = (means - middle - truth - noise / unit).reshape(count, points * names)
    found: Floats = (middle + truth + (off @ gain.T).reshape(count, points, names)) * unit
    return found


def _units(spread: Spread) -> Floats:
    """(M,) a standard error of each metric, or a thousandth of how points differ, so that no scale counts."""
    error, apart = np.sqrt(spread.variances.mean(axis=0)), spread.means.std(axis=0)
    small: Floats = np.where(apart > 0, 1e-3 * apart, np.where(error > 0, error, 1.0))
    found: Floats = np.maximum(error, small)
    return found


def _beyond(means: Floats, covariance: Floats) -> Floats:
    """(M, M) covariance of points beyond what noise makes of them; at least a tenth of that noise in any direction."""
    points, names = means.shape
    blocks = covariance.reshape(points, names, points, names)
    own = np.einsum("kmkq->mq", blocks) / points
    noise: Floats = (own * points - blocks.sum(axis=(0, 2)) / points) / (points - 1)
    values, vectors = np.linalg.eigh((noise + noise.T) / 2)
    root: Floats = vectors * np.sqrt(np.maximum(values, NEGLIGIBLE * np.diag(covariance).max()))
    scaled = np.linalg.solve(root, np.linalg.solve(root, np.cov(means.T).reshape(names, names)).T).T
    size, turn = np.linalg.eigh((scaled + scaled.T) / 2)
    half: Floats = np.matmul(root, turn) * np.sqrt(np.maximum(size - 1, 0.1))
    found: Floats = half @ half.T
    return found


def undominated(losses: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Returns (draws, K) which points of each draw's (K, M) losses nothing dominates; twins stay."""
    kept = np.ones(losses.shape[:2], dtype=bool)
    for point in range(losses.shape[1]):
        other = losses[:, point, None, :]
        kept &= ~((other <= losses).all(axis=2) & (other < losses).any(axis=2))
    return kept
