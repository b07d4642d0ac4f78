"""What a model of the trials says of one option, all others as they were tried, and how far that spreads."""

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from analysis.front import Floats
from analysis.importance_features import Design, Feature, logarithmic
from search_spaces.domains import Choice, LogWhole, Subset, Whole
from search_spaces.study import Objective, Study

if TYPE_CHECKING:
    from analysis.importance_surrogate import Surrogate

POINTS: Final = 12
ROWS: Final = 200
"""Trials whose other options are kept; of more, so many drawn at random."""
PARTIAL: Final = pa.schema(
    [
        pa.field("objective", pa.string()),
        pa.field("option", pa.string()),
        pa.field("value", pa.float64()),
        pa.field("written", pa.string()),
        *(pa.field(name, pa.float64()) for name in ("mean", "low", "high", "least", "greatest")),
        pa.field("trials", pa.int64()),
    ]
)


def partial_rows(
    objective: Objective, study: Study, design: Design, model: "Surrogate", seed: int, unit: float = 1.0
) -> list[dict[str, object]]:
    """Returns rows of objective, option and value with the mean that the models foretell there, and its spread.

    `low` and `high` are the 10 % and 90 % quantiles over trials, each with its own other options: how much these matter
    beside. `least` and `greatest` are the means of the single folds' models: how much the model itself is in doubt.
    `value` is as it is drawn, or for a choice the place of what `written` says; a subset has two rows for each element.
    Of an option that is not always drawn, the trials that drew it count.

    Args:
        objective: that the model foretells.
        study: whose options they are.
        design: the trials.
        model: fitted to them.
        seed: which trials' other options are kept.
        unit: of what the model foretells.

    Source: J. Friedman, "Greedy Function Approximation", 2001; A. Goldstein et al., "Peeking Inside the
        Black Box", 2015.
    """
    generator = np.random.default_rng([seed, 2])
    rows: list[dict[str, object]] = []
    for place, feature in enumerate(design.features):
        drawn = np.flatnonzero(design.drawn(feature.option))
        if not len(drawn):
            continue
        kept = drawn if len(drawn) <= ROWS else np.sort(generator.choice(drawn, ROWS, replace=False))
        for value, written, said in _said(feature, place, study, design.matrix[kept], model):
            low, high = np.quantile(said.mean(axis=0), [0.1, 0.9])
            means = said.mean(axis=1)
            numbers = {"mean": means.mean(), "low": low, "high": high, "least": means.min(), "greatest": means.max()}
            rows.append(
                {
                    "objective": objective.metric,
                    "option": feature.option,
                    "value": value,
                    "written": written,
                    **{name: float(number) * unit for name, number in numbers.items()},
                    "trials": len(kept),
                }
            )
    return rows


def _said(
    feature: Feature, place: int, study: Study, others: Floats, model: "Surrogate"
) -> list[tuple[float, str, Floats]]:
    """For each point of an option its value, its text, and (folds, trials) what is foretold there."""
    points = _points(feature, study)
    asked = np.tile(others, (len(points), 1))
    asked[:, place] = np.repeat(points, len(others))
    said = model.foretold(asked).reshape(len(model.folds), len(points), len(others))
    domain = study.space[feature.option]
    values = 10.0**points if logarithmic(domain) else points
    texts = [str(feature.values[int(point)]) if feature.values else "" for point in points]
    return [(float(value), text, said[:, row]) for row, (value, text) in enumerate(zip(values, texts, strict=True))]


def _points(feature: Feature, study: Study) -> Floats:
    domain = study.space[feature.option]
    if isinstance(domain, Choice | Subset):
        return np.arange(len(feature.values), dtype=np.float64)
    points = np.linspace(feature.low, feature.high, POINTS)
    if isinstance(domain, LogWhole):
        return np.unique(np.log10(np.unique(np.round(10.0**points))))
    return np.unique(np.round(points)) if isinstance(domain, Whole) else points
