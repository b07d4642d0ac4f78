"""How much each searched option matters for each objective, asked in three ways, and how far to trust the answer."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from analysis.front import Floats, losses
from analysis.importance_features import Design, design
from analysis.partial import PARTIAL, partial_rows
from analysis.wording import within
from search_spaces.study import Objective, Study

if TYPE_CHECKING:
    from analysis.importance_surrogate import Surrogate

LEAST: Final = 20
"""Trials below which nothing is said: each fifth of them would be fewer than four."""
MOST: Final = 2_000
"""Trials that are looked at; of more, so many drawn at random."""
EVALUATORS: Final = {
    "fanova": "fANOVA",
    "ped_anova": "PED-ANOVA",
    "permutation": "Permutation, out of fold",
}
IMPORTANCE: Final = pa.schema(
    [
        pa.field("objective", pa.string()),
        pa.field("option", pa.string()),
        pa.field("evaluator", pa.string()),
        pa.field("value", pa.float64()),
        pa.field("deviation", pa.float64()),
        pa.field("share", pa.float64()),
        pa.field("trials", pa.int64()),
        pa.field("r2", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Judged:
    """What can be said of one objective.

    Attributes:
        metric: the objective.
        finished: trials of full epochs with a finite score.
        trials: of them that were looked at.
        r2: what part of the variance of unseen trials a model of the options foretells; NaN where none was fitted.
        why: why nothing is said; "" where something is.
    """

    metric: str
    finished: int
    trials: int
    r2: float
    why: str


@dataclass(frozen=True)
class Importances:
    """Importance of each option for each objective.

    Attributes:
        judged: of each objective how far to trust the rest.
        table: a row for each objective, option and evaluator: `value` (fANOVA: share of the variance; PED-ANOVA: a
            divergence; permutation: R2 lost), `deviation` over folds where there is one, and `share` of the sum over
            options; `trials` and `r2` as in `judged`. An evaluator that has nothing to say of an option has no row.
        partial: as `analysis.partial.partial_rows` gives them.
    """

    judged: tuple[Judged, ...]
    table: pa.Table
    partial: pa.Table


def importances(trials: pa.Table, study: Study, seed: int = 0) -> Importances:
    """Returns how much each option matters; equal trials and seeds give equal numbers.

    Trials of full epochs with a finite score count, whether they keep the constraints or not: scores of stopped trials
    would make epochs look like options.

    Args:
        trials: as `analysis.records.trials` gives them.
        study: whose objectives and space are looked at.
        seed: of samples, forests, folds and shuffles.
    """
    judged, rows, partial = [], [], []
    spent = trials.filter(
        pc.and_(pc.equal(trials["state"], "complete"), pc.equal(trials["epochs"], study.budget.epochs))
    )
    for objective in study.objectives:
        one, found, dependence = _of(objective, spent, study, seed)
        judged.append(one)
        rows += found
        partial += dependence
    table = pa.Table.from_pylist(rows, IMPORTANCE)
    return Importances(tuple(judged), table, pa.Table.from_pylist(partial, PARTIAL))


def _of(
    objective: Objective, spent: pa.Table, study: Study, seed: int
) -> tuple[Judged, list[dict[str, object]], list[dict[str, object]]]:
    name = objective.metric
    finite = spent.filter(pc.fill_null(pc.is_finite(spent[f"metrics.{name}"]), False))
    values = finite[f"metrics.{name}"].to_numpy()
    if why := _silence(values, study):
        return Judged(name, len(values), 0, np.nan, why), [], []
    # Late, since pages of few trials need none of it: Optuna and scikit-learn take a second to import.
    from threadpoolctl import threadpool_limits

    from analysis.importance_surrogate import surrogate

    rows = _sampled(len(values), seed)
    whole = design(finite.take(pa.array(rows)), study)
    # Scores as great as floats can be would have no variance that a float can hold; no measure depends on their scale.
    unit = float(np.abs(values).max())
    scaled = values[rows] / unit
    # Threads that wait for each other at every small tree take minutes in place of seconds while a search is at work.
    with threadpool_limits(1):
        model = surrogate(whole, scaled, seed)
        judged = Judged(name, len(values), len(rows), model.r2, "")
        found = _rows(judged, objective, whole, scaled, model, seed)
        return judged, found, partial_rows(objective, study, whole, model, seed, unit)


def _silence(values: Floats, study: Study) -> str:
    """Why nothing can be said, as a sentence."""
    if not study.space:
        return "The study searches no option."
    if len(values) < LEAST:
        count = {0: "No trial has", 1: "1 trial has"}.get(len(values), f"{len(values)} trials have")
        return f"{count} spent all epochs with a finite score; importance needs {LEAST}."
    if np.ptp(values) == 0:
        return f"All {len(values)} trials score the same, so no option makes a difference."
    return ""


def _sampled(count: int, seed: int) -> NDArray[np.int64]:
    if count <= MOST:
        return np.arange(count)
    return np.sort(np.random.default_rng([seed, 0]).choice(count, MOST, replace=False))


def _rows(
    judged: Judged, objective: Objective, whole: Design, values: Floats, model: "Surrogate", seed: int
) -> list[dict[str, object]]:
    from analysis.importance_optuna import fanova, ped_anova
    from analysis.importance_surrogate import permuted

    down = losses(values[:, None], (objective.goal,))[:, 0]
    measured: dict[str, dict[str, tuple[float, float | None]]] = {
        "fanova": {option: (value, None) for option, value in fanova(whole, down, seed).items()},
        "ped_anova": {option: (value, None) for option, value in ped_anova(whole, down).items()},
        "permutation": dict(permuted(model, whole, values, seed)),
    }
    rows: list[dict[str, object]] = []
    for evaluator, found in measured.items():
        total = sum(max(0.0, value) for value, _ in found.values())
        for option, (value, deviation) in found.items():
            rows.append(
                {
                    "objective": judged.metric,
                    "option": option,
                    "evaluator": evaluator,
                    "value": value,
                    "deviation": deviation,
                    "share": max(0.0, value) / total if total > 0 else 0.0,
                    "trials": judged.trials,
                    "r2": judged.r2,
                }
            )
    return rows


def trust(judged: Judged) -> str:
    """Returns in sentences how many trials were looked at, and how far a model of the options foretells others."""
    if judged.why:
        return judged.why
    of = "" if judged.trials == judged.finished else f" drawn from {judged.finished:,}"
    told = f"From {judged.trials:,} trials{of} that spent all epochs. R2 out of fold is {judged.r2:.2f}: "
    if judged.r2 <= 0:
        return f"{told}options do not foretell {within(judged.metric)} better than its mean: what follows is noise."
    if judged.r2 < 0.5:
        return told + "less than half of the variance of unseen trials is foretold, so take it as a hint."
    return told + "so much of the variance of unseen trials is foretold by their options."
