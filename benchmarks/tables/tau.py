"""How well early epochs rank nets: Kendall's tau from each epoch to the last, of every objective."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import fmean

from scipy.stats import kendalltau

from robustune.curve_files import Curve
from robustune.halving import rungs
from search_spaces import Study


def tau(study: Study, curves: Sequence[Curve], metric: str, epoch: int) -> float:
    """Returns Kendall's tau-b between a metric after an epoch and after the last one, the mean over seeds.

    Nets are compared within one seed only; those that failed are left out. 0 where all are alike.
    """
    by_seed: dict[int, list[Curve]] = defaultdict(list)
    for curve in curves:
        if curve.failure is None:
            by_seed[curve.seed].append(curve)
    return fmean(
        _tau([one.scores[epoch - 1][metric] for one in nets], [one.scores[-1][metric] for one in nets])
        for nets in by_seed.values()
    )


def between_seeds(curves: Sequence[Curve], metric: str) -> float | None:
    """Returns tau-b of the last epoch's metric between the first two seeds: what no early epoch can be above by much.

    None where there is one seed.
    """
    nets = {(repr(sorted(curve.config.items())), curve.seed): curve for curve in curves if curve.failure is None}
    seeds = sorted({seed for _, seed in nets})[:2]
    if len(seeds) < 2:
        return None
    both = [key for key, seed in nets if seed == seeds[0] and (key, seeds[1]) in nets]
    first, second = ([nets[key, seed].scores[-1][metric] for key in both] for seed in seeds)
    return _tau(first, second)


def told(study: Study, curves: Sequence[Curve]) -> str:
    """Returns a Markdown table: a row for each objective, a column for each epoch, rungs marked."""
    marked = rungs(study.early_stopping, study.budget.epochs)
    epochs = range(1, study.budget.epochs)
    heads = [f"{epoch}{' (rung)' if epoch in marked else ''}" for epoch in epochs]
    rows = [["tau of epoch", *heads, "last epoch, two seeds"], ["---"] * (len(heads) + 2)]
    for metric in [one.metric for one in study.objectives]:
        seeds = between_seeds(curves, metric)
        cells = [f"{tau(study, curves, metric, epoch):.2f}" for epoch in epochs]
        rows.append([metric, *cells, "" if seeds is None else f"{seeds:.2f}"])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _tau(early: Iterable[float], last: Iterable[float]) -> float:
    found = float(kendalltau(list(early), list(last)).statistic)
    return found if found == found else 0.0  # nan where one side has one value only
