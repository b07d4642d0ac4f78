"""What a net scored of each source image, so that means over sources are its scores: values, influences, clusters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from trainables.seeds import derive

OUTCOMES: Final = "outcomes.parquet"
"""File of a scored net, a row for each metric and source."""
SCHEMA: Final = pa.schema([("metric", pa.string()), ("source", pa.int64()), ("value", pa.float64())])

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """One score of a net, image by image.

    Attributes:
        values: (N,) whose mean is the score.
        sources: N names of what each image was made from.
    """

    values: Array
    sources: Sequence[str]


def ratio_values(parts: Array, wholes: Array) -> Array:
    """(N,) linearised values of the mean of K ratios of sums, whose mean is that score exactly.

    The value of an image is the score plus the image's influence on it, so that clusters of images tell the score's
    variance in numerator and denominator together (the delta method).

    Args:
        parts: (K, N) what each image adds to the numerator of each ratio.
        wholes: (K, N) what it adds to the denominator.

    Raises:
        ValueError: there is no ratio, or a denominator is no number above zero.
    """
    means = wholes.mean(1)
    if not len(means) or not (means > 0).all():
        raise ValueError("ratio_values: a denominator is not above zero")
    ratios = parts.mean(1) / means
    values: Array = (ratios[:, None] + (parts - ratios[:, None] * wholes) / means[:, None]).mean(0)
    return values


def deviation_values(draws: Array) -> Array:
    """(N,) linearised values of the standard deviation of D scores, whose mean is that deviation; 0 for a single score.

    Args:
        draws: (D, N) values of each draw, whose means are the scores.
    """
    scores = draws.mean(1)
    deviation = float(scores.std(ddof=1)) if len(scores) > 1 else 0.0
    if deviation == 0.0:
        return np.zeros(draws.shape[1])
    weights = (scores - scores.mean()) / ((len(scores) - 1) * deviation)
    values: Array = deviation + weights @ (draws - scores[:, None])
    return values


def by_source(measured: Measured) -> tuple[NDArray[np.int64], Array]:
    """Sources as numbers, and of each the score plus what its images add to it, so that their mean is the score.

    The score is a mean over images, so a ratio of two sums over sources: of values, and of images. What a source adds
    is linear in both (the delta method). That one source has more images than another then tells nothing of the score's
    variance by itself, as the plain share of each in the score would. A source has the same number in every metric and
    for every net.

    Raises:
        ValueError: no image was measured.
    """
    if not len(measured.values):
        raise ValueError("by_source: no image was measured")
    names, codes = np.unique(np.asarray(measured.sources, dtype=str), return_inverse=True)
    score = float(measured.values.mean())
    sums = np.bincount(codes, weights=measured.values - score, minlength=len(names))
    numbers = np.array([derive("source", str(name)) for name in names], np.int64)
    values: Array = (score + sums * (len(names) / len(codes))).astype(np.float64)
    return numbers, values


def write(measured: Mapping[str, Measured], directory: Path) -> dict[str, Any]:
    """Writes `outcomes.parquet` and returns `scores`, `images` and `sources` by metric."""
    parts = {metric: by_source(one) for metric, one in measured.items()}
    table = pa.table(
        {
            "metric": pa.array([metric for metric, (numbers, _) in parts.items() for _ in numbers], pa.string()),
            "source": pa.array(np.concatenate([numbers for numbers, _ in parts.values()]), pa.int64()),
            "value": pa.array(np.concatenate([values for _, values in parts.values()]), pa.float64()),
        },
        schema=SCHEMA,
    )
    pq.write_table(table, directory / OUTCOMES)
    return {
        "scores": {metric: float(values.mean()) for metric, (_, values) in parts.items()},
        "images": {metric: len(one.values) for metric, one in measured.items()},
        "sources": {metric: len(numbers) for metric, (numbers, _) in parts.items()},
    }
