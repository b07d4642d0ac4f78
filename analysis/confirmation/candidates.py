"""Which trials deserve a confirmation: the front, and what chance may have kept off it."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from analysis.confirmation.nets import Floats, Whole, nets_of
from analysis.confirmation.variances import averages, shrunk
from analysis.front import eligible, front, goals, losses, nondominated, scores
from search_spaces.study import Study

BAND = 2.0
"""Standard deviations over seeds below the front within which a trial is confirmed too."""


def candidates(
    trials: pa.Table, study: Study, band: float = BAND, sd: Mapping[str, float] | None = None
) -> tuple[int, ...]:
    """Returns the front's trials, best first objective first, then what lies within the band below it, by number.

    A trial lies within the band where nothing eligible would dominate it if it were better by `band` standard
    deviations in every objective. One that breaks a constraint by the search's scores is no candidate.

    Args:
        trials: of `analysis.records.trials`.
        study: theirs.
        band: in standard deviations over seeds; 0: the front alone.
        sd: of each objective, as `pooled_sd` says; None: those that the search itself shows by repeats (`repeated_sd`).
            An objective of which neither knows one counts as 0 wide.
    """
    members = front(trials, study)["number"].to_pylist()
    known = repeated_sd(trials, study) if sd is None else sd
    widths = np.array([band * known.get(one.metric, 0.0) for one in study.objectives])
    chosen = np.flatnonzero(eligible(trials, study))
    points = losses(scores(trials, study)[chosen], goals(study))
    best = points[nondominated(points)]
    better = points - widths
    over = (best[None] <= better[:, None]).all(axis=2) & (best[None] < better[:, None]).any(axis=2)
    numbers = trials["number"].to_numpy()[chosen][~over.any(axis=1)]
    return (*members, *sorted(set(numbers.tolist()) - set(members)))


def repeated_sd(trials: pa.Table, study: Study) -> dict[str, float]:
    """Returns the standard deviation of each objective over trials of equal options, pooled; {} where none repeats."""
    chosen = np.flatnonzero(eligible(trials, study))
    columns = [trials[f"options.{name}"].to_pylist() for name in study.space]
    keys = [tuple(column[place] for column in columns) for place in chosen]
    groups = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    if len(groups) == len(keys):
        return {}
    return _pooled(scores(trials, study)[chosen], np.array([groups[key] for key in keys]), _names(study))


def pooled_sd(outcomes: pa.Table) -> dict[str, float]:
    """Returns the standard deviation of a net's score over seeds by metric, pooled over trials.

    It holds all that differs between nets of one trial on the same images, so also what more images would lessen.

    Raises:
        NotConfirmable: no trial has two nets, or the outcomes are not whole.
    """
    nets = nets_of(outcomes)
    return _pooled(nets.scores, nets.point, nets.metrics)


def _names(study: Study) -> tuple[str, ...]:
    return tuple(one.metric for one in study.objectives)


def _pooled(values: Floats, point: Whole, names: tuple[str, ...]) -> dict[str, float]:
    order = np.argsort(point, kind="stable")
    values, point, counts = values[order], point[order], np.bincount(point)
    means = averages(values, point, len(counts))
    squares = averages((values - means[point]) ** 2, point, len(counts)) * counts[:, None]
    found = [shrunk(squares[:, m] / np.maximum(counts - 1, 1), counts - 1).pooled for m in range(len(names))]
    return {name: float(np.sqrt(one)) for name, one in zip(names, found, strict=True)}
